import { listOperators as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Who operates this host, or did. */
export const listOperators = ({ callers, operators }: Pick<Pds, 'callers' | 'operators'>) =>
  query(schema, {
    auth: callers.operator('audit'),
    handle: async () => ({ operators: await operators.list() }),
  })
