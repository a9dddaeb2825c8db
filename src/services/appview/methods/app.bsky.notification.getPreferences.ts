import { mainSchema } from '@atcute/bluesky/types/app/notification/getPreferences'
import { type Method, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** What the viewer wants to be told. */
export function getPreferences({
  auth,
  noticePreferences,
}: Pick<ReadParts, 'auth' | 'noticePreferences'>): Method {
  return query(mainSchema, {
    auth: auth.required,
    async handle({ caller }) {
      return { preferences: (await noticePreferences.load(caller.aid)).preferences }
    },
  })
}
