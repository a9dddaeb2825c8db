import type { Sql } from '#platform/storage'

export interface Host {
  url: string
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
  readonly #now: () => number
  readonly #max: number

  constructor({ sql, now, max }: { sql: Sql; now: () => number; max: number }) {
    this.#sql = sql
    this.#now = now
    this.#max = max
  }

  /** False when there are too many, or the host is banned. Adding one again changes nothing. */
  async add(url: string, { trusted = false } = {}): Promise<boolean> {
    const known = await this.get(url)
    if (known) return known.status !== 'banned'
    const { n } = (await this.#sql.get<{ n: number }>('SELECT count(*) AS n FROM hosts')) ?? {
      n: 0,
    }
    if (n >= this.#max) return false
    await this.#sql.run(
      'INSERT INTO hosts (url, trusted, added_ms) VALUES (?, ?, ?) ON CONFLICT (url) DO NOTHING',
      [url, trusted ? 1 : 0, this.#now()],
    )
    return true
  }

  async get(url: string): Promise<Host | undefined> {
    const row = await this.#sql.get<Row>('SELECT * FROM hosts WHERE url = ?', [url])
    return row && hostOf(row)
  }

  /** Keeps the status that others are shown. */
  async setStatus(url: string, status: 'active' | 'idle' | 'offline'): Promise<void> {
    await this.#sql.run(`UPDATE hosts SET status = ? WHERE url = ? AND status != 'banned'`, [
      status,
      url,
    ])
  }

  /** The host's numbering began anew: read it from its start. */
  async resetCursor(url: string): Promise<void> {
    await this.#sql.run('UPDATE hosts SET cursor = 0 WHERE url = ?', [url])
  }

  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<Host[]> {
    const rows = await this.#sql.all<Row>(
      'SELECT * FROM hosts WHERE url > ? ORDER BY url LIMIT ?',
      [cursor ?? '', limit],
    )
    return rows.map(hostOf)
  }

  async countAccounts(url: string): Promise<number> {
    const row = await this.#sql.get<{ n: number }>(
      'SELECT count(*) AS n FROM repos WHERE host = ?',
      [url],
    )
    return row?.n ?? 0
  }
}

const hostOf = (row: Row): Host => ({ ...row, trusted: row.trusted === 1 })
