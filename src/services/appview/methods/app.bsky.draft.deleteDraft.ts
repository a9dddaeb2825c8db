import { mainSchema } from '@atcute/bluesky/types/app/draft/deleteDraft'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Forgets a draft. */
export function deleteDraft({ auth, drafts }: Pick<ReadParts, 'auth' | 'drafts'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    handle: ({ input, caller }) => drafts.remove(caller.did, input.id),
  })
}
