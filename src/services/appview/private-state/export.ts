import type { Sql } from '#platform/storage'
import type { PrivateItem } from '#protocol/account'
import { type Did, formatDatetime, type Tid } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import { LIST } from '../index/list.ts'
import { cursorOf, readCursor } from '../read/cursor.ts'

/** Private state goes out kind by kind, each in the order of its keys: a number and a text. */
interface Kind<R extends Keyed = Keyed> {
  /** Fewer than a page where items are large. */
  limit?: number
  /** Rows of an account behind a key; the parameters are aid, number, text, limit. */
  sql: string
  item(row: R): PrivateItem
}

interface Keyed {
  k1: number
  k2: string
}

const kind = <R>(one: Kind<R & Keyed>): Kind => one as unknown as Kind
const timeOfMs = (ms: number) => formatDatetime(ms)
const timeOfUs = (us: number) => formatDatetime(Math.floor(us / 1000))

const KINDS: readonly Kind[] = [
  kind<{ did: Did; created_ms: number }>({
    sql: `select m.subject_aid as k1, '' as k2, a.did, m.created_ms
      from mute m cross join actor a
      where a.aid = m.subject_aid and m.aid = ? and m.subject_aid > ? and ? >= '' order by m.subject_aid limit ?`,
    item: ({ did, created_ms }) => ({
      $type: 'app.falaj.appview.defs#mutedAccount',
      subject: did,
      createdAt: timeOfMs(created_ms),
    }),
  }),
  kind<{ did: Did }>({
    sql: `select m.list_aid as k1, m.list_rkey as k2, a.did
      from list_mute m cross join actor a
      where a.aid = m.list_aid and m.aid = ? and (m.list_aid, m.list_rkey) > (?, ?)
      order by m.list_aid, m.list_rkey limit ?`,
    item: ({ did, k2 }) => ({
      $type: 'app.falaj.appview.defs#mutedList',
      list: `at://${did}/${LIST}/${k2}`,
    }),
  }),
  kind<{ did: Did }>({
    sql: `select m.root_aid as k1, m.root_rkey as k2, a.did
      from thread_mute m cross join actor a
      where a.aid = m.root_aid and m.aid = ? and (m.root_aid, m.root_rkey) > (?, ?)
      order by m.root_aid, m.root_rkey limit ?`,
    item: ({ did, k2 }) => ({
      $type: 'app.falaj.appview.defs#mutedThread',
      root: `at://${did}/app.bsky.feed.post/${k2}`,
    }),
  }),
  kind<{ did: Did; subject_cid: string; created_us: number }>({
    sql: `select b.subject_aid as k1, b.subject_rkey as k2, a.did, b.subject_cid, b.created_us
      from bookmark b cross join actor a
      where a.aid = b.subject_aid and b.aid = ? and (b.subject_aid, b.subject_rkey) > (?, ?)
      order by b.subject_aid, b.subject_rkey limit ?`,
    item: ({ did, k2, subject_cid, created_us }) => ({
      $type: 'app.falaj.appview.defs#bookmark',
      uri: `at://${did}/app.bsky.feed.post/${k2}`,
      cid: subject_cid,
      createdAt: timeOfUs(created_us),
    }),
  }),
  kind<{ body: string; created_ms: number; updated_ms: number }>({
    limit: 4, // of 500 kB
    sql: `select 0 as k1, id as k2, body, created_ms, updated_ms from draft
      where aid = ? and ? >= 0 and id > ? order by id limit ?`,
    item: ({ k2, body, created_ms, updated_ms }) => ({
      $type: 'app.falaj.appview.defs#draft',
      id: k2 as Tid,
      draft: JSON.parse(body),
      createdAt: timeOfMs(created_ms),
      updatedAt: timeOfMs(updated_ms),
    }),
  }),
  kind<{ priority: number; body: string }>({
    sql: `select 1 as k1, '' as k2, priority, body from notice_preference
      where aid = ? and 1 > ? and ? >= '' limit ?`,
    item: ({ priority, body }) => ({
      $type: 'app.falaj.appview.defs#notificationPreferences',
      priority: priority === 1,
      preferences: JSON.parse(body),
    }),
  }),
  kind<{ did: Did; posts: number; replies: number; created_us: number }>({
    sql: `select s.subject_aid as k1, '' as k2, a.did, s.posts, s.replies, s.created_us
      from activity_subscription s cross join actor a
      where a.aid = s.subject_aid and s.aid = ? and s.subject_aid > ? and ? >= '' order by s.subject_aid limit ?`,
    item: ({ did, posts, replies, created_us }) => ({
      $type: 'app.falaj.appview.defs#activitySubscription',
      subject: did,
      post: posts === 1,
      reply: replies === 1,
      since: timeOfUs(created_us),
    }),
  }),
  kind<{ seen_us: number }>({
    sql: `select 1 as k1, '' as k2, seen_us from seen where aid = ? and 1 > ? and ? >= '' limit ?`,
    item: ({ seen_us }) => ({
      $type: 'app.falaj.appview.defs#seen',
      seenAt: timeOfUs(seen_us),
    }),
  }),
]

/** A page of what is known here of an account alone: of one kind of thing, so it may be short. */
export async function exportPage(
  sql: Sql,
  aid: number,
  { cursor, limit }: { cursor: string | undefined; limit: number },
): Promise<{ items: PrivateItem[]; cursor: string | undefined }> {
  const from = cursor === undefined ? { numbers: [0, 0], text: '' } : readCursor(cursor, 2)
  const [number, key] = from.numbers as [number, number]
  if (number < 0 || number > KINDS.length) throw invalidRequest('Malformed cursor')
  let after: [number, string] = [key, from.text]
  for (let i = number; i < KINDS.length; i++) {
    const { sql: select, item, limit: max = limit } = KINDS[i]!
    const rows = await sql.all<Keyed>(select, [aid, ...after, Math.min(limit, max)])
    const last = rows.at(-1)
    if (last !== undefined) return { items: rows.map(item), cursor: cursorOf(i, last.k1, last.k2) }
    after = [0, '']
  }
  return { items: [], cursor: undefined }
}
