import type { Sql } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import type { Did, Tid } from '#protocol/syntax'
import type { Projection } from './projection.ts'
import type { RepoState } from './repo-state.ts'

interface Row {
  did: Did
  host: string
  rev: Tid | null
  commit_cid: CidBytes | null
  data: CidBytes | null
  status: string | null
  desynchronized: number
}

/** States kept in memory, about 500 bytes each; the least recently used go first. */
const CACHED_MAX = 200_000
/** Parameters of one statement. */
const LOOKUP_MAX = 500

/**
 * The state of every repository as the stream has it: also of what is appended and not yet durable.
 * Read through memory; what becomes durable goes to the projection.
 */
export class RepoStates {
  readonly #sql: Sql
  readonly #projection: Projection
  /** Null: there is no such repository yet. */
  readonly #cache = new Map<Did, RepoState | null>()

  constructor({ sql, projection }: { sql: Sql; projection: Projection }) {
    this.#sql = sql
    this.#projection = projection
  }

  /**
   * Whether any of these must be loaded before `peek` can be believed. Look again after every wait:
   * a failed append or a full memory makes states go.
   */
  lacks(dids: Iterable<Did>): boolean {
    for (const did of dids) if (!this.#cache.has(did)) return true
    return false
  }

  /** Loads what is missing, in one query per 500. */
  async load(dids: Iterable<Did>): Promise<void> {
    const missing: Did[] = []
    for (const did of dids) {
      const known = this.#cache.get(did) ?? this.#projection.state(did)
      if (known) this.set(known)
      else if (!this.#cache.has(did)) missing.push(did)
    }
    for (let at = 0; at < missing.length; at += LOOKUP_MAX) {
      await this.#read(missing.slice(at, at + LOOKUP_MAX))
    }
  }

  async #read(dids: readonly Did[]): Promise<void> {
    const marks = dids.map(() => '?').join(',')
    const rows = await this.#sql.all<Row>(`SELECT * FROM repos WHERE did IN (${marks})`, dids)
    const found = new Map(rows.map((row) => [row.did, row]))
    for (const did of dids) {
      // Something newer may have come while the rows were read.
      if (this.#cache.has(did)) continue
      const row = found.get(did)
      this.#put(did, this.#projection.state(did) ?? (row ? stateOf(row) : null))
    }
  }

  /** The state in memory; `load` comes first. */
  peek(did: Did): RepoState | undefined {
    return this.#cache.get(did) ?? undefined
  }

  async get(did: Did): Promise<RepoState | undefined> {
    while (this.lacks([did])) await this.load([did])
    return this.peek(did)
  }

  set(state: RepoState): void {
    this.#put(state.did, state)
  }

  #put(did: Did, state: RepoState | null): void {
    this.#cache.delete(did)
    this.#cache.set(did, state)
    if (this.#cache.size > CACHED_MAX) this.#cache.delete(this.#cache.keys().next().value!)
  }

  /** Forgets what is only in memory: an append failed. */
  reset(): void {
    this.#cache.clear()
  }

  /** In DID order, as Sql has it: a moment behind the stream. */
  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<RepoState[]> {
    const rows = await this.#sql.all<Row>(
      'SELECT * FROM repos WHERE did > ? AND rev IS NOT NULL ORDER BY did LIMIT ?',
      [cursor ?? '', limit],
    )
    return rows.map(stateOf)
  }

  /** Repositories that are shown and whose chain is broken, as Sql has it. */
  async desynchronized(limit: number): Promise<RepoState[]> {
    const rows = await this.#sql.all<Row>(
      'SELECT * FROM repos WHERE desynchronized = 1 AND status IS NULL LIMIT ?',
      [limit],
    )
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
