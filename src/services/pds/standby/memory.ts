/** What a standby remembers of its own, apart from what it copies. */
import { openSqliteFile, type SqliteFile } from '#platform/storage'
import type { Did } from '#protocol/syntax'

const migrations = [
  {
    name: '0001-standby',
    sql: `CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE copied (
        did TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        has_blobs INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE TABLE erasures (did TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT`,
  },
]

type Note =
  /** The standby's own name. */
  | 'name'
  /** The journal here begins behind this seq. */
  | 'journal-from'
  /** Entries from here on are applied to the copies; undefined before any was made. */
  | 'seed-from'
  /** Everything up to here is in synced files. */
  | 'replay-point'
  /** Set when everything is here. */
  | 'seeded'
  /** Newest entry of the first host that was heard of. */
  | 'newest-seq'
  /** Set while the directory is copied: entries above are here without its changes. */
  | 'whole-seq'
  /** Set when this became the host. */
  | 'promoted'

export class StandbyMemory {
  readonly #sql: SqliteFile

  constructor(path: string) {
    this.#sql = openSqliteFile(path, { migrations, synchronous: 'FULL' })
  }

  get(note: Note): string | undefined {
    return this.#sql.get<{ value: string }>('SELECT value FROM notes WHERE name = ?', [note])?.value
  }

  number(note: Note): number | undefined {
    const value = this.get(note)
    return value === undefined ? undefined : Number(value)
  }

  set(note: Note, value: string | number): void {
    this.#sql.run(
      `INSERT INTO notes (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [note, String(value)],
    )
  }

  forget(note: Note): void {
    this.#sql.run('DELETE FROM notes WHERE name = ?', [note])
  }

  /** Everything is to be copied anew. */
  startOver(journalFrom: number): void {
    this.#sql.transaction(() => {
      this.#sql.run('DELETE FROM copied')
      this.#sql.run(`DELETE FROM notes WHERE name IN ('seed-from', 'replay-point', 'seeded')`)
      this.set('journal-from', journalFrom)
    })
  }

  // ── which accounts' files are here ──

  isCopied(did: Did): boolean {
    return this.#sql.get('SELECT 1 FROM copied WHERE did = ?', [did]) !== undefined
  }

  noteCopied(did: Did, generation: number): void {
    this.#sql.run('INSERT OR REPLACE INTO copied (did, generation) VALUES (?, ?)', [
      did,
      generation,
    ])
  }

  /** Accounts whose file is here and whose blobs are not all. */
  withoutBlobs(limit: number): { did: Did; generation: number }[] {
    return this.#sql.all(
      'SELECT did, generation FROM copied WHERE has_blobs = 0 ORDER BY did LIMIT ?',
      [limit],
    )
  }

  noteBlobs(did: Did): void {
    this.#sql.run('UPDATE copied SET has_blobs = 1 WHERE did = ?', [did])
  }

  copiedCount(): number {
    return this.#sql.get<{ n: number }>('SELECT count(*) AS n FROM copied')?.n ?? 0
  }

  // ── accounts that are to be erased ──

  noteErasure(did: Did, seq: number): void {
    this.#sql.run('INSERT OR REPLACE INTO erasures (did, seq) VALUES (?, ?)', [did, seq])
  }

  erasures(): { did: Did; seq: number }[] {
    return this.#sql.all('SELECT did, seq FROM erasures ORDER BY seq')
  }

  forgetErasure(did: Did, seq: number): void {
    this.#sql.run('DELETE FROM erasures WHERE did = ? AND seq = ?', [did, seq])
  }

  close(): void {
    this.#sql.close()
  }
}
