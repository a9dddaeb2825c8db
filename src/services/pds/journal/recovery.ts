import type { Log } from '#platform/runtime'
import type { Entry, Stream } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'
import { AccountStopped } from './journal.ts'

/** How one entry is applied again: to the account's file, to the directory, or to both. */
export interface Replay {
  file?: {
    generation: number
    /** The entry begins this generation: before it nothing can be applied to the file. */
    begins?: boolean
    /** Told of the file, whether it has the entry already or not. */
    met?(file: AccountFile): void
    apply(file: AccountFile, seq: number): void
  }
  directory?(seq: number): Promise<void>
}

/** The journal, as far as a replay reads it. */
export interface ReplaySource {
  replay(after: number): AsyncIterable<readonly Entry[]>
  stream: Pick<Stream, 'bounds' | 'release'>
}

interface Stopped {
  reason: unknown
  /** The first entry that was not applied, and the last known one. */
  fromSeq: number
  throughSeq: number
  /** The file does not hold what it should: nobody reads it. */
  unreadable: boolean
  /** The file is damaged: the journal alone does not make it whole. */
  damaged: boolean
}

interface Step {
  seq: number
  apply(file: AccountFile, seq: number): void
}

/** Entries of one file that wait to be applied in one transaction. */
interface Steps {
  did: Did
  generation: number
  steps: Step[]
}

/**
 * Brings the projections up to the journal: all of them at start, one account's when applying to
 * it failed or its file turned out to be an older one. Entries at or below a file's `appliedSeq`
 * are skipped; a gap stops that account, loudly, and nobody else.
 */
export class Recovery {
  readonly #replay: (entry: Entry) => Promise<Replay | undefined>
  readonly #file: (did: Did, generation: number) => AccountFile
  readonly #changed: (did: Did, generation: number, seq: number) => void
  readonly #log: Pick<Log, 'error' | 'info'>
  readonly #stopped = new Map<Did, Stopped>()
  readonly #retrying = new Map<Did, Promise<void>>()
  #journal: ReplaySource | undefined
  #onStopped: (() => void) | undefined

  constructor(options: {
    /** Undefined for an entry that changes nothing here, as of an account that is gone. */
    replay: (entry: Entry) => Promise<Replay | undefined>
    file: (did: Did, generation: number) => AccountFile
    /** Told of each entry of a file that may not be on the disk, applied now or before. */
    changed: (did: Did, generation: number, seq: number) => void
    log: Pick<Log, 'error' | 'info'>
  }) {
    this.#replay = options.replay
    this.#file = options.file
    this.#changed = options.changed
    this.#log = options.log
  }

  /** How many accounts are behind the journal. */
  get stoppedCount(): number {
    return this.#stopped.size
  }

  /** What is stopped for good: its file is damaged. */
  isDamaged(did: Did): boolean {
    return this.#stopped.get(did)?.damaged === true
  }

  /** The first of them, and why. */
  stopped(limit: number): { did: Did; reason: string }[] {
    const first = [...this.#stopped].slice(0, limit)
    return first.map(([did, { reason }]) => ({
      did,
      reason: reason instanceof Error ? reason.message : 'entries before are not applied yet',
    }))
  }

  isStopped(did: Did): boolean {
    return this.#stopped.has(did)
  }

  /** The oldest entry that some account still waits for; a replay must start before it. */
  lowestSeq(): number | undefined {
    let lowest: number | undefined
    for (const { fromSeq } of this.#stopped.values()) {
      if (lowest === undefined || fromSeq < lowest) lowest = fromSeq
    }
    return lowest
  }

  /** Notes that the entry `seq` of an account is not applied; nothing after it will be, for now. */
  stop(did: Did, seq: number, reason: unknown, { unreadable = false } = {}): void {
    const known = this.#stopped.get(did)
    if (known) {
      known.fromSeq = Math.min(known.fromSeq, seq)
      known.throughSeq = Math.max(known.throughSeq, seq)
      known.unreadable ||= unreadable
      return
    }
    const seqs = { fromSeq: seq, throughSeq: seq }
    this.#stopped.set(did, { reason, ...seqs, unreadable, damaged: false })
    this.#log.error('account stopped: its file does not follow the journal', {
      did,
      seq,
      error: reason,
    })
    this.#onStopped?.()
  }

  /**
   * Notes that an account's file holds other bytes than were written. It stays stopped, for reads
   * as well, until a repair puts another file in its place (`mended`), or the host starts again.
   */
  damage(did: Did, reason: unknown): AccountStopped {
    const known = this.#stopped.get(did)
    if (!known?.damaged) {
      const seqs = known ?? { fromSeq: Number.POSITIVE_INFINITY, throughSeq: 0 }
      this.#stopped.set(did, { ...seqs, reason, unreadable: true, damaged: true })
      this.#log.error('account stopped: its file is damaged', { did, error: reason })
    }
    return new AccountStopped(did, reason)
  }

  /** The account's file was replaced by a sound one that reflects everything up to now. */
  mended(did: Did): void {
    this.#stopped.delete(did)
  }

  /** Why the account is stopped, if it is. */
  reason(did: Did): unknown {
    return this.#stopped.get(did)?.reason
  }

  /** Throws AccountStopped when the account's file does not hold what it should. */
  requireReadable(did: Did): void {
    if (this.#stopped.size === 0) return
    const stopped = this.#stopped.get(did)
    if (stopped?.unreadable) throw new AccountStopped(did, stopped.reason)
  }

  /** Applies every entry after the replay point. Returns how many were applied. */
  async start(journal: ReplaySource, after: number): Promise<number> {
    this.#journal = journal
    const count = await this.#pass(after)
    for (const did of [...this.#stopped.keys()]) await this.recover(did).catch(() => {})
    journal.stream.release(journal.stream.bounds().durable)
    return count
  }

  /** Applies what came since: for a journal that is written by another host and copied here. */
  advance(after: number): Promise<number> {
    return this.#pass(after)
  }

  /** Replays a stopped account; rejects with AccountStopped while it cannot follow. */
  async recover(did: Did): Promise<void> {
    if (!this.#stopped.has(did)) return
    let retrying = this.#retrying.get(did)
    if (!retrying) {
      retrying = this.#retry(did).finally(() => this.#retrying.delete(did))
      this.#retrying.set(did, retrying)
    }
    await retrying
  }

  async #retry(did: Did): Promise<void> {
    for (;;) {
      const stopped = this.#stopped.get(did)
      if (!stopped) return
      const { fromSeq, throughSeq } = stopped
      if (stopped.damaged) throw new AccountStopped(did, stopped.reason)
      try {
        this.#requireRetained(did, fromSeq)
        await this.#pass(fromSeq - 1, did)
      } catch (error) {
        stopped.reason = error
        throw new AccountStopped(did, error)
      }
      // Entries that were on their way when it stopped have come in meanwhile: once more.
      if (stopped.throughSeq > throughSeq) continue
      this.#stopped.delete(did)
      this.#log.info('account repaired from the journal', { did })
      return
    }
  }

  #requireRetained(did: Did, fromSeq: number): void {
    const { first } = this.#journal!.stream.bounds()
    if (fromSeq >= first) return
    throw new Error(`the journal begins at ${first}; ${did} needs it from ${fromSeq}`)
  }

  /**
   * Applies what comes after a seq: of everybody, where an account that fails is stopped, or of
   * one stopped account alone, where a failure is thrown.
   */
  async #pass(after: number, only?: Did): Promise<number> {
    let count = 0
    for await (const batch of this.#journal!.replay(after)) {
      const waiting = new Map<string, Steps>()
      for (const entry of batch) {
        const did = entry.key as Did
        if (entry.blanked || (only !== undefined && did !== only)) continue
        try {
          if (await this.#take(entry, waiting, only)) count++
        } catch (error) {
          if (only !== undefined) throw error
          this.stop(did, entry.seq, error)
        }
      }
      this.#flush(waiting, only)
    }
    return count
  }

  /** Puts an entry with those that wait for their file, or applies it at once. */
  async #take(entry: Entry, waiting: Map<string, Steps>, only?: Did): Promise<boolean> {
    const did = entry.key as Did
    const replay = await this.#replay(entry)
    if (!replay) return false
    const { seq } = entry
    if (replay.file) {
      const { generation, begins, met, apply } = replay.file
      const file = this.#file(did, generation)
      if (only === undefined && this.#stopped.has(did)) {
        this.stop(did, seq, undefined)
        return false
      }
      const isOfEarlier = generation > 1 && !begins && file.head() === undefined
      if (!isOfEarlier) this.#changed(did, generation, seq)
      met?.(file)
      if (!isOfEarlier && file.appliedSeq() < seq) {
        stepsOf(waiting, did, generation).steps.push({ seq, apply })
      }
    } else if (only === undefined && this.#stopped.has(did)) {
      this.stop(did, seq, undefined)
      return false
    }
    if (replay.directory) {
      // Later entries are read by what the directory says then.
      this.#flush(waiting, only)
      if (only === undefined && this.#stopped.has(did)) return false
      await replay.directory(seq)
    }
    return true
  }

  #flush(waiting: Map<string, Steps>, only?: Did): void {
    for (const { did, generation, steps } of waiting.values()) {
      try {
        const file = this.#file(did, generation)
        file.applying(steps.at(-1)!.seq, () => {
          for (const { seq, apply } of steps) apply(file, seq)
        })
      } catch (error) {
        if (only !== undefined) throw error
        for (const { seq } of steps) this.stop(did, seq, error)
      }
    }
    waiting.clear()
  }

  /** The loop: tries stopped accounts again, now and then, so that none waits for its next writer. */
  async loop(
    signal: AbortSignal,
    sleep: (ms: number, signal?: AbortSignal) => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      if (this.#stopped.size === 0) await this.#untilStopped(signal)
      for (const did of [...this.#stopped.keys()]) {
        if (!signal.aborted) await this.recover(did).catch(() => {})
      }
      if (this.#stopped.size > 0) await sleep(RETRY_MS, signal).catch(() => {})
    }
  }

  #untilStopped(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#onStopped = undefined
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (signal.aborted) return done()
      this.#onStopped = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}

/** A failing account is read again from the journal this often; each costs a pass over its tail. */
const RETRY_MS = 30_000

function stepsOf(waiting: Map<string, Steps>, did: Did, generation: number): Steps {
  const name = `${did} ${generation}`
  const known = waiting.get(name)
  if (known) return known
  const made: Steps = { did, generation, steps: [] }
  waiting.set(name, made)
  return made
}
