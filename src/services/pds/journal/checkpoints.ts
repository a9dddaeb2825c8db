import { StorageError } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'
import type { SyncedFile } from '../accounts/index.ts'
import { AccountStopped } from './journal.ts'

interface Dirty {
  generation: number
  /** The oldest entry that the file on the disk may not reflect. */
  firstSeq: number
}

/** Between checkpoints while writes go on; the replay after a crash covers about this much. */
const INTERVAL_MS = 10_000
/** Files synced before the replay point is saved: many accounts must not hold it back for long. */
const FILES_PER_SAVE = 500

/**
 * Moves the replay point: files changed since their last sync are synced one at a time, off the
 * serving loop. The replay point is the newest seq before every entry that some file may not have
 * on disk yet.
 */
export class Checkpoints {
  readonly #dirty = new Map<Did, Dirty>()
  /** Taken out for the sync that is under way. */
  readonly #syncing = new Map<Did, Dirty>()
  readonly #hold: (did: Did, generation: number) => { file: AccountFile; release(): void }
  readonly #before: (did: Did) => void
  readonly #save: (replayPoint: number, synced: readonly SyncedFile[]) => Promise<void>
  readonly #waiting: () => number | undefined
  readonly #onFatal: (error: unknown) => void
  #appliedSeq: number
  #savedPoint: number
  #wake: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(options: {
    /** The replay point as it is on the disk. */
    savedPoint: number
    /** The open file, kept open until released. */
    hold: (did: Did, generation: number) => { file: AccountFile; release(): void }
    /** Runs before an account's file is synced. */
    before: (did: Did) => void
    save: (replayPoint: number, synced: readonly SyncedFile[]) => Promise<void>
    /** The oldest entry that a stopped account still waits for. */
    waiting: () => number | undefined
    /** Told when a sync failed: what the disk holds is unknown from then on. */
    onFatal: (error: unknown) => void
  }) {
    this.#savedPoint = options.savedPoint
    this.#appliedSeq = options.savedPoint
    this.#hold = options.hold
    this.#before = options.before
    this.#save = options.save
    this.#waiting = options.waiting
    this.#onFatal = options.onFatal
  }

  /** The account's file reflects `seq`, or soon will, and is to be synced. */
  changed(did: Did, generation: number, seq: number): void {
    const known = this.#dirty.get(did)
    if (known?.generation === generation) return
    // A file that was replaced is of no interest any more; what it lacked, its successor has.
    this.#dirty.set(did, { generation, firstSeq: seq })
    this.#wake?.()
  }

  /** Everything up to `seq` is in the files, synced or not, but for what stopped accounts wait for. */
  applied(seq: number): void {
    this.#appliedSeq = seq
  }

  /** Whether the account's file may be ahead of what the last checkpoint noted. */
  isDirty(did: Did): boolean {
    return this.#dirty.has(did) || this.#syncing.has(did)
  }

  /** Files that may be ahead of the disk. */
  get unsyncedCount(): number {
    return this.#dirty.size + this.#syncing.size
  }

  /** The account's file is gone. */
  forget(did: Did): void {
    this.#dirty.delete(did)
  }

  /** The replay point as it is on the disk. */
  get savedPoint(): number {
    return this.#savedPoint
  }

  #replayPoint(): number {
    let point = this.#appliedSeq
    for (const { firstSeq } of this.#dirty.values()) point = Math.min(point, firstSeq - 1)
    for (const { firstSeq } of this.#syncing.values()) point = Math.min(point, firstSeq - 1)
    const waiting = this.#waiting()
    return waiting === undefined ? point : Math.min(point, waiting - 1)
  }

  /** Syncs what is dirty now, then saves the replay point. One run at a time. */
  async run(signal?: AbortSignal): Promise<void> {
    while (this.#running) await this.#running.catch(() => {})
    this.#running = this.#run(signal).finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  /** One file that cannot be synced keeps the replay point before it, and nobody else waiting. */
  async #run(signal?: AbortSignal): Promise<void> {
    const failures: unknown[] = []
    const dids = [...this.#dirty.keys()]
    for (let at = 0; at < dids.length; at += FILES_PER_SAVE) {
      const synced: SyncedFile[] = []
      for (const did of dids.slice(at, at + FILES_PER_SAVE)) {
        if (signal?.aborted) break
        const file = await this.#syncOne(did).catch((error) => void failures.push(error))
        if (file) synced.push(file)
      }
      await this.#savePoint(synced)
    }
    if (dids.length === 0) await this.#savePoint([])
    // That an account is stopped was said when it was.
    const told = failures.find((error) => !(error instanceof AccountStopped))
    if (told !== undefined) throw told
  }

  async #savePoint(synced: readonly SyncedFile[]): Promise<void> {
    const point = this.#replayPoint()
    await this.#save(point, synced)
    this.#savedPoint = point
  }

  async #syncOne(did: Did): Promise<SyncedFile | undefined> {
    const dirty = this.#dirty.get(did)
    if (!dirty) return undefined
    const { generation } = dirty
    // Taken out first: a write during the sync makes it dirty again, for the next round.
    this.#dirty.delete(did)
    this.#syncing.set(did, dirty)
    let release = () => {}
    try {
      const held = this.#hold(did, generation)
      const { file } = held
      release = held.release
      this.#before(did)
      const head = file.head()
      const seq = file.appliedSeq()
      await file.sync()
      this.#syncing.delete(did)
      return { did, generation, seq, rev: head?.rev, head: head?.commit }
    } catch (error) {
      // After a failed fsync a second one lies: it stays where it is, and the replay point before it.
      if (error instanceof StorageError && error.code === 'Fatal') this.#onFatal(error)
      else this.#again(did, dirty)
      throw error
    } finally {
      release()
    }
  }

  #again(did: Did, dirty: Dirty): void {
    this.#syncing.delete(did)
    const since = this.#dirty.get(did)
    if (since === undefined || since.generation === dirty.generation) this.#dirty.set(did, dirty)
  }

  /** The loop: sleeps until something is dirty, waits an interval, runs. */
  async loop(
    signal: AbortSignal,
    sleep: (ms: number, signal?: AbortSignal) => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      if (this.#dirty.size === 0) await this.#untilDirty(signal)
      if (signal.aborted) return
      await sleep(INTERVAL_MS, signal).catch(() => {})
      if (!signal.aborted) await this.run(signal)
    }
  }

  #untilDirty(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#wake = undefined
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (signal.aborted) return done()
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
