import type { Hydration } from '../read/hydrate.ts'
import type { NoticedRecord, NoticeRow } from '../read/notices.ts'
import { profileView } from './actor.ts'
import { type Json, textMember } from './json.ts'

/**
 * `app.bsky.notification.listNotifications#notification`; undefined when the record behind it, or
 * the post it is about, is gone.
 */
export function noticeView(
  h: Hydration,
  row: NoticeRow,
  records: ReadonlyMap<string, NoticedRecord>,
  isRead: boolean,
): Json | undefined {
  const author = h.actors.get(row.author)
  const record = recordOf(h, row, records)
  if (author === undefined || record === undefined) return undefined
  const subject = row.subject === undefined ? undefined : h.posts.get(row.subject)
  if (row.subject !== undefined && subject === undefined) return undefined
  const view = profileView(author, h.relations.get(row.author))
  const indexedAt = new Date(Math.floor(row.sortUs / 1000)).toISOString()
  return (
    `{${record.names},"author":${view},"reason":"${row.reason}"` +
    textMember('reasonSubject', subject?.uri) +
    `,"record":${record.json},"isRead":${isRead},"indexedAt":"${indexedAt}","labels":${record.labels}}`
  )
}

const COLLECTIONS = {
  like: 'app.bsky.feed.like',
  repost: 'app.bsky.feed.repost',
  follow: 'app.bsky.graph.follow',
} as const

function recordOf(
  h: Hydration,
  { author, rkey, reason }: NoticeRow,
  records: ReadonlyMap<string, NoticedRecord>,
): { names: string; json: Json; labels: Json } | undefined {
  if (reason !== 'like' && reason !== 'repost' && reason !== 'follow') {
    const post = h.posts.get(`${author}/${rkey}`)
    return post && { names: post.names, json: post.record, labels: post.labels }
  }
  const record = records.get(`${reason} ${author}/${rkey}`)
  if (record === undefined) return undefined
  const did = h.actors.get(author)?.did
  const names = `"uri":"at://${did}/${COLLECTIONS[reason]}/${rkey}","cid":"${record.cid}"`
  return { names, json: record.json, labels: '[]' }
}
