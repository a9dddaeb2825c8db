import type { Reason } from '../index/batch.ts'
import { isPostNotice, type NoticesHydration, subjectKind } from '../pages/notices-page.ts'
import { type NoticedRecord, noticedKey } from '../read/noticed-records.ts'
import type { NoticeRow } from '../read/notices.ts'
import { profileView } from './actor.ts'
import { type Json, textMember } from './json.ts'

/**
 * `app.bsky.notification.listNotifications#notification`; undefined when the record behind it is
 * gone.
 */
export function noticeView(
  h: NoticesHydration,
  row: NoticeRow,
  records: ReadonlyMap<string, NoticedRecord>,
  isRead: boolean,
): Json | undefined {
  const author = h.actors.get(row.author)
  const record = recordOf(h, row, records)
  if (author === undefined || record === undefined) return undefined
  const view = profileView(author, h.relations.get(row.author))
  const indexedAt = new Date(Math.floor(row.sortUs / 1000)).toISOString()
  return (
    `{${record.names},"author":${view},"reason":"${row.reason}"` +
    textMember('reasonSubject', subjectOf(h, row)) +
    `,"record":${record.json},"isRead":${isRead},"indexedAt":"${indexedAt}","labels":${record.labels}}`
  )
}

/** AT-URI of what it is about. Reposts and starter packs are the reader's own. */
function subjectOf(h: NoticesHydration, { reason, subject }: NoticeRow): string | undefined {
  if (subject === undefined) return undefined
  const kind = subjectKind(reason)
  if (kind === 'post') return h.posts.get(subject)?.uri
  const rkey = subject.slice(subject.indexOf('/') + 1)
  return `at://${h.viewer!.did}/${kind}/${rkey}`
}

function recordOf(
  h: NoticesHydration,
  { author, rkey, reason }: { author: number; rkey: string; reason: Reason },
  records: ReadonlyMap<string, NoticedRecord>,
): { names: string; json: Json; labels: Json } | undefined {
  if (isPostNotice(reason)) {
    const post = h.posts.get(`${author}/${rkey}`)
    return post && { names: post.names, json: post.record, labels: post.labels }
  }
  const record = records.get(noticedKey(reason, author, rkey))
  if (record === undefined) return undefined
  const did = h.actors.get(author)?.did
  const names = `"uri":"at://${did}/${record.collection}/${rkey}","cid":"${record.cid}"`
  return { names, json: record.json, labels: '[]' }
}
