import type { Sql } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { cidText, encodeCbor } from '#protocol/data'
import type { Reason } from '../index/batch.ts'
import { subjectUri } from '../index/record-subject.ts'
import { Cache, type Changes } from './cache.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import type { NoticeRow } from './notices.ts'

/** A record behind a notification that is no post. */
export interface NoticedRecord {
  collection: string
  cid: string
  json: string
}

type Source = 'like' | 'repost' | 'follow' | 'verification' | 'profile'

const RECORDS_MAX = 20_000
const KEPT_SOURCES = ['like', 'repost', 'follow', 'verification'] as const

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
  readonly #changes: Changes
  /** But for profiles, which change without being taken back. */
  readonly #kept: Cache<string, NoticedRecord>

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#kept = new Cache(changes, RECORDS_MAX)
  }

  async of(notices: readonly NoticeRow[]): Promise<Map<string, NoticedRecord>> {
    const found = new Map<string, NoticedRecord>()
    const missing = new Map<Source, Map<string, [number, string]>>()
    for (const { author, rkey, reason } of notices) {
      const key = noticedKey(reason, author, rkey)
      const known = reason === 'unverified' ? DELETED_VERIFICATION : this.#kept.get(key)
      const source = SOURCES[reason]
      if (known !== undefined) found.set(key, known)
      else if (source !== undefined) {
        if (!missing.has(source)) missing.set(source, new Map())
        missing.get(source)!.set(key, [author, rkey])
      }
    }
    for (const [source, wanted] of missing) await this.#load(source, [...wanted.values()], found)
    return found
  }

  /** What was told of a record was taken back: it changed or went. */
  drop(key: string): void {
    for (const source of KEPT_SOURCES) this.#kept.drop(`${source} ${key}`)
  }

  async #load(
    source: Source,
    keys: readonly [number, string][],
    found: Map<string, NoticedRecord>,
  ): Promise<void> {
    const { version } = this.#changes
    for (const piece of pieces(keys)) {
      const sql = `${QUERIES[source]} in (${pairMarks(piece.length)})`
      for (const row of await this.#sql.all<Row>(sql, paddedPairs(piece))) {
        const key = `${source} ${row.aid}/${row.rkey}`
        const record = recordOf(source, row)
        found.set(key, record)
        if (source !== 'profile') this.#kept.fill(version, key, record)
      }
    }
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
