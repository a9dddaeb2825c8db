import { mainSchema } from '@atcute/bluesky/types/app/notification/updateSeen'
import { datetimeMs } from '#protocol/syntax'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer has seen its notifications up to a moment. Nothing is kept of an unknown account. */
export function updateSeen({ auth, notices }: Pick<ReadParts, 'auth' | 'notices'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      if (caller.aid !== 0) await notices.setSeen(caller.aid, datetimeMs(input.seenAt) * 1000)
    },
  })
}
