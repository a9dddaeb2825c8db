import { type Entry, StorageError, type Stream } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile } from '../account-files/index.ts'
import { hostFenced, type Lease } from '../lease/index.ts'
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
  /** Whether an earlier entry of the account waits to be applied: then nothing may overtake it. */
  isStopped(did: Did): boolean
  /** Told of every entry that was not applied: its account is stopped until a replay succeeds. */
  stop(did: Did, seq: number, reason: unknown): void
  /** Told that the account's file changed at `seq`: it needs a sync before the replay point moves. */
  changed(did: Did, generation: number, seq: number): void
  /** Told that everything up to `seq` is applied, or is of a stopped account. */
  applied(seq: number): void
  /** Runs changes of the directory as one transaction. */
  together(work: () => Promise<void>): Promise<void>
  /** A second disk that has to have entries before they count; absent without a standby. */
  copying?: Copying | undefined
}

/** Where entries are copied to. */
export interface Copying {
  /** Throws NotEnoughResources while nothing may be written. */
  requireStandby(): void
  /** Told of every append that is durable here; undefined when nobody waits for the copy. */
  durable(lastSeq: number): { copied: Promise<void>; told: Promise<never> } | undefined
}

/** What became of an append. */
export interface AppendedChanges {
  first: number
  /** Settles when the batch is durable, copied and applied. */
  applied: Promise<void>
  /** The same for who asked for it; rejects with StandbyAway (503) when a copy takes too long. */
  answered: Promise<void>
}

/**
 * The host's write-ahead log: decide → append (group fsync) → apply → answer → fan out. Account
 * files and the directory's standing columns are projections of it. Readers of the stream see an
 * entry only when it is applied.
 */
export class Journal {
  readonly stream: Stream
  readonly #projections: Projections
  readonly #lease: Lease | undefined
  #ready: Waiting[] = []
  #draining: Promise<void> | undefined
  #pendingCount = 0

  /** With a lease nothing is taken, applied, shown or acknowledged that it does not cover. */
  constructor(stream: Stream, projections: Projections, lease?: Lease) {
    this.stream = stream
    this.#lease = lease
    this.#projections = projections
  }

  /** Entries appended and not yet applied. */
  get pendingCount(): number {
    return this.#pendingCount
  }

  /**
   * Appends the changes as one atomic batch. Sequence numbers are assigned before it returns, in
   * call order; `applied` settles when the batch is durable and applied. It rejects with
   * NotEnoughResources (503), nothing kept, when the disk refuses; with AccountStopped (503) when
   * the entry is durable and could not be applied: a replay will. Throws NotEnoughResources when
   * it is refused before anything is assigned, HostFenced (503) when the host may not write.
   */
  append(changes: readonly Change[]): AppendedChanges {
    if (this.#lease && !this.#lease.held()) throw hostFenced(this.#lease.end)
    const { copying } = this.#projections
    copying?.requireStandby()
    const appended = this.#appendToStream(changes)
    const { first, last } = appended
    const late = copying && Promise.withResolvers<never>()
    late?.promise.catch(() => {})
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
      appended.durable.then(
        () => {
          const wait = copying?.durable(last)
          if (!wait) return this.#settle(changes, first, done)
          wait.told.catch(late!.reject)
          wait.copied.then(() => this.#settle(changes, first, done))
        },
        (error) => {
          const refusal = refused(error)
          for (const _ of changes) done(refusal)
        },
      )
    })
    if (!late) return { first, applied, answered: applied }
    const answered = Promise.race([applied, late.promise])
    // Who waits for it to be applied does not listen here.
    answered.catch(() => {})
    return { first, applied, answered }
  }

  #appendToStream(changes: readonly Change[]) {
    try {
      return this.stream.append(
        changes.map(({ did, kind, make }) => ({ key: did, kind, make: (seq) => make(seq) })),
      )
    } catch (error) {
      throw refused(error)
    }
  }

  #settle(changes: readonly Change[], first: number, done: (error?: unknown) => void): void {
    let seq = first
    for (const change of changes) this.#ready.push({ change, seq: seq++, done })
    // A group's promises settle in one turn: the drain starts after all of them, as one batch.
    this.#draining ??= Promise.resolve().then(() => this.#drain())
  }

  async #drain(): Promise<void> {
    try {
      while (this.#ready.length > 0) {
        const batch = this.#ready
        this.#ready = []
        if (this.#lease && !(await this.#isCovered(this.#lease, batch))) continue
        const failures = this.#applyToFiles(batch)
        if (batch.some(({ change }) => change.directory)) {
          await this.#applyToDirectory(batch, failures)
          if (this.#lease && !(await this.#isCovered(this.#lease, batch))) continue
        }
        const last = batch.at(-1)!.seq
        this.#projections.applied(last)
        this.stream.release(last)
        for (const waiting of batch) waiting.done(failures.get(waiting))
      }
    } finally {
      this.#draining = undefined
    }
  }

  /**
   * The lease may have lapsed since these were taken. They wait until it is held again: then nobody
   * else has written meanwhile. When another has, they stay in the journal of a host that never
   * opens it again, unseen, and whoever asked for them is told so.
   */
  async #isCovered(lease: Lease, batch: readonly Waiting[]): Promise<boolean> {
    if (lease.held()) return true
    try {
      await lease.untilHeld()
      return true
    } catch (error) {
      for (const waiting of batch) waiting.done(error)
      return false
    }
  }

  /** One transaction for each file in the batch. Returns the failures. */
  #applyToFiles(batch: readonly Waiting[]): Map<Waiting, unknown> {
    const failures = new Map<Waiting, unknown>()
    for (const group of groupByFile(batch)) {
      const { did, file: target } = group[0]!.change
      try {
        this.#applyGroup(group, did, target!.generation)
      } catch (error) {
        for (const waiting of group) this.#fail(waiting, error, failures)
      }
    }
    return failures
  }

  #applyGroup(group: readonly Waiting[], did: Did, generation: number): void {
    // Opening it may show that it is behind.
    const file = this.#projections.file(did, generation)
    if (this.#projections.isStopped(did)) throw new AccountStopped(did)
    file.applying(group.at(-1)!.seq, () => {
      for (const { change, seq } of group) change.file!.apply(file, seq)
    })
    this.#projections.changed(did, generation, group[0]!.seq)
  }

  async #applyToDirectory(
    batch: readonly Waiting[],
    failures: Map<Waiting, unknown>,
  ): Promise<void> {
    const open: Waiting[] = []
    for (const waiting of batch) {
      const { did, directory } = waiting.change
      if (!directory) continue
      if (!this.#projections.isStopped(did)) open.push(waiting)
      else this.#fail(waiting, new AccountStopped(did), failures)
    }
    // Changes of a batch share one transaction and its fsync; when one fails, each stands alone.
    try {
      await this.#projections.together(async () => {
        for (const { change, seq } of open) await change.directory!(seq)
      })
    } catch {
      for (const waiting of open) await this.#applyAlone(waiting, failures)
    }
  }

  async #applyAlone(waiting: Waiting, failures: Map<Waiting, unknown>): Promise<void> {
    const { change, seq } = waiting
    try {
      if (this.#projections.isStopped(change.did)) throw new AccountStopped(change.did)
      await change.directory!(seq)
    } catch (error) {
      this.#fail(waiting, error, failures)
    }
  }

  #fail(waiting: Waiting, error: unknown, failures: Map<Waiting, unknown>): void {
    const { did } = waiting.change
    this.#projections.stop(did, waiting.seq, error)
    const stopped = error instanceof AccountStopped ? error : new AccountStopped(did, error)
    failures.set(waiting, stopped)
  }

  /** Entries after `after`, durable and readable, whether released or not; for recovery. */
  replay(after: number): AsyncIterable<readonly Entry[]> {
    return this.stream.tail(after)
  }

  /** Resolves when nothing is waiting to be applied. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining
  }
}

/** Groups in order of their first entry; entries without a change of a file are left out. */
function groupByFile(batch: readonly Waiting[]): Iterable<Waiting[]> {
  if (batch.length === 1) return batch[0]!.change.file ? [[batch[0]!]] : []
  const groups = new Map<string, Waiting[]>()
  for (const waiting of batch) {
    const { did, file } = waiting.change
    if (!file) continue
    const name = `${did} ${file.generation}`
    const group = groups.get(name)
    if (group) group.push(waiting)
    else groups.set(name, [waiting])
  }
  return groups.values()
}

/** Storage that takes no more is our trouble and passes; everything else stays what it is. */
export function refused(error: unknown): unknown {
  if (!(error instanceof StorageError)) return error
  if (error.code !== 'NoSpace' && error.code !== 'Overloaded') return error
  const headers = { 'retry-after': error.code === 'NoSpace' ? '60' : '2' }
  const message = 'The host cannot take writes now; nothing was written'
  return new XrpcError(503, 'NotEnoughResources', message, { headers, cause: error })
}

/** Changes of an account wait until its file has caught up with the journal. */
export class AccountStopped extends XrpcError {
  constructor(did: Did, cause?: unknown) {
    const message = `${did} is being repaired; what was written last may or may not be kept`
    super(503, 'AccountStopped', message, { headers: { 'retry-after': '5' }, cause })
  }
}
