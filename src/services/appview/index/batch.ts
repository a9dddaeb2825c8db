import type { Sql, SqlParams } from '#platform/storage'
import type { Did, Tid } from '#protocol/syntax'
import type { Scope } from '../scope/scope.ts'
import { Changed } from './changed.ts'

/** What the indexer knows of an account whose repo it follows. */
export interface Author {
  aid: number
  did: Did
  /** Newest commit applied; undefined when no repo was seen. */
  rev: Tid | undefined
  /** Why the repo is being fetched; undefined when it is in step. */
  repair: string | undefined
}

/** Reasons of notifications, as listNotifications says them; the number is what is stored. */
export const REASONS = [
  'like',
  'repost',
  'follow',
  'mention',
  'reply',
  'quote',
  'like-via-repost',
  'repost-via-repost',
  // Never stored: read from the feeds of those whose posts one wants to be told of.
  'subscribed-post',
  'verified',
  'unverified',
  'starterpack-joined',
] as const
export type Reason = (typeof REASONS)[number]

export interface Notice {
  recipient: number
  author: number
  rkey: string
  reason: Reason
  sortUs: number
  /** The post that was liked, answered, quoted; the repost or starter pack that led to it. */
  subject: { aid: number; rkey: string } | undefined
}

type SubjectColumn = 'likes' | 'reposts' | 'replies' | 'quotes' | 'bookmarks'
export type ActorColumn = 'followers' | 'follows' | 'posts' | 'lists' | 'feeds' | 'packs'
const ACTOR_COLUMNS: readonly ActorColumn[] = [
  ...(['followers', 'follows', 'posts', 'lists', 'feeds', 'packs'] as const),
]
const ACTOR_COUNTS_SQL = `insert into actor_count (aid, ${ACTOR_COLUMNS.join()})
  values (?, ${ACTOR_COLUMNS.map(() => '?').join()}) on conflict (aid) do update
  set ${ACTOR_COLUMNS.map((name) => `${name} = actor_count.${name} + excluded.${name}`).join()}`
type Deltas<C extends string> = Partial<Record<C, number>>

/** A record that cannot be indexed. */
export interface Refusal {
  aid: number
  path: string
  cid: Uint8Array | null
  reason: RefusalReason
  detail: string
}

/** `failed`: no rule foresaw it; the whole commit was passed over. */
export type RefusalReason = 'undecodable' | 'invalid' | 'unusable' | 'failed'

const DEAD_LETTERS_MAX = 10_000
/** One account cannot push out what is known of the others. */
const DEAD_LETTERS_OF_ONE_MAX = 100
const DETAIL_LENGTH_MAX = 500

/**
 * Accounts the indexer has met, kept from batch to batch. Forgotten whole when a transaction fails:
 * what it had put here is not in the database.
 */
export class AuthorCache {
  readonly byDid = new Map<Did, Author>()
  #isSettled = true

  /** A transaction begins. Whether the one before was committed may not be known yet. */
  begin(): void {
    if (!this.#isSettled || this.byDid.size > AUTHORS_MAX) this.byDid.clear()
    this.#isSettled = false
  }

  /** The transaction is committed: what was put here is true. */
  settle(): void {
    this.#isSettled = true
  }

  clear(): void {
    this.byDid.clear()
  }
}

/** Kind of the jobs that fetch a repo (see ../repair). */
export const REPAIR_JOB = 'repair'
/** Kind of the jobs that empty an account. */
export const PURGE_JOB = 'purge'

/** One job per wish: a wish that comes while another is being served is not lost with it. */
export function repairKey(did: Did, rev: Tid): string {
  return `${did}#${rev}`
}

const AUTHORS_MAX = 100_000

/**
 * One transaction of the indexer: a few hundred events and the cursor behind them. Rows are written
 * as they come; counts and account states are summed up and written by `flush`.
 */
export class Batch {
  readonly sql: Sql
  readonly nowMs: number
  readonly changed = new Changed()
  /** Whose records are kept; undefined where those of everybody are. */
  readonly scope: Scope | undefined
  readonly #authors: AuthorCache
  readonly #sent: Promise<unknown>[] = []
  readonly #dirtyAuthors = new Set<Author>()
  readonly #subjects = new Map<
    string,
    { aid: number; subject: string; by: Deltas<SubjectColumn> }
  >()
  readonly #actors = new Map<number, Deltas<ActorColumn>>()
  readonly #items = new Map<string, { aid: number; subject: string; delta: number }>()

  constructor(sql: Sql, parts: { nowMs: number; authors: AuthorCache; scope: Scope | undefined }) {
    this.sql = sql
    this.nowMs = parts.nowMs
    this.scope = parts.scope
    this.#authors = parts.authors
  }

  /**
   * Writes what nobody waits for: an index behind a socket goes on meanwhile. Whatever is asked for
   * later sees it; where it fails, `flush` does, and with it all.
   */
  send(sql: string, params: SqlParams): void {
    this.#keep(this.sql.run(sql, params))
  }

  /** The same for one statement and many rows. */
  sendMany(sql: string, rows: readonly SqlParams[]): void {
    this.#keep(this.sql.runMany(sql, rows))
  }

  #keep(sent: Promise<unknown>): void {
    sent.catch(() => {})
    this.#sent.push(sent)
  }

  /** The account of a DID; made when nobody has spoken of it yet. */
  async author(did: Did): Promise<Author> {
    const known = this.#authors.byDid.get(did)
    if (known !== undefined) return known
    const author = (await this.#find(did)) ?? (await this.#make(did))
    this.#authors.byDid.set(did, author)
    return author
  }

  async aidOf(did: Did): Promise<number> {
    return (await this.author(did)).aid
  }

  /** Changes what is known of an account; written at the end of the batch. */
  setAuthor(author: Author, state: Partial<Pick<Author, 'rev' | 'repair'>>): void {
    Object.assign(author, state)
    this.#dirtyAuthors.add(author)
  }

  /**
   * Asks for the repo of an account to be fetched, at least up to `rev`. The job's row is written
   * here, so that the wish is as durable as what caused it.
   */
  async needRepair(author: Author, reason: string, rev: Tid): Promise<void> {
    this.setAuthor(author, { repair: reason })
    await this.addJob(REPAIR_JOB, repairKey(author.did, rev))
  }

  /** Asks for everything of a deleted account to be taken out of the index. */
  async needPurge(author: Author): Promise<void> {
    await this.addJob(PURGE_JOB, author.did)
  }

  /** Asks for a job, whose row is as durable as what caused it. */
  async addJob(kind: string, key: string): Promise<void> {
    this.send(
      `insert into jobs (kind, key, payload, run_at, created_at, updated_at)
       values (?, ?, 'null', ?, ?, ?) on conflict (kind, key) do update
       set state = 'waiting', attempts = 0, run_at = excluded.run_at`,
      [kind, key, this.nowMs, this.nowMs, this.nowMs],
    )
    this.changed.jobsDue = true
  }

  /** Keeps why a record cannot be indexed, of each account the newest few. */
  async refuse({ aid, path, cid, reason, detail }: Refusal): Promise<void> {
    const { changes } = await this.sql.run(
      `insert into dead_letter (aid, path, cid, reason, detail, seen_ms) values (?, ?, ?, ?, ?, ?)
       on conflict (aid, path) do update set cid = excluded.cid, reason = excluded.reason,
         detail = excluded.detail, seen_ms = excluded.seen_ms
       where dead_letter.cid is distinct from excluded.cid
         or dead_letter.reason <> excluded.reason`,
      [aid, path, cid, reason, detail.slice(0, DETAIL_LENGTH_MAX), this.nowMs],
    )
    if (changes === 0) return
    await this.sql.run(
      `delete from dead_letter where aid = ? and id <= (select id from dead_letter
         where aid = ? order by id desc limit 1 offset ?)`,
      [aid, aid, DEAD_LETTERS_OF_ONE_MAX],
    )
    await this.sql.run(
      'delete from dead_letter where id <= (select max(id) from dead_letter) - ?',
      [DEAD_LETTERS_MAX],
    )
  }

  /** Notes that the stream changed a path while its repo is being fetched. */
  async markFresh(aid: number, path: string, rev: Tid): Promise<void> {
    this.send(
      `insert into fresh_path (aid, path, rev) values (?, ?, ?)
       on conflict (aid, path) do update set rev = excluded.rev`,
      [aid, path, rev],
    )
  }

  /** Adds to a count of a post (by record key) or of another record (by collection/rkey). */
  countSubject(aid: number, subject: string, column: SubjectColumn, delta: 1 | -1): void {
    const key = `${aid}/${subject}`
    let entry = this.#subjects.get(key)
    if (entry === undefined) this.#subjects.set(key, (entry = { aid, subject, by: {} }))
    entry.by[column] = (entry.by[column] ?? 0) + delta
    this.changed.counts.add(key)
  }

  /** Makes sure that a record has counts, if only of nothing: it can then be found by them. */
  knowSubject(aid: number, subject: string): void {
    const key = `${aid}/${subject}`
    if (!this.#subjects.has(key)) this.#subjects.set(key, { aid, subject, by: {} })
  }

  /** Makes sure that a thing's items are counted, if only as none: it can then be found by that. */
  knowItems(aid: number, subject: string): void {
    const key = `${aid}/${subject}`
    if (!this.#items.has(key)) this.#items.set(key, { aid, subject, delta: 0 })
  }

  /** Adds to how many belong to a thing of an account, given by collection/rkey. */
  countItems(aid: number, subject: string, delta: 1 | -1): void {
    const key = `${aid}/${subject}`
    this.knowItems(aid, subject)
    this.#items.get(key)!.delta += delta
  }

  countActor(aid: number, column: ActorColumn, delta: 1 | -1): void {
    let by = this.#actors.get(aid)
    if (by === undefined) this.#actors.set(aid, (by = {}))
    by[column] = (by[column] ?? 0) + delta
    this.changed.actorCounts.add(aid)
  }

  /** Tells an account of something once; nobody is told of their own doings. */
  async notify({ recipient, author, rkey, reason, sortUs, subject }: Notice): Promise<void> {
    if (recipient === author) return
    this.send(
      `insert into notice (author_aid, rkey, reason, aid, sort_us, subject_aid, subject_rkey)
       values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
      [
        author,
        rkey,
        REASONS.indexOf(reason),
        recipient,
        sortUs,
        subject?.aid ?? null,
        subject?.rkey ?? null,
      ],
    )
  }

  /** Takes back what was told of a record. */
  async unnotify(author: number, rkey: string, reasons: readonly Reason[]): Promise<void> {
    this.changed.untold.add(`${author}/${rkey}`)
    for (const reason of reasons)
      this.send('delete from notice where author_aid = ? and rkey = ? and reason = ?', [
        author,
        rkey,
        REASONS.indexOf(reason),
      ])
  }

  /** Writes what was summed up. The last thing inside the transaction. */
  async flush(): Promise<void> {
    const { sql } = this
    await Promise.all(this.#sent)
    if (this.#subjects.size > 0)
      await sql.runMany(
        `insert into subject_count (aid, subject, likes, reposts, replies, quotes, bookmarks)
         values (?, ?, ?, ?, ?, ?, ?) on conflict (aid, subject) do update set
           likes = subject_count.likes + excluded.likes,
           reposts = subject_count.reposts + excluded.reposts,
           replies = subject_count.replies + excluded.replies,
           quotes = subject_count.quotes + excluded.quotes,
           bookmarks = subject_count.bookmarks + excluded.bookmarks`,
        [...this.#subjects.values()].map(({ aid, subject, by }) => [
          aid,
          subject,
          by.likes ?? 0,
          by.reposts ?? 0,
          by.replies ?? 0,
          by.quotes ?? 0,
          by.bookmarks ?? 0,
        ]),
      )
    if (this.#actors.size > 0)
      await sql.runMany(
        ACTOR_COUNTS_SQL,
        [...this.#actors].map(([aid, by]) => [
          aid,
          ...ACTOR_COLUMNS.map((column) => by[column] ?? 0),
        ]),
      )
    if (this.#items.size > 0)
      await sql.runMany(
        `insert into item_count (aid, subject, items) values (?, ?, ?)
         on conflict (aid, subject) do update set items = item_count.items + excluded.items`,
        [...this.#items.values()].map(({ aid, subject, delta }) => [aid, subject, delta]),
      )
    if (this.#dirtyAuthors.size > 0)
      await sql.runMany(
        'update actor set rev = ?, repair = ? where aid = ?',
        [...this.#dirtyAuthors].map(({ aid, rev, repair }) => [rev ?? null, repair ?? null, aid]),
      )
    for (const { aid } of this.#dirtyAuthors) this.changed.revs.add(aid)
  }

  async #find(did: Did): Promise<Author | undefined> {
    const row = await this.sql.get<{ aid: number; rev: string | null; repair: string | null }>(
      'select aid, rev, repair from actor where did = ?',
      [did],
    )
    return row && { aid: row.aid, did, rev: row.rev ?? undefined, repair: row.repair ?? undefined }
  }

  async #make(did: Did): Promise<Author> {
    const row = await this.sql.get<{ aid: number }>(
      `insert into actor (did, handle_due_ms, handle_failures, indexed_ms)
       values (?, ?, 0, ?) on conflict (did) do update set did = excluded.did returning aid`,
      [did, this.nowMs, this.nowMs],
    )
    this.changed.handlesDue = true
    return { aid: row!.aid, did, rev: undefined, repair: undefined }
  }
}
