import { mainSchema } from '@atcute/bluesky/types/app/draft/getDrafts'
import { formatDatetime } from '#protocol/syntax'
import { type Method, query } from '#protocol/xrpc'
import type { Draft } from '../drafts/drafts.ts'
import { respond } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf, cursorMember, type Json } from '../views/json.ts'

/** What the viewer has begun to write, the last changed first. */
export function getDrafts({ auth, drafts }: Pick<ReadParts, 'auth' | 'drafts'>): Method {
  return query(mainSchema, {
    auth: auth.required,
    async handle({ params, caller }) {
      const page = await drafts.page(caller.aid, { cursor: params.cursor, limit: params.limit })
      const views = page.drafts.map(draftView)
      return respond(`{"drafts":${arrayOf(views)}${cursorMember(page.cursor)}}`, undefined)
    },
  })
}

function draftView({ id, createdMs, updatedMs, body }: Draft): Json {
  const times = `"createdAt":"${formatDatetime(createdMs)}","updatedAt":"${formatDatetime(updatedMs)}"`
  return `{"id":"${id}","draft":${body},${times}}`
}
