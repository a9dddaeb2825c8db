import { mainSchema } from '@atcute/bluesky/types/app/notification/putPreferences'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Whether the viewer wants to be told only by those it follows, where a client does not say. */
export function putPreferences({
  auth,
  noticeSettings,
}: Pick<ReadParts, 'auth' | 'noticeSettings'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    handle: ({ input, caller }) => noticeSettings.change(caller.did, { priority: input.priority }),
  })
}
