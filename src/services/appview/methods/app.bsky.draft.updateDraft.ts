import { mainSchema } from '@atcute/bluesky/types/app/draft/updateDraft'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Puts another text in a draft's place. A draft that is not there is passed over in silence. */
export function updateDraft({ auth, drafts }: Pick<ReadParts, 'auth' | 'drafts'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    handle: ({ input, caller }) => drafts.update(caller.did, input.draft.id, input.draft.draft),
  })
}
