import { ComAtprotoIdentityGetRecommendedDidCredentials } from '@atcute/atproto'
import { isPlcDid } from '#protocol/identity'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'

/**
 * What an account's identity should say while it lives here. A did:web has no rotation keys: its
 * owner writes the rest into its document.
 */
export const getRecommendedDidCredentials = ({ callers, plc }: Pick<Pds, 'callers' | 'plc'>) =>
  query(ComAtprotoIdentityGetRecommendedDidCredentials.mainSchema, {
    auth: callers.account({ deactivated: true, app: anyApp }),
    handle({ caller: { account } }) {
      const { rotationKeys, ...said } = plc.credentials(
        account.handle,
        account.signingKey.publicKey,
      )
      return isPlcDid(account.did) ? { rotationKeys, ...said } : said
    },
  })
