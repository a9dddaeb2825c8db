import type { Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { MoveState, MoveView, SignedReceipt } from '#protocol/account'
import type { Did, Handle } from '#protocol/syntax'

/** What the job keeps between its steps: never shown, sealed, and emptied at its end. */
export interface MoveSecrets {
  state: MoveState
  /** The code for the change of identity, until it is used. */
  code?: string | undefined
  /** It was shown to the old host: what is refused then may be the code. */
  isCodeTried?: boolean | undefined
  /** The account was here before, from an earlier stay: it is not this move's to take back. */
  wasHere?: boolean | undefined
  /** What the old host may write here with, while the account changes hands. */
  forward?: { token: string; madeMs: number } | undefined
  /** The old host was asked for the letter. */
  isCodeAsked?: boolean | undefined
}

/** What everybody who watches sees change. */
export type Shown = Pick<
  MoveView,
  'step' | 'blobs' | 'bytes' | 'bytesPerSecond' | 'needs' | 'wanted' | 'problem' | 'secondsLeft'
>

export interface MoveRow {
  id: string
  did: Did
  handle: Handle
  source: string
  state: MoveView['state']
  version: number
  shown: Shown
  receipt: SignedReceipt | undefined
  /** The fleet that it is a part of. */
  fleet: string | undefined
  startedMs: number
  changedMs: number
}

interface Stored {
  id: string
  did: Did
  handle: Handle
  source: string
  state: MoveView['state']
  version: number
  shown: string
  sealed: Uint8Array | null
  receipt: string | null
  fleet: string | null
  started_ms: number
  changed_ms: number
}

const LISTED_MAX = 50

/** The rows of moves; whoever waits for one is woken when it changes. */
export class MoveRows {
  readonly #sql: Sql
  readonly #sealer: Sealer
  readonly #now: () => number
  readonly #waiting = new Map<string, Set<() => void>>()
  /** What could not be written, a full disk first of all: it is seen all the same. */
  readonly #unwritten = new Map<string, { shown: Shown; changes: number }>()
  /** Told which one changed. */
  changed: (id: string) => void = () => {}

  constructor({ sql, sealer, now }: { sql: Sql; sealer: Sealer; now: () => number }) {
    this.#sql = sql
    this.#sealer = sealer
    this.#now = now
  }

  async add(
    row: Pick<MoveRow, 'id' | 'did' | 'handle' | 'source' | 'shown' | 'fleet'>,
  ): Promise<void> {
    const nowMs = this.#now()
    await this.#sql.run(
      `INSERT INTO moves
         (id, did, handle, source, state, version, shown, started_ms, changed_ms, fleet)
       VALUES (?, ?, ?, ?, 'running', 1, ?, ?, ?, ?)`,
      [
        ...[row.id, row.did, row.handle, row.source, JSON.stringify(row.shown), nowMs, nowMs],
        row.fleet ?? null,
      ],
    )
  }

  async get(id: string): Promise<MoveRow | undefined> {
    const row = await this.#sql.get<Stored>('SELECT * FROM moves WHERE id = ?', [id])
    return row && this.#seen(row)
  }

  /** Newest first. */
  async list(did: Did): Promise<MoveRow[]> {
    const rows = await this.#sql.all<Stored>(
      'SELECT * FROM moves WHERE did = ? ORDER BY started_ms DESC, id LIMIT ?',
      [did, LISTED_MAX],
    )
    return rows.map((row) => this.#seen(row))
  }

  #seen(stored: Stored): MoveRow {
    const row = rowOf(stored)
    const { shown, changes } = this.#unwritten.get(row.id) ?? {}
    return shown && changes ? { ...row, shown, version: row.version + changes } : row
  }

  async secrets(id: string): Promise<MoveSecrets | undefined> {
    const row = await this.#sql.get<Stored>('SELECT * FROM moves WHERE id = ?', [id])
    if (!row?.sealed) return undefined
    const opened = this.#sealer.open(row.sealed, purpose(id))
    return JSON.parse(new TextDecoder().decode(opened)) as MoveSecrets
  }

  async keep(id: string, secrets: MoveSecrets): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(secrets))
    // One that has ended keeps nothing, whatever is still under way.
    await this.#sql.run(
      "UPDATE moves SET sealed = ? WHERE id = ? AND state NOT IN ('done', 'abandoned')",
      [this.#sealer.seal(bytes, purpose(id)), id],
    )
  }

  /** Forgets the owner's sessions. */
  async forget(id: string): Promise<void> {
    await this.#sql.run('UPDATE moves SET sealed = NULL WHERE id = ?', [id])
  }

  async change(
    id: string,
    change: { state?: MoveRow['state']; shown?: Shown; receipt?: SignedReceipt },
  ): Promise<void> {
    const { state = null, shown, receipt } = change
    const writing = this.#sql.run(
      `UPDATE moves SET version = version + 1, changed_ms = ?, state = coalesce(?, state),
         shown = coalesce(?, shown), receipt = coalesce(?, receipt) WHERE id = ?`,
      [
        this.#now(),
        state,
        shown === undefined ? null : JSON.stringify(shown),
        receipt === undefined ? null : JSON.stringify(receipt),
        id,
      ],
    )
    try {
      await writing
      this.#unwritten.delete(id)
    } catch (error) {
      if (shown) this.#keepUnwritten(id, shown)
      throw error
    } finally {
      for (const wake of this.#waiting.get(id) ?? []) wake()
      this.changed(id)
    }
  }

  /** What stood in the way still does, whatever is tried again. */
  #keepUnwritten(id: string, shown: Shown): void {
    const before = this.#unwritten.get(id)
    const problem = shown.problem ?? before?.shown.problem
    this.#unwritten.set(id, {
      shown: { ...shown, ...(problem !== undefined && { problem }) },
      changes: (before?.changes ?? 0) + 1,
    })
  }

  /** Resolves at the next change, or when the signal says so. */
  next(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set()
      this.#waiting.set(id, waiting)
      const wake = () => {
        waiting.delete(wake)
        if (waiting.size === 0) this.#waiting.delete(id)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', wake)
      if (signal.aborted) wake()
    })
  }
}

const purpose = (id: string) => `move ${id}`

function rowOf(row: Stored): MoveRow {
  return {
    id: row.id,
    did: row.did,
    handle: row.handle,
    source: row.source,
    state: row.state,
    version: row.version,
    shown: JSON.parse(row.shown) as Shown,
    receipt: row.receipt === null ? undefined : (JSON.parse(row.receipt) as SignedReceipt),
    fleet: row.fleet ?? undefined,
    startedMs: row.started_ms,
    changedMs: row.changed_ms,
  }
}
