import * as AppBskyActorGetPreferences from '@atcute/bluesky/types/app/actor/getPreferences'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { isFull } from '../sign-in/index.ts'

/** The account's private preferences, as its apps stored them. */
export const getPreferences = ({
  callers,
  preferences,
  proxy,
}: Pick<Pds, 'callers' | 'preferences' | 'proxy'>) =>
  query(AppBskyActorGetPreferences.mainSchema, {
    auth: callers.account({
      deactivated: true,
      takendown: true,
      app: (permissions, request, nsid) =>
        permissions.requireRpc(nsid, proxy.audience(request, nsid)),
    }),
    handle: ({ caller }) => ({
      preferences: preferences.read(caller.account, { full: isFull(caller) }) as never,
    }),
  })
