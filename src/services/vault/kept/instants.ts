import type { Sql } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import type { Tid } from '#protocol/syntax'

/** A signed state of a repository. */
export interface Instant {
  rev: Tid
  /** When its host acknowledged it, by the host's clock; milliseconds since 1970. */
  timeMs: number
  /** CID of the commit. */
  cid: CidBytes
  data: CidBytes
  /** The tree it follows; undefined for a first commit, and for a copy that was fetched. */
  prev: CidBytes | undefined
  /** did:key that signed it. */
  key: string
}

interface Row {
  rev: Tid
  time_ms: number
  cid: CidBytes
  data: CidBytes
  prev: CidBytes | null
  key: string
}

const COLUMNS = 'rev, time_ms, cid, data, prev, key'

/** Instants that every block is here of. */
export class Instants {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** The state at a time; undefined when nothing so old is kept. */
  async at(aid: number, timeMs: number): Promise<Instant | undefined> {
    const row = await this.#sql.get<Row>(
      `select ${COLUMNS} from instant where aid = ? and time_ms <= ? and linked = 1
       order by time_ms desc, rev desc limit 1`,
      [aid, timeMs],
    )
    return row && instantOf(row)
  }

  /** The oldest and the newest time that can be gone back to, and how many states there are. */
  async span(aid: number): Promise<{ count: number; oldestMs: number; newestMs: number }> {
    const row = await this.#sql.get<{ count: number; oldest: number; newest: number }>(
      `select count(*) as count, coalesce(min(time_ms), 0) as oldest, coalesce(max(time_ms), 0) as newest
       from instant where aid = ? and linked = 1`,
      [aid],
    )
    return { count: row!.count, oldestMs: row!.oldest, newestMs: row!.newest }
  }

  /** Newest first, below a rev. */
  async list(aid: number, limit: number, before = '~'): Promise<Instant[]> {
    const rows = await this.#sql.all<Row>(
      `select ${COLUMNS} from instant where aid = ? and linked = 1 and rev < ?
       order by rev desc limit ?`,
      [aid, before, limit],
    )
    return rows.map(instantOf)
  }
}

/** Writes instants, as a part of the caller's transaction. */
export async function addInstants(
  sql: Sql,
  aid: number,
  instants: readonly (Instant & { isLinked: boolean })[],
): Promise<void> {
  await sql.runMany(
    `insert into instant (aid, rev, time_ms, cid, data, prev, key, linked)
     values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    instants.map(({ rev, timeMs, cid, data, prev, key, isLinked }) => [
      ...[aid, rev, timeMs, cid, data, prev ?? null, key, isLinked ? 1 : 0],
    ]),
  )
}

export function instantOf(row: Row): Instant {
  const { rev, cid, data, key } = row
  return { rev, timeMs: row.time_ms, cid, data, prev: row.prev ?? undefined, key }
}
