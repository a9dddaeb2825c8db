import { mainSchema } from '@atcute/bluesky/types/app/draft/createDraft'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Keeps what the viewer has begun to write. Errors: DraftLimitReached. */
export function createDraft({ auth, drafts }: Pick<ReadParts, 'auth' | 'drafts'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      return { id: await drafts.create(caller.did, input.draft) }
    },
  })
}
