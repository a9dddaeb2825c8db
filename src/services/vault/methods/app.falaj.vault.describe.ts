import { describeVault as schema } from '#protocol/account'
import { noAuth, query } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'

/** What this vault is, for anybody. */
export const describeVault = ({ config, did }: Pick<Vault, 'config' | 'did'>) =>
  query(schema, {
    auth: noAuth,
    handle: () => ({ did, openVault: config.openVault, windowDays: config.windowDays }),
  })
