/** What a host hands to its standby: one ordered channel of entries and changes of the directory. */
import type { Log, Metrics, Outside } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import type { StandbyPull } from '#protocol/account'
import { hex } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { Acknowledgements, type Wait } from './acknowledgements.ts'
import { encodeBatch, type FeedBatch, type FeedItem } from './wire.ts'

export interface FeedOptions {
  mode: 'sync' | 'async'
  awayMs: number
  whenAway: 'refuse' | 'continue'
  everInStep: boolean
  onFirstInStep: () => void
  /** Calls the function with every commit of the directory database, as bytes for a copy of it. */
  listen: (heard: (changes: Uint8Array) => void) => void
  outside: Pick<Outside, 'now' | 'random' | 'timers'>
  log: Log
  metrics: Metrics
}

interface Changes {
  change: number
  /** Every entry up to here was on the disk before they were committed. */
  afterSeq: number
  bytes: Uint8Array
}

/** An answer to a pull is cut beyond this. */
const BATCH_BYTES = 4 * 1024 * 1024
/** Changes of the directory kept for a standby that is slow, or away for a moment. */
const KEPT_BYTES = 64 * 1024 * 1024
/** Uploads that a standby is told of before an entry speaks of them. */
const UPLOADS_MAX = 1_000
/** A pull with nothing to answer is answered after this: both sides know that the other is there. */
const HEARTBEAT_MS = 5_000

/**
 * The order is that of this host's disk: a change of the directory stands behind the entries that
 * were durable before it was committed, and before those that became durable after it. Whoever
 * stops anywhere in it is where this host would be after a crash at that moment.
 */
export class StandbyFeed {
  /** Of this process: changes are counted within it. */
  readonly epoch: string
  readonly acknowledgements: Acknowledgements
  readonly #timers: Outside['timers']
  readonly #changes: Changes[] = []
  #changesBytes = 0
  #newestChange = 0
  #uploads: { number: number; did: Did; cid: string }[] = []
  #uploadNumber = 0
  /** What each standby was told of. */
  readonly #toldUploads = new Map<string, number>()
  #stream: Stream | undefined
  readonly #wakers = new Set<() => void>()

  constructor(options: FeedOptions) {
    const { outside, metrics } = options
    this.epoch = hex(outside.random(16))
    this.#timers = outside.timers
    this.acknowledgements = new Acknowledgements({
      ...options,
      now: outside.now,
      timers: outside.timers,
    })
    options.listen((bytes) => this.#committed(bytes))
    const { acknowledgements } = this
    metrics.gauge(
      'pds_standby_lag_entries',
      'Entries that the standby does not have on its disk yet.',
      [],
      () => acknowledgements.lagEntries,
    )
    metrics.gauge(
      'pds_standby_lag_seconds',
      'How old the oldest entry is that the standby does not have.',
      [],
      () => acknowledgements.lagMs / 1000,
    )
    metrics.gauge(
      'pds_standby_in_step',
      'Whether a standby follows: 1, or 0 when there is none or it is away.',
      [],
      () => (acknowledgements.state === 'following' ? 1 : 0),
    )
  }

  /** The journal is open. */
  attach(stream: Stream): void {
    this.#stream = stream
    this.acknowledgements.begin(stream.bounds().durable)
  }

  get newestChange(): number {
    return this.#newestChange
  }

  /** Throws NotEnoughResources (503) while nothing is written for want of a standby. */
  requireStandby(): void {
    this.acknowledgements.requireStandby()
  }

  /** Entries up to `seq` are on this disk. */
  durable(seq: number): Wait | undefined {
    const wait = this.acknowledgements.durable(seq)
    this.#wake()
    return wait
  }

  /** A blob came in: the standby may fetch it before an entry that refers to it waits for that. */
  uploaded(did: Did, cid: string): void {
    this.#uploads.push({ number: ++this.#uploadNumber, did, cid })
    if (this.#uploads.length > UPLOADS_MAX) this.#uploads.shift()
    this.#wake()
  }

  #committed(bytes: Uint8Array): void {
    const afterSeq = this.#stream?.bounds().durable ?? 0
    this.#changes.push({ change: ++this.#newestChange, afterSeq, bytes })
    this.#changesBytes += bytes.byteLength
    while (this.#changesBytes > KEPT_BYTES && this.#changes.length > 1) {
      this.#changesBytes -= this.#changes.shift()!.bytes.byteLength
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake()
  }

  /**
   * What comes after what a standby has, encoded; waits a while when there is nothing. Throws
   * ChangesGone, EntriesGone, NotACopy.
   */
  async pull(pull: StandbyPull, signal: AbortSignal): Promise<Uint8Array> {
    const { standby, epoch, seq, change } = pull
    const stream = this.#stream
    if (!stream) throw new XrpcError(503, 'NotEnoughResources', 'The host is starting')
    const follows = epoch === this.epoch
    if (epoch !== undefined && !follows) throw changesGone()
    const { first, durable } = stream.bounds()
    if (seq > durable) throw new XrpcError(400, 'NotACopy', `This host ends at ${durable}`)
    if (seq + 1 < first) {
      throw new XrpcError(400, 'EntriesGone', `This host's journal begins at ${first}`)
    }
    if (follows) {
      this.#requireKept(change)
      this.acknowledgements.heard(standby, seq, pull.inStep === true)
    }
    const hasNews = () =>
      stream.bounds().durable > seq ||
      (follows && this.#newestChange > change) ||
      this.#uploadNumber > (this.#toldUploads.get(standby) ?? 0)
    // One that could take over hears at once that it has everything: from then on writes wait for it.
    const joins = follows && pull.inStep && this.acknowledgements.state !== 'following'
    if (!joins && !hasNews()) await this.#untilNews(hasNews, signal)
    const batch = await this.#gather(pull, follows)
    if (follows && pull.inStep && isAll(batch, pull)) this.acknowledgements.caughtUp(standby)
    return encodeBatch(batch)
  }

  #requireKept(change: number): void {
    const oldest = this.#changes[0]?.change ?? this.#newestChange + 1
    if (change > this.#newestChange || change + 1 < oldest) throw changesGone()
  }

  async #gather(pull: StandbyPull, follows: boolean): Promise<FeedBatch> {
    const stream = this.#stream!
    const { durable } = stream.bounds()
    const newestChange = this.#newestChange
    const items: FeedItem[] = []
    let bytes = 0
    // By number: what is kept is one run.
    let at = follows ? pull.change + 1 - (this.#changes[0]?.change ?? 0) : this.#changes.length
    const addChanges = (before: number) => {
      for (let next = this.#changes[at]; next && bytes < BATCH_BYTES; next = this.#changes[at]) {
        if (next.change > newestChange || next.afterSeq >= before) return
        items.push({ kind: 'changes', change: next.change, bytes: next.bytes })
        bytes += next.bytes.byteLength
        at++
      }
    }
    const changesBefore = (seq: number) => {
      addChanges(seq)
      return bytes < BATCH_BYTES
    }
    let isCut = false
    reading: for await (const entries of stream.tail(pull.seq)) {
      for (const entry of entries) {
        if (entry.seq > durable) break reading
        isCut = bytes >= BATCH_BYTES || !changesBefore(entry.seq)
        if (isCut) break reading
        items.push({ kind: 'entry', entry })
        bytes += entry.payload.byteLength + entry.key.length + 32
      }
    }
    if (!isCut) addChanges(durable + 1)
    items.push(...this.#newUploads(pull.standby))
    return { items, newestSeq: durable, newestChange }
  }

  #newUploads(standby: string): FeedItem[] {
    const told = this.#toldUploads.get(standby) ?? 0
    this.#toldUploads.set(standby, this.#uploadNumber)
    if (this.#toldUploads.size > 16)
      this.#toldUploads.delete(this.#toldUploads.keys().next().value!)
    return this.#uploads
      .filter(({ number }) => number > told)
      .map(({ did, cid }) => ({ kind: 'upload', did, cid }))
  }

  #untilNews(hasNews: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#wakers.delete(look)
        this.#timers.clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const look = () => {
        if (hasNews()) end()
      }
      const timer = this.#timers.setTimeout(end, HEARTBEAT_MS)
      this.#wakers.add(look)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  /** The loop: a standby that is not heard of is away, also while nobody writes. */
  async loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#timers.sleep(HEARTBEAT_MS, signal).catch(() => {})
      this.acknowledgements.check()
    }
  }

  close(): void {
    this.acknowledgements.close()
    this.#wake()
  }
}

/** Whether a batch brings its reader to the end of what there was. */
function isAll({ items, newestSeq, newestChange }: FeedBatch, pull: StandbyPull): boolean {
  let [seq, change] = [pull.seq, pull.change]
  for (const item of items) {
    if (item.kind === 'entry') seq = item.entry.seq
    else if (item.kind === 'changes') change = item.change
  }
  return seq === newestSeq && change === newestChange
}

const changesGone = () =>
  new XrpcError(400, 'ChangesGone', 'The directory has to be copied: its changes are not kept')
