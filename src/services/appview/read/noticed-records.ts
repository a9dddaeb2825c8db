import type { Sql } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { cidText, encodeCbor } from '#protocol/data'
import type { Reason } from '../index/batch.ts'
import { subjectUri } from '../index/record-subject.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import type { NoticeRow } from './notices.ts'

/** A record behind a notification that is no post. */
export interface NoticedRecord {
  collection: string
  cid: string
  json: string
}

type Source = 'like' | 'repost' | 'follow' | 'verification' | 'profile'

/** Where the record behind a notification is. */
const SOURCES: Partial<Record<Reason, Source>> = {
  like: 'like',
  'like-via-repost': 'like',
  repost: 'repost',
  'repost-via-repost': 'repost',
  follow: 'follow',
  verified: 'verification',
  'starterpack-joined': 'profile',
}

const COLLECTIONS: Record<Source, string> = {
  like: 'app.bsky.feed.like',
  repost: 'app.bsky.feed.repost',
  follow: 'app.bsky.graph.follow',
  verification: 'app.bsky.graph.verification',
  profile: 'app.bsky.actor.profile',
}

const TO_RECORD = 'e.aid, e.rkey, e.cid, e.created_at, e.body, s.did, e.subject, e.subject_cid'
/** Rows by account and record key, which follow. */
const QUERIES: Record<Source, string> = {
  like: `select ${TO_RECORD} from feed_like e join actor s on s.aid = e.subject_aid
    where (e.aid, e.rkey)`,
  repost: `select ${TO_RECORD} from repost e join actor s on s.aid = e.subject_aid
    where (e.aid, e.rkey)`,
  follow: `select e.aid, e.rkey, e.cid, e.created_at, e.body, s.did from follow e
    join actor s on s.aid = e.subject_aid where (e.aid, e.rkey)`,
  verification: `select e.aid, e.rkey, e.cid, e.created_at, null as body, s.did, e.handle,
      e.display_name from verification e join actor s on s.aid = e.subject_aid
    where (e.aid, e.rkey)`,
  profile: `select aid, rkey, cid, body from profile where (aid, rkey)`,
}

interface Row {
  aid: number
  rkey: string
  cid: Uint8Array
  body: string | null
  created_at: string
  /** DID of the subject. */
  did: string
  subject: string
  subject_cid: string
  handle: string
  display_name: string
}

const DELETED = { $type: 'app.bsky.notification.defs#recordDeleted' }
/** Stands for a record whose going is what is told. */
const DELETED_VERIFICATION: NoticedRecord = {
  collection: COLLECTIONS.verification,
  cid: cidText(cidForCbor(encodeCbor(DELETED))),
  json: JSON.stringify(DELETED),
}

/** Records behind notifications that are no posts, by `noticedKey`. */
export class NoticedRecords {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  async of(notices: readonly NoticeRow[]): Promise<Map<string, NoticedRecord>> {
    const found = new Map<string, NoticedRecord>()
    const keys = new Map<Source, Map<string, [number, string]>>()
    for (const { author, rkey, reason } of notices) {
      const source = SOURCES[reason]
      if (reason === 'unverified') found.set(noticedKey(reason, author, rkey), DELETED_VERIFICATION)
      if (source === undefined) continue
      if (!keys.has(source)) keys.set(source, new Map())
      keys.get(source)!.set(`${author}/${rkey}`, [author, rkey])
    }
    for (const [source, wanted] of keys)
      for (const piece of pieces([...wanted.values()])) {
        const sql = `${QUERIES[source]} in (${pairMarks(piece.length)})`
        for (const row of await this.#sql.all<Row>(sql, paddedPairs(piece)))
          found.set(`${source} ${row.aid}/${row.rkey}`, recordOf(source, row))
      }
    return found
  }
}

/** Names the record behind a notification. */
export function noticedKey(reason: Reason, author: number, rkey: string): string {
  return `${SOURCES[reason] ?? reason} ${author}/${rkey}`
}

/** The record, from its body or from its columns. */
function recordOf(source: Source, row: Row): NoticedRecord {
  const collection = COLLECTIONS[source]
  const json = row.body ?? JSON.stringify({ $type: collection, ...columnsOf(source, row) })
  return { collection, cid: cidText(row.cid), json }
}

function columnsOf(source: Source, row: Row): object {
  const { did, created_at: createdAt } = row
  if (source === 'follow') return { subject: did, createdAt }
  if (source === 'verification') {
    const { handle, display_name: displayName } = row
    return { subject: did, handle, displayName, createdAt }
  }
  return { subject: { cid: row.subject_cid, uri: subjectUri(did, row.subject) }, createdAt }
}
