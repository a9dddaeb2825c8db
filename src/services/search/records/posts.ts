import type { Sql } from '#platform/storage'
import { listOf, pairsOf, piecesOf } from './lists.ts'
import { placesFor } from './place.ts'
import type { PostDocument } from './post-document.ts'

/** What is to become of one post; without a document it goes. */
export interface PostChange {
  aid: number
  rkey: string
  /** Milliseconds: the earlier of what the author says and when the network saw it. */
  sortMs: number
  document: PostDocument | undefined
}

/** Which posts a query wants. Numbers are places in time (place.ts). */
export interface PostMatch {
  /** A full-text expression (query/match.ts); undefined for every post. */
  match: string | undefined
  /** Inclusive. */
  from: number
  /** Exclusive. */
  before: number
}

export interface PostHit {
  pid: number
  did: string
  rkey: string
}

/** Newest matches among which the best ones are looked for. */
export const RANKED_MAX = 5_000
/** Hits are counted up to here. */
export const COUNTED_MAX = 1_000
/** Posts of a deleted account removed at a time. */
const REMOVED_AT_ONCE = 500
/** A word of the text weighs more than one of an alt text; what filters weighs nothing. */
const SCORE = 'bm25(post_text, 1.0, 0.5, 0.0)'

/** Brings posts into the index, or out of it, within a transaction. At most one change per post. */
export async function writePosts(sql: Sql, changes: readonly PostChange[]): Promise<void> {
  for (const piece of piecesOf(changes)) await writePiece(sql, piece)
}

async function writePiece(sql: Sql, changes: readonly PostChange[]): Promise<void> {
  const known = await placesOf(sql, changes)
  const fresh: PostChange[] = []
  const removed: [number][] = []
  const indexed: [number, string, string, string][] = []
  for (const change of changes) {
    const pid = known.get(pathOf(change))
    const { document } = change
    if (pid === undefined) {
      if (document !== undefined) fresh.push(change)
    } else if (document === undefined) removed.push([pid])
    else indexed.push([pid, document.text, document.alt, document.facets])
  }
  const placed = await findPlaces(sql, fresh)
  for (const [pid, { document }] of placed)
    indexed.push([pid, document!.text, document!.alt, document!.facets])
  if (removed.length > 0) await removePlaces(sql, removed)
  if (placed.size > 0)
    await sql.runMany(
      'insert into post (pid, aid, rkey) values (?, ?, ?)',
      [...placed].map(([pid, { aid, rkey }]) => [pid, aid, rkey]),
    )
  // In the order of their numbers the engine appends; an edited post keeps its place in time.
  indexed.sort((a, b) => a[0] - b[0])
  if (indexed.length > 0)
    await sql.runMany(
      'insert or replace into post_text (rowid, text, alt, facets) values (?, ?, ?, ?)',
      indexed,
    )
}

const pathOf = ({ aid, rkey }: { aid: number; rkey: string }) => `${aid}/${rkey}`

async function placesOf(sql: Sql, changes: readonly PostChange[]): Promise<Map<string, number>> {
  const { marks, values } = pairsOf(changes.map(({ aid, rkey }) => [aid, rkey]))
  const rows = await sql.all<{ pid: number; aid: number; rkey: string }>(
    `select pid, aid, rkey from post where (aid, rkey) in (${marks})`,
    values,
  )
  return new Map(rows.map((row) => [pathOf(row), row.pid]))
}

/** Gives each new post a number nobody has: tries all together, then those that met somebody again. */
async function findPlaces(
  sql: Sql,
  changes: readonly PostChange[],
): Promise<Map<number, PostChange>> {
  const placed = new Map<number, PostChange>()
  let waiting = changes.map((change) => ({
    change,
    places: placesFor(change.sortMs, change.aid, change.rkey),
  }))
  while (waiting.length > 0) {
    const tried = waiting.map((one) => ({ ...one, pid: one.places.next().value as number }))
    const { marks, values } = listOf(tried.map(({ pid }) => pid))
    const rows = await sql.all<{ pid: number }>(
      `select pid from post where pid in (${marks})`,
      values,
    )
    const taken = new Set(rows.map((row) => row.pid))
    waiting = []
    for (const { change, places, pid } of tried) {
      if (taken.has(pid) || placed.has(pid)) waiting.push({ change, places })
      else placed.set(pid, change)
    }
  }
  return placed
}

async function removePlaces(sql: Sql, places: [number][]): Promise<void> {
  await sql.runMany('delete from post_text where rowid = ?', places)
  await sql.runMany('delete from post where pid = ?', places)
}

/** Removes some posts of an account, within a transaction. Resolves to how many; 0 at the end. */
export async function removeSomePosts(sql: Sql, aid: number): Promise<number> {
  const rows = await sql.all<{ pid: number }>('select pid from post where aid = ? limit ?', [
    aid,
    REMOVED_AT_ONCE,
  ])
  if (rows.length > 0)
    await removePlaces(
      sql,
      rows.map(({ pid }) => [pid]),
    )
  return rows.length
}

/** Reads of the index of posts. Hidden accounts have none. */
export class Posts {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** The newest first. The engine walks the hits in that order and stops at the limit. */
  async latest({ match, from, before }: PostMatch, limit: number): Promise<PostHit[]> {
    if (match === undefined)
      return this.#sql.all(
        `select p.pid, a.did, p.rkey from post p cross join actor a
         where p.pid >= ? and p.pid < ? and a.aid = p.aid and a.status is null and a.did is not null
         order by p.pid desc limit ?`,
        [from, before, limit],
      )
    return this.#sql.all(
      `select f.rowid as pid, a.did, p.rkey
       from post_text f cross join post p cross join actor a
       where f.post_text match ? and f.rowid >= ? and f.rowid < ?
         and p.pid = f.rowid and a.aid = p.aid and a.status is null and a.did is not null
       order by f.rowid desc limit ?`,
      [match, from, before, limit],
    )
  }

  /** The best of the newest RANKED_MAX hits, by BM25; of equals the newest first. */
  async best(
    { match, from, before }: PostMatch & { match: string },
    { offset, limit }: { offset: number; limit: number },
  ): Promise<PostHit[]> {
    return this.#sql.all(
      `select f.pid, a.did, p.rkey
       from (select rowid as pid, ${SCORE} as score from post_text
             where post_text match ? and rowid >= ? and rowid < ?
             order by rowid desc limit ${RANKED_MAX}) f
       cross join post p cross join actor a
       where p.pid = f.pid and a.aid = p.aid and a.status is null and a.did is not null
       order by f.score, f.pid desc limit ? offset ?`,
      [match, from, before, limit, offset],
    )
  }

  /** How many hits there are, counted up to COUNTED_MAX; those of hidden accounts included. */
  async count({ match, from, before }: PostMatch): Promise<number> {
    const hits =
      match === undefined
        ? 'select 1 from post where pid >= ? and pid < ?'
        : 'select 1 from post_text where post_text match ? and rowid >= ? and rowid < ?'
    const row = await this.#sql.get<{ hits: number }>(
      `select count(*) as hits from (${hits} limit ${COUNTED_MAX})`,
      match === undefined ? [from, before] : [match, from, before],
    )
    return row!.hits
  }

  /** Above every number there is. */
  async end(): Promise<number> {
    const row = await this.#sql.get<{ last: number | null }>('select max(pid) as last from post')
    return (row?.last ?? 0) + 1
  }
}
