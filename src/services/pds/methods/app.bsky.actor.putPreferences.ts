import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { isFull } from '../sign-in/index.ts'

/** Replaces the account's preferences. Errors: InvalidRequest. */
export const putPreferences = ({
  callers,
  preferences,
  proxy,
  vaultGrants,
}: Pick<Pds, 'callers' | 'preferences' | 'proxy' | 'vaultGrants'>) =>
  procedure(AppBskyActorPutPreferences.mainSchema, {
    auth: callers.account({
      deactivated: true,
      app: (permissions, request, nsid) =>
        permissions.requireRpc(nsid, proxy.audience(request, nsid)),
    }),
    async handle({ input, caller }) {
      await preferences.write(caller.account, input.preferences, { full: isFull(caller) })
      vaultGrants.changed(caller.did)
    },
  })
