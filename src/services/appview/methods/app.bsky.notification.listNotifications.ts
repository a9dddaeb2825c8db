import { mainSchema } from '@atcute/bluesky/types/app/notification/listNotifications'
import { invalidRequest, type Method, query } from '#protocol/xrpc'
import { REASONS, type Reason } from '../index/batch.ts'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { NoticedRecord, NoticePage, NoticeRow } from '../read/notices.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, cursorMember, type Json, textMember } from '../views/json.ts'
import { noticeView } from '../views/notice.ts'

type Parts = Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'notices'>

interface Noticed {
  h: Hydration
  records: Map<string, NoticedRecord>
}

/** What others did that concerns the viewer, newest first. `priority`: only by those it follows. */
export function listNotifications(parts: Parts): Method {
  const { actors, auth, notices } = parts
  return query(mainSchema, {
    auth: auth.required,
    async handle({ params, caller }) {
      if (params.seenAt !== undefined) throw invalidRequest('The seenAt parameter is unsupported')
      const { priority = false } = params
      const reasons = params.reasons?.filter(isReason)
      const seenUs = await notices.seenUs(caller.aid)
      const { items, cursor } = await fillPage(params, async (page) => {
        const skeleton = await notices.page(caller.aid, { ...page, reasons })
        const noticed = await hydrate(parts, skeleton, caller)
        return { items: present(rules(skeleton, noticed, priority), noticed, seenUs), ...skeleton }
      })
      const seenAt = seenUs === undefined ? undefined : new Date(seenUs / 1000).toISOString()
      const body = `{"notifications":${arrayOf(items)},"priority":${priority}${textMember('seenAt', seenAt)}${cursorMember(cursor)}}`
      return respond(body, await revOf(actors, caller))
    },
  })
}

async function hydrate(
  { hydrator, notices }: Parts,
  { notices: rows }: NoticePage,
  viewer: Viewer,
): Promise<Noticed> {
  const posts = rows.flatMap(({ subject, author, rkey, reason }) => [
    ...(isPost(reason) ? [`${author}/${rkey}`] : []),
    ...(subject === undefined ? [] : [subject]),
  ])
  const [h, records] = await Promise.all([
    hydrator.page(viewer, posts, { context: true, also: rows.map((row) => row.author) }),
    notices.records(rows),
  ])
  return { h, records }
}

/** Leaves out who is hidden, blocked or muted, and replies the viewer has hidden in an own thread. */
function rules({ notices }: NoticePage, { h }: Noticed, priority: boolean): NoticeRow[] {
  return notices.filter(({ author, rkey, reason }) => {
    if (!h.actors.has(author) || viewerBlocks(h, author)) return false
    if (h.relations.get(author)?.muted) return false
    if (priority && h.relations.get(author)?.following === undefined) return false
    if (reason !== 'reply') return true
    const reply = h.posts.get(`${author}/${rkey}`)
    if (reply === undefined || h.gatedOff.has(reply.key)) return false
    const root = reply.root && h.posts.get(reply.root.key)
    return root?.aid !== h.viewer!.aid || root.threadgate?.hidden.has(reply.uri) !== true
  })
}

function present(rows: NoticeRow[], { h, records }: Noticed, seenUs = 0): Json[] {
  return rows
    .map((row) => noticeView(h, row, records, row.sortUs <= seenUs))
    .filter((view) => view !== undefined)
}

function isPost(reason: Reason): boolean {
  return reason === 'reply' || reason === 'mention' || reason === 'quote'
}

function isReason(text: string): text is Reason {
  return (REASONS as readonly string[]).includes(text)
}
