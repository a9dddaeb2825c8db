import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { isFull } from '../sign-in/index.ts'

/** Replaces the account's preferences. Errors: InvalidRequest. */
export const putPreferences = ({ callers, preferences }: Pick<Pds, 'callers' | 'preferences'>) =>
  procedure(AppBskyActorPutPreferences.mainSchema, {
    auth: callers.account({ deactivated: true }),
    handle: ({ input, caller }) =>
      preferences.write(caller.account, input.preferences, { full: isFull(caller) }),
  })
