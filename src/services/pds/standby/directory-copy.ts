/** The directory database of another host, kept up to date by its changes. */
import type { Sealer } from '#platform/runtime'
import { openSqliteFile, type SqliteFile, takeSqliteFile } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { type Account, type AccountRow, openAccount } from '../accounts/index.ts'
import type { ReplayedAccount } from '../replay.ts'

/** How far the copy is: which change of which process of the first host it reflects. */
export interface Position {
  epoch: string
  change: number
}

/** The one table that the first host does not have; it goes when the copy becomes the original. */
const POSITION = `CREATE TABLE IF NOT EXISTS standby_position
  (id INTEGER PRIMARY KEY CHECK (id = 0), epoch TEXT NOT NULL, change INTEGER NOT NULL) STRICT`

/** More than a host can have written beyond what its standby heard of. */
const MARGIN_SEQS = 1_000_000

export const PROMOTION_SETTING = 'promotion'

/** What a host is told that takes another's place. */
export interface PromotionNote {
  /** Every seq given out is above this. */
  aboveSeq: number
  /** The accounts up to here have said what they are. */
  announcedUpTo: string
}

export class DirectoryCopy {
  readonly #path: string
  #sql: SqliteFile | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Its changes are made with their fsync; nothing is migrated, for it stays what the other has. */
  #open(): SqliteFile {
    this.#sql ??= openSqliteFile(this.#path, { migrations: [], synchronous: 'FULL' })
    return this.#sql
  }

  /** Undefined when there is no copy, or none that is known to be whole. */
  position(): Position | undefined {
    const sql = this.#open()
    const is = sql.get(`SELECT 1 FROM sqlite_schema WHERE name = 'standby_position'`)
    return is && sql.get<Position>('SELECT epoch, change FROM standby_position WHERE id = 0')
  }

  /** Puts another copy in place; `whenHere` runs when all of it is on the disk. */
  async install(
    source: AsyncIterable<Uint8Array>,
    position: Position,
    whenHere: () => Promise<void>,
  ): Promise<void> {
    await takeSqliteFile(this.#path, source, async () => {
      await whenHere()
      this.close()
    })
    this.#open().exec(POSITION)
    this.#note(position)
  }

  /** All or nothing, on the disk. Throws StorageError Conflict when the copy is no copy. */
  apply(changes: readonly Uint8Array[], position: Position): void {
    const sql = this.#open()
    sql.transaction(() => {
      for (const one of changes) sql.applyChanges(one)
      this.#note(position)
    })
  }

  #note({ epoch, change }: Position): void {
    this.#open().run(
      'INSERT OR REPLACE INTO standby_position (id, epoch, change) VALUES (0, ?, ?)',
      [epoch, change],
    )
  }

  /** What is here is not to be trusted: it will be copied anew. */
  forgetPosition(): void {
    this.#open().exec('DROP TABLE IF EXISTS standby_position')
  }

  account(did: Did): ReplayedAccount | undefined {
    return this.#open().get<ReplayedAccount>(
      'SELECT did, generation, born_seq AS bornSeq, status FROM accounts WHERE did = ?',
      [did],
    )
  }

  /** With its keys. */
  wholeAccount(did: Did, sealer: Sealer): Account | undefined {
    const row = this.#open().get<AccountRow>('SELECT * FROM accounts WHERE did = ?', [did])
    return row && openAccount(row, sealer)
  }

  /** Accounts that have a file, in DID order. */
  accounts(after: string, limit: number): ReplayedAccount[] {
    return this.#open().all<ReplayedAccount>(
      `SELECT did, generation, born_seq AS bornSeq, status FROM accounts
       WHERE did > ? AND status != 'deleted' ORDER BY did LIMIT ?`,
      [after, limit],
    )
  }

  count(): number {
    const sql = this.#open()
    if (!sql.get(`SELECT 1 FROM sqlite_schema WHERE name = 'accounts'`)) return 0
    const count = `SELECT count(*) AS n FROM accounts WHERE status != 'deleted'`
    return sql.get<{ n: number }>(count)?.n ?? 0
  }

  /**
   * Makes it the directory of the host that takes over: everything up to `appliedSeq` is in synced
   * files here, and nothing that is given out from now on may be at or below `newestSeq`.
   */
  becomeOriginal(appliedSeq: number, newestSeq: number): void {
    const sql = this.#open()
    const note: PromotionNote = { aboveSeq: newestSeq + MARGIN_SEQS, announcedUpTo: '' }
    sql.transaction(() => {
      const set = `INSERT INTO settings (name, value) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`
      sql.run(set, ['replay-point', String(appliedSeq)])
      sql.run(set, [PROMOTION_SETTING, JSON.stringify(note)])
      // What the first host had synced says nothing of the files here.
      sql.run('UPDATE accounts SET synced_seq = min(synced_seq, ?)', [appliedSeq])
      sql.exec('DROP TABLE IF EXISTS standby_position')
    })
  }

  /** Its write-ahead file goes with it. */
  close(): void {
    this.#sql?.close()
    this.#sql = undefined
  }
}
