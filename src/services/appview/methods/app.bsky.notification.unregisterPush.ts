import { mainSchema } from '@atcute/bluesky/types/app/notification/unregisterPush'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { requireOwn } from './app.bsky.notification.registerPush.ts'

/** Forgets a device of the viewer's. */
export function unregisterPush({
  auth,
  did,
  pushTokens,
}: Pick<ReadParts, 'auth' | 'did' | 'pushTokens'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      requireOwn(input.serviceDid, did)
      const { platform, appId, token } = input
      await pushTokens.remove(caller.did, { platform, appId, token })
    },
  })
}
