import type { Entry, Stream } from '#platform/storage'
import { type Did, ProtocolError } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'
import type { Kind } from './kinds.ts'

/** One change of an account's data or standing, on its way into the journal. */
export interface Change {
  did: Did
  kind: Kind
  /** The payload; for public kinds the whole frame. Called once, when the seq is known. */
  make(seq: number): Uint8Array
  /** What it does to the account's file; runs in a transaction with `appliedSeq`. */
  file?: { generation: number; apply(file: AccountFile, seq: number): void }
  /** What it does to the directory. */
  directory?(seq: number): Promise<void>
}

interface Waiting {
  change: Change
  seq: number
  done(error?: unknown): void
}

/** Where changes land once they are durable. */
export interface Projections {
  /** The open file of this account and generation. */
  file(did: Did, generation: number): AccountFile
  /** Told of every account whose applying failed: it is stopped until a replay succeeds. */
  stop(did: Did, reason: unknown): void
  /** Told that the account's file changed at `seq`: it needs a sync before the replay point moves. */
  changed(did: Did, generation: number, seq: number): void
}

/**
 * The host's write-ahead log: decide → append (group fsync) → apply → answer → fan out. Account
 * files and the directory's standing columns are projections of it. Readers of the stream see an
 * entry only when it is applied.
 */
export class Journal {
  readonly #stream: Stream
  readonly #projections: Projections
  #ready: Waiting[] = []
  #draining: Promise<void> | undefined
  #pendingCount = 0

  constructor(stream: Stream, projections: Projections) {
    this.#stream = stream
    this.#projections = projections
  }

  get stream(): Stream {
    return this.#stream
  }

  /** Entries appended and not yet applied. */
  get pendingCount(): number {
    return this.#pendingCount
  }

  /**
   * Appends the changes as one atomic batch. Sequence numbers are assigned before it returns, in
   * call order; `applied` settles when the batch is durable and applied. Rejects, with nothing
   * kept, when the append fails; rejects when applying fails (then the entry is durable all the
   * same, and a replay will apply it).
   */
  append(changes: readonly Change[]): { first: number; applied: Promise<void> } {
    const { first, durable } = this.#stream.append(
      changes.map(({ did, kind, make }) => ({ key: did, kind, make })),
    )
    this.#pendingCount += changes.length
    const applied = new Promise<void>((resolve, reject) => {
      let left = changes.length
      let failure: unknown
      const done = (error?: unknown) => {
        this.#pendingCount--
        failure ??= error
        if (--left > 0) return
        if (failure === undefined) resolve()
        else reject(failure)
      }
      durable.then(
        () => this.#settle(changes.map((change, i) => ({ change, seq: first + i, done }))),
        (error) => {
          for (const _ of changes) done(error ?? new Error('append failed'))
        },
      )
    })
    return { first, applied }
  }

  #settle(waiting: Waiting[]): void {
    this.#ready.push(...waiting)
    // A group's promises settle in one turn: the drain starts after all of them, as one batch.
    this.#draining ??= Promise.resolve().then(() => this.#drain())
  }

  async #drain(): Promise<void> {
    try {
      while (this.#ready.length > 0) {
        const batch = this.#ready
        this.#ready = []
        const outcomes = this.#applyToFiles(batch)
        if (batch.some(({ change }) => change.directory)) {
          await this.#applyToDirectory(batch, outcomes)
        }
        this.#stream.release(batch.at(-1)!.seq)
        for (const waiting of batch) waiting.done(outcomes.get(waiting))
      }
    } finally {
      this.#draining = undefined
    }
  }

  /** One transaction for each account in the batch. Returns the failures. */
  #applyToFiles(batch: readonly Waiting[]): Map<Waiting, unknown> {
    const failures = new Map<Waiting, unknown>()
    for (const group of groupByFile(batch).values()) {
      const { did, file: target } = group[0]!.change
      const { generation } = target!
      try {
        const file = this.#projections.file(did, generation)
        file.transaction(() => {
          for (const { change, seq } of group) change.file!.apply(file, seq)
          file.setAppliedSeq(group.at(-1)!.seq)
        })
        this.#projections.changed(did, generation, group[0]!.seq)
      } catch (error) {
        for (const waiting of group) failures.set(waiting, error)
        this.#projections.stop(did, error)
      }
    }
    return failures
  }

  async #applyToDirectory(
    batch: readonly Waiting[],
    failures: Map<Waiting, unknown>,
  ): Promise<void> {
    for (const waiting of batch) {
      if (!waiting.change.directory) continue
      try {
        await waiting.change.directory(waiting.seq)
      } catch (error) {
        failures.set(waiting, error)
        this.#projections.stop(waiting.change.did, error)
      }
    }
  }

  /** Entries after `after`, durable and readable, whether released or not; for recovery. */
  replay(after: number): AsyncIterable<readonly Entry[]> {
    return this.#stream.tail(after)
  }

  /** Resolves when nothing is waiting to be applied. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining
  }
}

function groupByFile(batch: readonly Waiting[]): Map<string, Waiting[]> {
  const groups = new Map<string, Waiting[]>()
  for (const waiting of batch) {
    const { did, file } = waiting.change
    if (!file) continue
    const name = `${did} ${file.generation}`
    const group = groups.get(name)
    if (group) group.push(waiting)
    else groups.set(name, [waiting])
  }
  return groups
}

/** An error of applying, so that callers can tell it from a refusal. */
export class AccountStopped extends ProtocolError {
  constructor(did: Did, options?: ErrorOptions) {
    super('AccountStopped', `${did} is stopped until its file is repaired`, options)
  }
}
