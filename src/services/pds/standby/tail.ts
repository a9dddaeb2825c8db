/** Following another host: what it has on its disk is on this one as well, in the same order. */
import type { Log, Sealer, Timers } from '#platform/runtime'
import type { Entry } from '#platform/storage'
import type { StandbyJoined } from '#protocol/account'
import type { CidBytes } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { decodeFrame, XrpcError } from '#protocol/xrpc'
import { decodeBlobEntry } from '../blobs/index.ts'
import { decodeSwitch } from '../imports/index.ts'
import { Kind } from '../journal/index.ts'
import { changeOfFrame } from '../repos/index.ts'
import type { BlobCopies } from './blob-copies.ts'
import type { CopyPath } from './copy-path.ts'
import type { DirectoryCopy, Position } from './directory-copy.ts'
import type { StandbyMemory } from './memory.ts'
import { Seeding } from './seeding.ts'
import type { Upstream } from './upstream.ts'
import type { FeedBatch } from './wire.ts'

const RETRY_MS = 1_000
const NOTE_MS = 5_000
/** Entries taken and not applied; beyond this the tail waits for its files. */
const BACKLOG_MAX = 20_000

export interface TailParts {
  name: string
  upstream: Upstream
  directory: DirectoryCopy
  memory: StandbyMemory
  path: CopyPath
  blobs: BlobCopies
  sealer: () => Sealer
  /** Given the first host's sealed key each time it is joined. */
  keepKey: (joined: StandbyJoined) => void
  /** Told, once for each process it follows, that all that this process wrote is here. */
  inStepWith: (joined: StandbyJoined) => Promise<void>
  timers: Timers
  now: () => number
  log: Log
}

export type TailState = 'seeding' | 'following' | 'away'

/** What a copy that does not fit makes of the tail: it begins anew with the directory. */
class DoesNotFit extends Error {}

export class Tail {
  readonly #parts: TailParts
  readonly #seeding: Seeding
  state: TailState = 'away'
  problem: string | undefined
  /** Accounts whose copy does not fit. */
  readonly unsound = new Set<Did>()
  newestSeq = 0
  /** When it last had all that there was. */
  inStepMs: number
  #change = 0
  #backlog = 0
  /** Cuts off the pull that was sent before everything was here. */
  readonly #seeded = new AbortController()
  #notedMs = 0

  constructor(parts: TailParts) {
    this.#parts = parts
    this.inStepMs = parts.now()
    this.newestSeq = parts.memory.number('newest-seq') ?? 0
    this.#seeding = new Seeding({
      ...parts,
      unsound: (did, problems) => {
        this.unsound.add(did)
        parts.log.error('the copy of an account is not sound', { did, problems })
      },
    })
  }

  get isSeeded(): boolean {
    return this.#parts.memory.get('seeded') !== undefined
  }

  /** Follows until it is told to stop, whatever the first host does meanwhile. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, timers } = this.#parts
    if (this.isSeeded) await this.#parts.path.begin()
    while (!signal.aborted) {
      try {
        await this.#session(signal)
      } catch (error) {
        if (signal.aborted) return
        this.#say(error)
      }
      this.state = 'away'
      await timers.sleep(RETRY_MS, signal).catch(() => {})
    }
    log.info('the standby stopped following', { seq: this.#parts.path.seq })
  }

  /** Once for each thing that stands in the way. */
  #say(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (message === this.problem) return
    this.problem = message
    this.#parts.log.warn('the standby does not follow', { of: this.#parts.upstream.url, error })
  }

  async #session(outer: AbortSignal): Promise<void> {
    const { upstream, directory, memory, path, name } = this.#parts
    const stop = new AbortController()
    const signal = AbortSignal.any([outer, stop.signal])
    const joined = await upstream.join(name, signal)
    this.#parts.keepKey(joined)
    this.#begin(joined)
    if (!this.isSeeded) this.state = 'seeding'
    if (directory.position()?.epoch !== joined.epoch) await this.#copyDirectory(signal)
    if (memory.number('seed-from') === undefined) memory.set('seed-from', joined.applied)
    if (this.isSeeded) await path.apply()
    const both = [this.#follow(joined, signal), ...(this.isSeeded ? [] : [this.#seed(signal)])]
    try {
      await Promise.all(both)
    } finally {
      stop.abort(new Error('the session ended'))
      await Promise.allSettled(both)
    }
  }

  /** When everything is here, the first host hears it at once. */
  async #seed(signal: AbortSignal): Promise<void> {
    await this.#seeding.run(signal)
    this.#seeded.abort()
  }

  /** Where the journal here goes on. */
  #begin(joined: StandbyJoined): void {
    const { memory, path, log } = this.#parts
    const { seq } = path
    if (seq === 0) memory.set('journal-from', joined.first - 1)
    if (seq === 0) return
    if (seq > joined.durable) throw notACopy()
    if (seq + 1 >= joined.first) return
    log.error('the first host has trimmed what is missing here: everything is copied anew', {
      seq,
      first: joined.first,
    })
    memory.startOver(joined.first - 1)
  }

  async #copyDirectory(signal: AbortSignal): Promise<void> {
    const { upstream, directory, path, memory, log } = this.#parts
    const { body, position, seq } = await upstream.directory(signal)
    if (memory.number('whole-seq') === undefined) memory.set('whole-seq', path.seq)
    await directory.install(body, position, async () => {
      // It stands behind these entries.
      while (path.seq < seq) await this.#pull(undefined, signal)
    })
    memory.forget('whole-seq')
    path.taken(path.seq)
    log.info('the directory was copied', { accounts: directory.count(), seq })
  }

  /** Pulls, takes, and says by the next pull what is on the disk. */
  async #follow(joined: StandbyJoined, signal: AbortSignal): Promise<void> {
    const { path, inStepWith } = this.#parts
    let wasInStep = false
    while (!signal.aborted) {
      const batch = await this.#pullUntilSeeded(signal)
      if (!batch) continue
      path.taken(path.seq)
      const isAll = path.seq >= batch.newestSeq && this.#change >= batch.newestChange
      if (isAll) this.inStepMs = this.#parts.now()
      if (!this.isSeeded) continue
      if (isAll && !wasInStep) {
        wasInStep = true
        await inStepWith(joined)
      }
      this.problem = undefined
      this.state = 'following'
      await this.#apply(batch)
    }
  }

  async #pullUntilSeeded(signal: AbortSignal): Promise<FeedBatch | undefined> {
    const { directory } = this.#parts
    if (this.isSeeded) return this.#pull(directory.position(), signal)
    const cut = AbortSignal.any([signal, this.#seeded.signal])
    try {
      return await this.#pull(directory.position(), cut)
    } catch (error) {
      if (this.#seeded.signal.aborted && !signal.aborted) return undefined
      throw error
    }
  }

  async #apply(batch: FeedBatch): Promise<void> {
    const { path, log } = this.#parts
    const count = batch.items.length
    this.#backlog += count
    const applied = path
      .apply()
      .then(() => this.#erase())
      .catch((error) => log.error('entries are not applied to the copies', { error }))
      .finally(() => {
        this.#backlog -= count
      })
    if (this.#backlog > BACKLOG_MAX) await applied
  }

  async #pull(position: Position | undefined, signal: AbortSignal): Promise<FeedBatch> {
    const { upstream, path, name, memory, directory, now } = this.#parts
    const { seq } = path
    this.#change = position?.change ?? 0
    const batch = await upstream.pull(
      {
        standby: name,
        seq,
        change: position?.change ?? 0,
        ...(position && { epoch: position.epoch, inStep: this.isSeeded }),
      },
      signal,
    )
    if (batch.newestSeq > this.newestSeq) {
      this.newestSeq = batch.newestSeq
      // Now and then: the host that takes over adds a margin to it.
      if (now() - this.#notedMs >= NOTE_MS) {
        this.#notedMs = now()
        memory.set('newest-seq', batch.newestSeq)
      }
    }
    try {
      await this.#take(batch, position, signal)
    } catch (error) {
      if (!(error instanceof DoesNotFit)) throw error
      directory.forgetPosition()
      throw error
    }
    return batch
  }

  /** Runs of entries and of changes, each on the disk before the next. */
  async #take(batch: FeedBatch, position: Position | undefined, signal: AbortSignal) {
    const { path, blobs, directory, memory } = this.#parts
    let entries: Entry[] = []
    let changes: Uint8Array[] = []
    const takeEntries = async () => {
      if (entries.length === 0) return
      await this.#prepare(entries, signal)
      for (const entry of entries) {
        if (isDeletion(entry)) memory.noteErasure(entry.key as Did, entry.seq)
      }
      await path.stream.copy(entries)
      entries = []
    }
    const takeChanges = () => {
      if (changes.length === 0 || !position) return
      try {
        directory.apply(changes, { epoch: position.epoch, change: this.#change })
      } catch (error) {
        throw new DoesNotFit('changes of the directory do not fit its copy', { cause: error })
      }
      changes = []
    }
    for (const item of batch.items) {
      if (item.kind === 'entry') {
        takeChanges()
        entries.push(item.entry)
      } else if (item.kind === 'changes') {
        await takeEntries()
        if (item.change !== this.#change + 1) throw new DoesNotFit('a change is missing')
        this.#change = item.change
        changes.push(item.bytes)
      } else blobs.ahead(item.did, item.cid, signal)
    }
    await takeEntries()
    takeChanges()
  }

  /** What an entry refers to is here before the entry is; what cannot be read is said loudly. */
  async #prepare(entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    const { blobs, log, path } = this.#parts
    for (const entry of entries) {
      if (entry.blanked) continue
      const did = entry.key as Did
      if (entry.kind === Kind.importSwitch) {
        const { generation } = decodeSwitch(entry.payload)
        // Before the first copies are whole, the file that counts comes with them.
        if (generation > 0 && entry.seq > path.appliedSeq) {
          await this.#seeding.copy(did, generation, signal)
        }
        continue
      }
      let cids: readonly CidBytes[] = []
      try {
        cids = blobsOf(entry)
      } catch (error) {
        this.unsound.add(did)
        log.error('an entry of the first host is damaged', { did, seq: entry.seq, error })
      }
      if (cids.length > 0) await blobs.require(did, cids, signal)
    }
  }

  /** What deleted accounts left goes here as well. */
  async #erase(): Promise<void> {
    const { memory, path, directory, blobs } = this.#parts
    for (const { did, seq } of memory.erasures()) {
      const account = directory.account(did)
      await path.stream.blank((entry) => entry.key === did && entry.seq < seq)
      if (!account || account.status === 'deleted') {
        path.checkpoints.forget(did)
        const newest = (account?.generation ?? 1) + 1
        for (let generation = newest; generation > 0; generation--) {
          path.files.remove(did, generation)
        }
        await blobs.erase(did)
      }
      memory.forgetErasure(did, seq)
    }
  }
}

function blobsOf({ kind, payload }: Entry): readonly CidBytes[] {
  if (kind === Kind.blob) return [decodeBlobEntry(payload).cid]
  if (kind !== Kind.commit && kind !== Kind.quietCommit) return []
  const { ops } = changeOfFrame(payload, kind === Kind.commit)
  return ops.flatMap(({ blobs }) => blobs ?? []).map(({ cid }) => cid)
}

function isDeletion({ kind, payload, blanked }: Entry): boolean {
  if (kind !== Kind.account || blanked) return false
  const frame = decodeFrame(payload)
  return 'type' in frame && (frame.body as { status?: string }).status === 'deleted'
}

const notACopy = () =>
  new XrpcError(
    400,
    'NotACopy',
    'There are entries here that the first host never had: it is another host, or an older state of it. Begin with an empty folder',
  )
