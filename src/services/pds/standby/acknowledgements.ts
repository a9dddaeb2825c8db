/** Which writes wait for a standby's disk, and for how long they do. */
import type { Log, Timers } from '#platform/runtime'
import { XrpcError } from '#protocol/xrpc'

export interface AcknowledgementOptions {
  /** `sync`: a write is answered when the standby has it on its disk; `async`: it may be behind. */
  mode: 'sync' | 'async'
  /** How long a write waits for a standby that does not answer. */
  awayMs: number
  /** What happens then: writes are refused, or go on without it. */
  whenAway: 'refuse' | 'continue'
  /** Whether a standby has ever been in step: before that nobody waits for one. */
  everInStep: boolean
  timers: Pick<Timers, 'setTimeout' | 'clearTimeout'>
  now: () => number
  log: Log
  /** Told once, when a standby is in step for the first time ever. */
  onFirstInStep: () => void
}

interface Waiting {
  seq: number
  sinceMs: number
  resolve(): void
  /** Tells the caller that it is not known when this will be at the standby. */
  tell(error: XrpcError): void
}

/** A write that waits: `copied` when it may be applied, `told` when its caller is to wait no longer. */
export interface Wait {
  copied: Promise<void>
  told: Promise<never>
}

/** A standby that hears every heartbeat is asked for more before this. */
const HEARTBEATS_MS = 12_000
const TIMES_MAX = 10_000
const TIME_STEP_MS = 50

/**
 * Holds writes until the standby says that it has them. One standby counts at a time: the one that
 * was in step first. When it is away for longer than the bound, all of that is said loudly, and
 * writes are refused or go on, as the operator chose.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementOptions
  readonly #waiting: Waiting[] = []
  /** The standby that counts. */
  #standby: string | undefined
  #state: 'none' | 'following' | 'away'
  #heardMs = 0
  #timer: unknown
  #everInStep: boolean
  #copiedSeq = 0
  #newestSeq = 0
  /** When entries became durable here, thinned out: for the lag in time. */
  #times: { seq: number; ms: number }[] = []

  constructor(options: AcknowledgementOptions) {
    this.#options = options
    this.#everInStep = options.everInStep
    this.#state = options.everInStep ? 'away' : 'none'
    this.#heardMs = options.now()
  }

  get state(): 'none' | 'following' | 'away' {
    return this.#state
  }

  /** Entries on this disk that the standby does not have; what would be lost with this host. */
  get lagEntries(): number {
    return Math.max(0, this.#newestSeq - this.#copiedSeq)
  }

  /** How old the oldest of them is. */
  get lagMs(): number {
    const oldest = this.#times.find(({ seq }) => seq > this.#copiedSeq)
    return oldest ? Math.max(0, this.#options.now() - oldest.ms) : 0
  }

  /** The journal begins here: what lies before is not counted as lag. */
  begin(seq: number): void {
    this.#newestSeq = seq
    this.#copiedSeq = seq
  }

  /** Whether writes stand still for want of a standby. */
  get isRefusing(): boolean {
    const { mode, whenAway } = this.#options
    return mode === 'sync' && whenAway === 'refuse' && this.#state === 'away'
  }

  /** Throws NotEnoughResources (503), nothing written, while writes are refused. */
  requireStandby(): void {
    if (!this.isRefusing) return
    // A host that has just begun gives its standby the time to find it.
    if (this.#standby === undefined && this.#sinceHeardMs() < this.#options.awayMs) return
    const headers = { 'retry-after': '5' }
    const message = 'The standby of this host is away; nothing was written'
    throw new XrpcError(503, 'NotEnoughResources', message, { headers })
  }

  /** Entries up to `seq` are on this disk. Undefined when nobody has to wait. */
  durable(seq: number): Wait | undefined {
    const { mode, now } = this.#options
    this.#newestSeq = Math.max(this.#newestSeq, seq)
    const nowMs = now()
    if (this.#state !== 'none' && nowMs - (this.#times.at(-1)?.ms ?? 0) >= TIME_STEP_MS) {
      this.#times.push({ seq, ms: nowMs })
      if (this.#times.length > TIMES_MAX) this.#times.splice(1, 1)
    }
    if (mode === 'async' || this.#state === 'none') return undefined
    const copied = Promise.withResolvers<void>()
    // In turn also when it need not wait: nothing overtakes what is before it.
    if (this.#state === 'away' && !this.isRefusing) copied.resolve()
    else if (seq <= this.#copiedSeq) copied.resolve()
    const told = Promise.withResolvers<never>()
    told.promise.catch(() => {})
    this.#waiting.push({ seq, sinceMs: nowMs, resolve: copied.resolve, tell: told.reject })
    this.#settle()
    this.#watch()
    return { copied: copied.promise, told: told.promise }
  }

  /** A standby asked for more, having everything up to `seq` on its disk. */
  heard(standby: string, seq: number, inStep: boolean): void {
    if (!inStep) return
    const isAnother = this.#standby !== standby
    if (isAnother && this.#state === 'following') return
    this.#standby = standby
    this.#heardMs = this.#options.now()
    if (isAnother || seq > this.#copiedSeq) this.#copiedSeq = seq
    while (this.#times.length > 0 && this.#times[0]!.seq <= this.#copiedSeq) this.#times.shift()
    this.#settle()
  }

  /** What is sent to the standby now is all that there is: from here on, writes wait for it. */
  caughtUp(standby: string): void {
    if (this.#standby !== standby || this.#state === 'following') return
    this.#state = 'following'
    this.#options.log.info('the standby is in step', { standby, mode: this.#options.mode })
    if (this.#everInStep) return
    this.#everInStep = true
    this.#options.onFirstInStep()
  }

  #sinceHeardMs(): number {
    return this.#options.now() - this.#heardMs
  }

  #settle(): void {
    const goesOn = this.#state === 'away' && !this.isRefusing
    let count = 0
    for (const { seq, resolve } of this.#waiting) {
      if (!goesOn && seq > this.#copiedSeq) break
      resolve()
      count++
    }
    this.#waiting.splice(0, count)
  }

  #watch(): void {
    const { timers, awayMs } = this.#options
    const oldest = this.#waiting[0]
    if (!oldest || this.#timer !== undefined) return
    const leftMs = Math.max(1, oldest.sinceMs + awayMs - this.#options.now())
    this.#timer = timers.setTimeout(() => {
      this.#timer = undefined
      this.#look()
    }, leftMs)
  }

  /** Whether the oldest write has waited for too long. */
  #look(): void {
    const { awayMs, now } = this.#options
    const oldest = this.#waiting[0]
    if (oldest && now() - oldest.sinceMs >= awayMs) this.#lose()
    this.#watch()
  }

  #lose(): void {
    const { log, mode, whenAway, awayMs } = this.#options
    if (this.#state === 'following') {
      const what = whenAway === 'refuse' ? 'writes are refused' : 'writes go on without it'
      log.error(`the standby is away: ${what}`, { mode, awayMs, waiting: this.#waiting.length })
    }
    this.#state = 'away'
    this.#standby = undefined
    if (this.isRefusing) {
      const headers = { 'retry-after': '5' }
      const message = 'Written here and not yet at the standby: it may or may not be kept'
      for (const { tell } of this.#waiting) {
        tell(new XrpcError(503, 'StandbyAway', message, { headers }))
      }
    }
    this.#settle()
  }

  /** Called now and then: a standby that was not heard of is away, also when nobody writes. */
  check(): void {
    if (this.#state !== 'following') return
    if (this.#sinceHeardMs() > this.#options.awayMs + HEARTBEATS_MS) this.#lose()
  }

  close(): void {
    if (this.#timer !== undefined) this.#options.timers.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
