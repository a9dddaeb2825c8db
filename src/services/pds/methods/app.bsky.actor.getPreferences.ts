import * as AppBskyActorGetPreferences from '@atcute/bluesky/types/app/actor/getPreferences'
import { isDid } from '#protocol/syntax'
import { type HttpRequest, invalidRequest, query } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { isFull } from '../sign-in/index.ts'

/**
 * The account's private preferences, as its apps stored them. A moderation service that this host
 * trusts reads those of the account it names as `did`; that is on record. Errors: InvalidRequest.
 */
export const getPreferences = ({
  accounts,
  callers,
  preferences,
  proxy,
}: Pick<Pds, 'accounts' | 'callers' | 'preferences' | 'proxy'>) =>
  query(AppBskyActorGetPreferences.mainSchema, {
    auth: callers.accountOrModerator({
      deactivated: true,
      takendown: true,
      app: (permissions, request, nsid) =>
        permissions.requireRpc(nsid, proxy.audience(request, nsid)),
    }),
    async handle({ caller, request }) {
      const read = (account: Account, full: boolean) => ({
        preferences: preferences.read(account, { full }) as never,
      })
      if ('account' in caller) return read(caller.account, isFull(caller))
      return read(await accounts.require(namedDid(request)), true)
    },
  })

/** The lexicon has no parameter: moderation services know of this one. */
function namedDid({ query }: HttpRequest): string {
  const did = new URLSearchParams(query).get('did')
  if (did && isDid(did)) return did
  throw invalidRequest('Invalid or missing did parameter')
}
