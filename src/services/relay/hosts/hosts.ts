import type { Sql } from '#platform/storage'
import type { Projection } from '../ingest/index.ts'

export interface Host {
  /** Origin. */
  url: string
  /** Everything up to this seq of the host was dealt with. */
  cursor: number
  status: string
  trusted: boolean
}

interface Row {
  url: string
  cursor: number
  status: string
  trusted: number
}

/** The hosts that are crawled, with the cursor of each. */
export class Hosts {
  readonly #sql: Sql
  readonly #projection: Projection
  readonly #now: () => number
  readonly #max: number

  constructor(options: { sql: Sql; projection: Projection; now: () => number; max: number }) {
    this.#sql = options.sql
    this.#projection = options.projection
    this.#now = options.now
    this.#max = options.max
  }

  /** Takes up what is configured. Hosts no longer named as trusted are as others from now on. */
  async configure(urls: readonly string[], trusted: readonly string[]): Promise<void> {
    const rows = [
      ...urls.map((url) => [url, 0, this.#now()]),
      ...trusted.map((url) => [url, 1, this.#now()]),
    ]
    await this.#sql.transaction(async (sql) => {
      await sql.run('UPDATE hosts SET trusted = 0 WHERE trusted = 1')
      await sql.runMany(
        `INSERT INTO hosts (url, trusted, added_ms) VALUES (?, ?, ?)
         ON CONFLICT (url) DO UPDATE SET trusted = excluded.trusted`,
        rows,
      )
    })
  }

  /** False when there are too many, or the host is banned. Adding one again changes nothing. */
  async add(url: string): Promise<boolean> {
    const known = await this.get(url)
    if (known) return known.status !== 'banned'
    const { changes } = await this.#sql.run(
      `INSERT INTO hosts (url, added_ms) SELECT ?, ? WHERE (SELECT count(*) FROM hosts) < ?
       ON CONFLICT (url) DO NOTHING`,
      [url, this.#now(), this.#max],
    )
    return changes > 0 || (await this.get(url)) !== undefined
  }

  /** Drops one that never had anything to say. */
  async forget(url: string): Promise<void> {
    await this.#sql.run('DELETE FROM hosts WHERE url = ? AND cursor = 0', [url])
  }

  async get(url: string): Promise<Host | undefined> {
    const row = await this.#sql.get<Row>('SELECT * FROM hosts WHERE url = ?', [url])
    return row && this.#hostOf(row)
  }

  /** Keeps the status that others are shown. */
  async setStatus(url: string, status: 'active' | 'idle' | 'offline'): Promise<void> {
    await this.#sql.run(
      `UPDATE hosts SET status = ?1 WHERE url = ?2 AND status NOT IN ('banned', ?1)`,
      [status, url],
    )
  }

  /** The host's numbering began anew: it is read from its start. */
  resetCursor(url: string): void {
    this.#projection.keep({ states: [], cursor: [url, 0], seq: 0 })
  }

  /** In order of URL. */
  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<Host[]> {
    const rows = await this.#sql.all<Row>(
      'SELECT * FROM hosts WHERE url > ? ORDER BY url LIMIT ?',
      [cursor ?? '', limit],
    )
    return rows.map((row) => this.#hostOf(row))
  }

  /** Accounts seen there, deleted ones too. */
  async countAccounts(url: string): Promise<number> {
    const row = await this.#sql.get<{ n: number }>(
      'SELECT count(*) AS n FROM repos WHERE host = ?',
      [url],
    )
    return row?.n ?? 0
  }

  #hostOf(row: Row): Host {
    const { url, status, trusted } = row
    const cursor = this.#projection.cursor(url) ?? row.cursor
    return { url, cursor, status, trusted: trusted === 1 }
  }
}
