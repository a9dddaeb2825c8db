import type { Log, Stopwatch, Timers } from '#platform/runtime'
import { hex } from '#protocol/crypto'
import { XrpcError } from '#protocol/xrpc'
import type { LeaseMemory } from './memory.ts'
import { type WitnessAnswer, WitnessClient, type WitnessPlace } from './witness-client.ts'

/** Of a term that was granted, the part that is used: clocks of two machines run apart a little. */
const USED_OF_TERM = 0.9
const RENEW_MS = 1_000
/** After an ask that failed; and the pace at which a lease that somebody holds is asked for. */
const AGAIN_MS = 250
const CLAIM_BYTES = 16

export interface LeaseDeps extends WitnessPlace {
  memory: LeaseMemory
  timers: Timers
  /** Never shows less than has gone by. */
  stopwatch: Stopwatch
  random: (byteCount: number) => Uint8Array
  log: Pick<Log, 'info' | 'warn' | 'error'>
  /** Between two renewals. */
  renewMs?: number
}

export interface TakeOptions {
  /** How long to wait for a lease that another holds, and for a witness that does not answer; forever without. */
  waitMs?: number
  signal?: AbortSignal
}

/**
 * Why there is no lease. `superseded`: another host has written since; the data here are older.
 * `held`, `unreachable`: not within the time given. `unknown`: the witness has lost what it knew.
 */
export type LeaseRefusal = 'superseded' | 'held' | 'unreachable' | 'unknown' | 'refused'

export class LeaseRefused extends Error {
  readonly reason: LeaseRefusal
  /** The newest epoch that the witness knows of. */
  readonly epoch: number
  constructor(reason: LeaseRefusal, message: string, epoch = 0, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'LeaseRefused'
    this.reason = reason
    this.epoch = epoch
  }
}

/** Why a lease is over for good. `ended`: by an operator. */
export interface LeaseEnd {
  reason: 'superseded' | 'ended' | 'released'
  /** The newest epoch that the witness knows of. */
  epoch: number
}

/**
 * The right to write under a hostname, while it is `held()`. It is renewed by itself until released.
 * Not renewed in time it is not held, and may be again: while the witness says that nobody else
 * took it. `lapsed` settles when it never will be again.
 */
export interface Lease {
  readonly epoch: number
  /** Whether writing is allowed at this instant. Costs two readings of a clock. */
  held(): boolean
  /** Milliseconds for which it is held if no renewal comes; 0 when it is not. */
  remainingMs(): number
  /** Resolves when it is held; rejects with HostFenced (503) when it is over for good. */
  untilHeld(signal?: AbortSignal): Promise<void>
  /** Aborts when it is found not to be held any more; a new one each time it is held again. */
  whileHeld(): AbortSignal
  /** Over for good. Never rejects. */
  readonly lapsed: Promise<LeaseEnd>
  /** Why it is over for good, once it is. */
  readonly end: LeaseEnd | undefined
  /** For who has stopped writing: gives it back, so that another need not wait. */
  release(): Promise<void>
}

const FENCED = {
  lapsed: 'The host cannot prove that it may write; what was written last may or may not be kept',
  superseded: 'Another host has taken the place of this one; nothing is written here any more',
  ended: 'An operator has ended what this host may write; nothing is written here any more',
  released: 'The host is stopping; what was written last may or may not be kept',
}

/** The answer to everybody while the host may not write; it says nothing of the caller's. */
export function hostFenced(end?: LeaseEnd): XrpcError {
  const message = FENCED[end?.reason ?? 'lapsed']
  return new XrpcError(503, 'HostFenced', message, { headers: { 'retry-after': '5' } })
}

/**
 * Takes the lease of a hostname, waiting out who held it. The claim is on the disk before it is
 * asked for, and the epoch before this resolves. Rejects with LeaseRefused.
 */
export async function takeLease(deps: LeaseDeps, options: TakeOptions = {}): Promise<Lease> {
  const { memory, stopwatch, log } = deps
  const note = await memory.read()
  // Of a start that ended before it saw the answer: it may have been given already.
  const claim = note.claim ?? hex(deps.random(CLAIM_BYTES))
  await memory.write({ epoch: note.epoch, claim })
  const client = new WitnessClient(deps)
  const waiting = stopwatch()
  let isTold = false
  for (;;) {
    options.signal?.throwIfAborted()
    const answer = await client
      .take({ claim, after: note.epoch })
      .catch((error: unknown) => unreachable(error))
    if ('state' in answer && answer.state === 'given') {
      await memory.write({ epoch: answer.epoch, claim: undefined })
      return await begin({ deps, client, claim, answer }, options, waiting)
    }
    const refusal = 'state' in answer ? refusalOf(answer, note.epoch) : answer
    if (refusal.reason === 'superseded' || refusal.reason === 'unknown') throw refusal
    if (refusal.reason === 'refused') throw refusal
    if (!isTold) log.warn('waiting for the lease', { reason: refusal.message })
    isTold = true
    // Who holds it may give it back before its term is over.
    const pauseMs = 'state' in answer ? clamp(answer.waitMs, AGAIN_MS, RENEW_MS) : AGAIN_MS
    if (options.waitMs !== undefined && waiting() + pauseMs > options.waitMs) throw refusal
    await deps.timers.sleep(pauseMs, options.signal)
  }
}

/** The witness notes that it begins: from then on data without it are older. */
async function begin(
  taken: Omit<Taken, 'since' | 'turn'>,
  { waitMs, signal }: TakeOptions,
  waiting: () => number,
): Promise<Lease> {
  const { deps, client, claim, answer } = taken
  const { epoch, termMs } = answer
  for (let turn = 1; ; turn++) {
    signal?.throwIfAborted()
    const since = deps.stopwatch()
    const renewed = await client
      .renew({ claim, epoch, turn })
      .catch((error: unknown) => unreachable(error))
    if ('state' in renewed && renewed.state === 'held') {
      deps.log.info('lease taken', { epoch, termMs })
      return new RenewedLease({ ...taken, since, turn })
    }
    if ('state' in renewed) throw refusalOf({ ...renewed, state: 'superseded' }, epoch)
    if (waitMs !== undefined && waiting() + AGAIN_MS > waitMs) throw renewed
    await deps.timers.sleep(AGAIN_MS, signal)
  }
}

interface Taken {
  deps: LeaseDeps
  client: WitnessClient
  claim: string
  answer: WitnessAnswer
  /** Since the ask that was answered was sent. */
  since: () => number
  /** Of that ask. */
  turn: number
}

const clamp = (ms: number, least: number, most: number) => Math.min(most, Math.max(least, ms))

function unreachable(error: unknown): LeaseRefused {
  const isOurs = error instanceof XrpcError && error.status < 500 && error.status !== 429
  const message = error instanceof Error ? error.message : String(error)
  if (isOurs) return new LeaseRefused('refused', `the witness refuses: ${message}`, 0, error)
  return new LeaseRefused('unreachable', `the witness does not answer: ${message}`, 0, error)
}

function refusalOf({ state, epoch }: WitnessAnswer, own: number): LeaseRefused {
  if (state === 'superseded') {
    const words = `another host has written as epoch ${epoch}, the data here are of epoch ${own}`
    return new LeaseRefused('superseded', words, epoch)
  }
  if (state === 'unknown') {
    const words = `the witness knows of no lease, the data here are of epoch ${own}; see docs/operating/standby.md`
    return new LeaseRefused('unknown', words, epoch)
  }
  return new LeaseRefused('held', `it is held as epoch ${epoch}`, epoch)
}

class RenewedLease implements Lease {
  readonly epoch: number
  readonly lapsed: Promise<LeaseEnd>
  end: LeaseEnd | undefined
  readonly #deps: LeaseDeps
  readonly #client: WitnessClient
  readonly #claim: string
  readonly #usableMs: number
  /** Since the newest ask that was answered was *sent*: the term began no earlier. */
  #since: () => number
  #turn: number
  #over!: (end: LeaseEnd) => void
  readonly #waiters = new Set<() => void>()
  #whileHeld = new AbortController()
  readonly #stop = new AbortController()

  constructor(taken: Taken) {
    this.#deps = taken.deps
    this.#client = taken.client
    this.#claim = taken.claim
    this.epoch = taken.answer.epoch
    this.#since = taken.since
    this.#turn = taken.turn
    this.#usableMs = taken.answer.termMs * USED_OF_TERM
    this.lapsed = new Promise((resolve) => {
      this.#over = resolve
    })
    void this.#keepRenewing()
    void this.#watch()
  }

  held(): boolean {
    return this.end === undefined && this.#since() < this.#usableMs
  }

  remainingMs(): number {
    return this.end ? 0 : Math.max(0, this.#usableMs - this.#since())
  }

  whileHeld(): AbortSignal {
    if (!this.held()) this.#whileHeld.abort(hostFenced(this.end))
    return this.#whileHeld.signal
  }

  async untilHeld(signal?: AbortSignal): Promise<void> {
    while (!this.held()) {
      signal?.throwIfAborted()
      if (this.end) throw hostFenced(this.end)
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiters.delete(done)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        this.#waiters.add(done)
        signal?.addEventListener('abort', done, { once: true })
      })
    }
  }

  async release(): Promise<void> {
    if (this.end) return
    const ask = { claim: this.#claim, epoch: this.epoch }
    this.#finish({ reason: 'released', epoch: this.epoch })
    await this.#client.release(ask).catch((error) => {
      this.#deps.log.warn('lease not given back; it ends with its term', { error })
    })
  }

  #finish(end: LeaseEnd): void {
    if (this.end) return
    this.end = end
    this.#stop.abort()
    this.#whileHeld.abort(hostFenced(end))
    this.#over(end)
    this.#tellWaiters()
    if (end.reason !== 'released') {
      this.#deps.log.error('lease lost: this host does not write any more', { ...end })
    }
  }

  #tellWaiters(): void {
    for (const done of [...this.#waiters]) done()
  }

  async #keepRenewing(): Promise<void> {
    const { timers, renewMs = RENEW_MS } = this.#deps
    const { signal } = this.#stop
    let pauseMs = renewMs
    while (!signal.aborted) {
      await timers.sleep(pauseMs, signal).catch(() => {})
      if (signal.aborted) return
      pauseMs = (await this.#renew()) ? renewMs : Math.min(AGAIN_MS, renewMs)
    }
  }

  /** One ask; measured from before it is sent. */
  async #renew(): Promise<boolean> {
    const { stopwatch, log } = this.#deps
    const wasHeld = this.held()
    const since = stopwatch()
    const ask = { claim: this.#claim, epoch: this.epoch, turn: ++this.#turn }
    try {
      const { state, epoch } = await this.#client.renew(ask)
      if (state === 'superseded') this.#finish({ reason: 'superseded', epoch })
      else if (state === 'ending' || state === 'released') this.#finish({ reason: 'ended', epoch })
      else if (state === 'held') this.#renewed(since, wasHeld)
      else
        log.error('the witness has lost what it knew of the lease; see docs/operating/standby.md')
      return state === 'held'
    } catch (error) {
      if (!this.#stop.signal.aborted) log.warn('lease not renewed', { error })
      return false
    }
  }

  #renewed(since: () => number, wasHeld: boolean): void {
    if (this.end) return
    this.#since = since
    if (!this.held()) return
    if (this.#whileHeld.signal.aborted) this.#whileHeld = new AbortController()
    if (!wasHeld) this.#deps.log.info('lease held again', { epoch: this.epoch })
    this.#tellWaiters()
    this.#wakeWatch?.()
  }

  #wakeWatch: (() => void) | undefined

  /** Notices that it lapsed when nobody asks; nothing relies on it. */
  async #watch(): Promise<void> {
    const { timers, log } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      const leftMs = this.remainingMs()
      if (leftMs > 0) await timers.sleep(leftMs + 1, signal).catch(() => {})
      else {
        log.error('lease lapsed: nothing is written until it is held again', { epoch: this.epoch })
        this.#whileHeld.abort(hostFenced())
        await this.#untilRenewed(signal)
      }
    }
  }

  #untilRenewed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#wakeWatch = undefined
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (signal.aborted) return done()
      this.#wakeWatch = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
