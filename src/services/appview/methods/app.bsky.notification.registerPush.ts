import { mainSchema } from '@atcute/bluesky/types/app/notification/registerPush'
import type { Did } from '#protocol/syntax'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Keeps a device of the viewer's that wishes to be told at once. Errors: TooManyDevices. */
export function registerPush({
  auth,
  did,
  pushTokens,
}: Pick<ReadParts, 'auth' | 'did' | 'pushTokens'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      requireOwn(input.serviceDid, did)
      const { platform, appId, token, ageRestricted = false } = input
      await pushTokens.add(caller.did, { platform, appId, token, ageRestricted })
    },
  })
}

/** What is told from here is kept here, and nothing else. */
export function requireOwn(serviceDid: Did, own: Did): void {
  if (serviceDid !== own) throw invalidRequest('Invalid serviceDid')
}
