import type { Sql } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import type { Did, Tid } from '#protocol/syntax'

/** What the relay knows of one repository. */
export interface RepoState {
  did: Did
  host: string
  rev: Tid | undefined
  commit: CidBytes | undefined
  data: CidBytes | undefined
  /** Undefined while active. */
  status: string | undefined
  desynchronized: boolean
}

interface Row {
  did: Did
  host: string
  rev: Tid | null
  commit_cid: CidBytes | null
  data: CidBytes | null
  status: string | null
  desynchronized: number
}

/** States kept in memory; a row is about 400 bytes. */
const CACHED_MAX = 200_000
/** Parameters of one statement. */
const LOOKUP_MAX = 500

/** The last known state of every repository: read through memory, written in batches. */
export class RepoStates {
  readonly #sql: Sql
  #cache = new Map<Did, RepoState>()

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Loads what a batch will need, in one query per 500. */
  async load(dids: Iterable<Did>): Promise<void> {
    const missing = [...new Set(dids)].filter((did) => !this.#cache.has(did))
    for (let at = 0; at < missing.length; at += LOOKUP_MAX) {
      const some = missing.slice(at, at + LOOKUP_MAX)
      const marks = some.map(() => '?').join(',')
      const rows = await this.#sql.all<Row>(`SELECT * FROM repos WHERE did IN (${marks})`, some)
      for (const row of rows) if (!this.#cache.has(row.did)) this.#cache.set(row.did, stateOf(row))
    }
  }

  /** The state in memory; `load` comes first. */
  peek(did: Did): RepoState | undefined {
    return this.#cache.get(did)
  }

  async get(did: Did): Promise<RepoState | undefined> {
    await this.load([did])
    return this.#cache.get(did)
  }

  set(state: RepoState): void {
    this.#cache.set(state.did, state)
  }

  /** Forgets what is only in memory: an append failed. */
  reset(): void {
    this.#cache = new Map()
  }

  /** Writes states, the hosts' cursors and how far the stream is applied, as one transaction. */
  async save(
    states: Iterable<RepoState>,
    cursors: Iterable<readonly [host: string, seq: number]>,
    appliedSeq: number,
  ): Promise<void> {
    const rows = [...states].map((s) => [
      s.did,
      s.host,
      s.rev ?? null,
      s.commit ?? null,
      s.data ?? null,
      s.status ?? null,
      s.desynchronized ? 1 : 0,
    ])
    await this.#sql.transaction(async (sql) => {
      await sql.runMany(
        `INSERT INTO repos (did, host, rev, commit_cid, data, status, desynchronized)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (did) DO UPDATE SET host = excluded.host, rev = excluded.rev,
           commit_cid = excluded.commit_cid, data = excluded.data, status = excluded.status,
           desynchronized = excluded.desynchronized`,
        rows,
      )
      for (const [host, seq] of cursors) {
        await sql.run('UPDATE hosts SET cursor = max(cursor, ?) WHERE url = ?', [seq, host])
      }
      await sql.run(
        `UPDATE settings SET value = ?1 WHERE name = 'applied-seq' AND CAST(value AS INTEGER) < ?2`,
        [String(appliedSeq), appliedSeq],
      )
    })
    this.#makeRoom()
  }

  #makeRoom(): void {
    for (const did of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_MAX) return
      this.#cache.delete(did)
    }
  }

  async appliedSeq(): Promise<number> {
    const row = await this.#sql.get<{ value: string }>(
      `SELECT value FROM settings WHERE name = 'applied-seq'`,
    )
    return Number(row?.value ?? 0)
  }

  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<RepoState[]> {
    const rows = await this.#sql.all<Row>(
      'SELECT * FROM repos WHERE did > ? AND rev IS NOT NULL ORDER BY did LIMIT ?',
      [cursor ?? '', limit],
    )
    return rows.map(stateOf)
  }

  /** Repositories whose chain is broken and not yet mended. */
  async desynchronized(limit: number): Promise<RepoState[]> {
    const rows = await this.#sql.all<Row>('SELECT * FROM repos WHERE desynchronized = 1 LIMIT ?', [
      limit,
    ])
    return rows.map(stateOf)
  }
}

function stateOf(row: Row): RepoState {
  return {
    did: row.did,
    host: row.host,
    rev: row.rev ?? undefined,
    commit: row.commit_cid ?? undefined,
    data: row.data ?? undefined,
    status: row.status ?? undefined,
    desynchronized: row.desynchronized === 1,
  }
}
