import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getConfig'
import { type Method, noAuth, query } from '#protocol/xrpc'

/**
 * What clients ask before anything else: nobody has to confirm an address to look, and being live
 * is not kept to named accounts.
 */
export function getConfig(): Method {
  return query(mainSchema, {
    auth: noAuth,
    handle: () => ({ checkEmailConfirmed: false, liveNow: [] }),
  })
}
