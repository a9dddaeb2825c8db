import { ComAtprotoIdentityGetRecommendedDidCredentials } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'

/** What an account's identity should say while it lives here. */
export const getRecommendedDidCredentials = ({ callers, plc }: Pick<Pds, 'callers' | 'plc'>) =>
  query(ComAtprotoIdentityGetRecommendedDidCredentials.mainSchema, {
    auth: callers.account({ deactivated: true, app: anyApp }),
    handle: ({ caller: { account } }) =>
      plc.credentials(account.handle, account.signingKey.publicKey),
  })
