import { mainSchema } from '@atcute/bluesky/types/app/notification/putPreferencesV2'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { knownPreferences } from '../read/notice-preferences.ts'

type Parts = Pick<ReadParts, 'actors' | 'auth' | 'noticePreferences' | 'noticeSettings'>

/** Changes what the viewer wants to be told: what is not named stays. */
export function putPreferencesV2({
  actors,
  auth,
  noticePreferences,
  noticeSettings,
}: Parts): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      await noticeSettings.change(caller.did, { preferences: knownPreferences(input) })
      const aid = await actors.aidOf(caller.did)
      return { preferences: (await noticePreferences.load(aid!)).preferences }
    },
  })
}
