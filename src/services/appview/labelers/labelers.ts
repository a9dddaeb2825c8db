import { createLru, type Loop, type Metrics } from '#platform/runtime'
import { parseAcceptLabelers } from '#protocol/label'
import type { Did } from '#protocol/syntax'

/** A labeler whose labels a caller wants to see. */
export interface Accepted {
  did: Did
  /** What it has taken down is not to be shown at all. */
  redact: boolean
}

/** Named in one request. */
const ACCEPTED_MAX = 20
/** Followed because somebody named them, beside our own. */
const NAMED_MAX = 20
const HEADERS_MAX = 1_000
const REFUSED_MAX = 10_000
/** A DID that was no labeler is not looked at again for this long. */
const REFUSED_MS = 3_600_000

export interface LabelersParts {
  /** Labelers of the operator's choosing, asked again and again: they may start after us. */
  own(): readonly Did[]
  /** Reads a labeler until the signal aborts; resolves earlier for a DID that is none. */
  follow(did: Did, signal: AbortSignal): Promise<void>
  now: () => number
  metrics: Metrics
}

/**
 * Whose labels are read: our own labelers always, others from the first time that a caller names
 * them, a bounded number.
 */
export class Labelers {
  readonly loop: Loop = { name: 'labelers', run: (signal) => this.#run(signal) }
  readonly #parts: LabelersParts
  readonly #headers = createLru<string, readonly Accepted[]>({ maxEntries: HEADERS_MAX })
  readonly #refused = createLru<Did, number>({ maxEntries: REFUSED_MAX })
  /** Named by callers, followed or about to be. */
  readonly #named = new Set<Did>()
  readonly #running = new Map<Did, Promise<void>>()
  #wakeUp: (() => void) | undefined
  #isAwake = false

  constructor(parts: LabelersParts) {
    this.#parts = parts
    const help = 'Labelers that are followed'
    parts.metrics.gauge('appview_labelers', help, [], () => this.#running.size)
  }

  /** Labelers whose takedowns hide things from everybody. */
  own(): readonly Did[] {
    return this.#parts.own()
  }

  /** Whose labels are shown: those that `atproto-accept-labelers` names, or our own without it. */
  accepted(header: string | undefined): readonly Accepted[] {
    if (header === undefined) return this.own().map((did) => ({ did, redact: true }))
    let accepted = this.#headers.get(header)
    if (accepted === undefined) {
      accepted = parseAcceptLabelers(header, ACCEPTED_MAX) ?? []
      this.#headers.set(header, accepted)
    }
    for (const { did } of accepted) this.#want(did)
    return accepted
  }

  /** `atproto-content-labelers`: those of the accepted ones that we follow. */
  contentHeader(accepted: readonly Accepted[]): string {
    return accepted
      .filter(({ did }) => this.#running.has(did))
      .map(({ did, redact }) => (redact ? `${did};redact` : did))
      .join(', ')
  }

  #want(did: Did): void {
    if (this.#running.has(did) || this.#named.has(did) || this.#named.size >= NAMED_MAX) return
    if ((this.#refused.get(did) ?? 0) > this.#parts.now() || this.own().includes(did)) return
    this.#named.add(did)
    this.#wake()
  }

  #wake(): void {
    this.#isAwake = true
    this.#wakeUp?.()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const stop = () => this.#wake()
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      this.#isAwake = false
      for (const did of [...this.own(), ...this.#named])
        if (!this.#running.has(did)) this.#running.set(did, this.#follow(did, signal))
      if (!this.#isAwake) await new Promise<void>((resolve) => (this.#wakeUp = resolve))
    }
    await Promise.all(this.#running.values())
  }

  async #follow(did: Did, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.follow(did, signal)
    } finally {
      this.#running.delete(did)
      this.#named.delete(did)
      if (!signal.aborted) this.#refused.set(did, this.#parts.now() + REFUSED_MS)
    }
  }
}
