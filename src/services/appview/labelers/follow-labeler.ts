import {
  type FrameBatch,
  keepReading,
  type Log,
  type Metrics,
  type Outside,
  type Subscribe,
} from '#platform/runtime'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import { type Label, parseLabel, verifyLabel } from '#protocol/label'
import type { Did } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import type { LabelStore } from './label-store.ts'

export interface FollowParts {
  store: LabelStore
  directory: Directory
  subscribe: Subscribe
  outside: Pick<Outside, 'now' | 'timers'>
  metrics: Metrics
  log: Log
}

/** What becomes of a label. */
type Verdict = 'applied' | 'malformed' | 'foreign-source' | 'bad-signature' | 'over-limit'

interface Place {
  url: string
  key: PublicKey
}

/** Keys are looked up again at most so often. */
const FRESH_MS = 60_000
/** A directory that is back should be noticed as soon as a stream is. */
const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 5_000

/**
 * Reads the labels of one labeler for ever, from where it ended, and believes only those that it
 * signed and that speak in its name. Resolves when the DID is no labeler. A labeler of our own is
 * waited for.
 */
export class LabelerReader {
  readonly #parts: FollowParts
  readonly #did: Did
  readonly #labels
  #place!: Place
  #cursor = 0
  #freshMs = 0

  constructor(did: Did, parts: FollowParts) {
    this.#parts = parts
    this.#did = did
    this.#labels = parts.metrics.counter('appview_labels', 'Labels by verdict', ['verdict'])
  }

  async follow(signal: AbortSignal, { isOwn }: { isOwn: boolean }): Promise<void> {
    const { store, subscribe, outside, log } = this.#parts
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
      const place = await this.#find(false).catch(() => undefined)
      if (place) this.#place = place
      if (place || !isOwn) break
      await outside.timers.sleep(pauseMs, signal).catch(() => {})
      if (signal.aborted) return
    }
    if (this.#place === undefined) return
    this.#cursor = await store.cursor(this.#did)
    const { timers } = outside
    await keepReading({
      url: () => this.#url(),
      take: (frames) => this.#take(frames),
      subscribe,
      timers,
      log,
      signal,
    })
  }

  #url(): string {
    // It may have moved: the next time it is asked for there.
    void this.#find(false).then(
      (place) => place && (this.#place = place),
      () => {},
    )
    const url = this.#place.url.replace(/^http/, 'ws')
    return `${url}/xrpc/com.atproto.label.subscribeLabels?cursor=${this.#cursor}`
  }

  async #find(fresh: boolean): Promise<Place | undefined> {
    const document = await this.#parts.directory.document(this.#did, { fresh })
    const identity = document && identityOf(document)
    const url = identity?.service('atproto_labeler', 'AtprotoLabeler')
    const key = identity?.labelerKey
    return url === undefined || key === undefined ? undefined : { url, key: parseDidKey(key) }
  }

  async #take(frames: FrameBatch): Promise<void> {
    const labels: Label[] = []
    for (const frame of frames) {
      const found = this.#read(frame as Uint8Array)
      for (const value of found) {
        const label = await this.#judged(value)
        if (label) labels.push(label)
      }
    }
    const { applied, over } = await this.#parts.store.apply(this.#did, labels, this.#cursor)
    this.#count('applied', applied)
    this.#count('over-limit', over)
  }

  /** The labels of a frame; moves the cursor. */
  #read(bytes: Uint8Array): readonly unknown[] {
    try {
      const frame = decodeFrame(bytes)
      if ('error' in frame) {
        // Its stream begins anew.
        if (frame.error === 'FutureCursor') this.#cursor = 0
        return []
      }
      const { seq, labels } = frame.body as { seq?: unknown; labels?: unknown }
      if (frame.type !== '#labels' || !Array.isArray(labels)) return []
      if (Number.isSafeInteger(seq)) this.#cursor = seq as number
      return labels
    } catch {
      this.#count('malformed')
      return []
    }
  }

  async #judged(value: unknown): Promise<Label | undefined> {
    const label = parseLabel(value)
    if (label === undefined) return this.#count('malformed')
    if (label.src !== this.#did) return this.#count('foreign-source')
    if (verifyLabel(label, this.#place.key) || (await this.#isSignedByNewer(label))) return label
    return this.#count('bad-signature')
  }

  /** Its key may have changed. */
  async #isSignedByNewer(label: Label): Promise<boolean> {
    const nowMs = this.#parts.outside.now()
    if (nowMs < this.#freshMs) return false
    this.#freshMs = nowMs + FRESH_MS
    const place = await this.#find(true).catch(() => undefined)
    if (place) this.#place = place
    return verifyLabel(label, this.#place.key)
  }

  #count(verdict: Verdict, count = 1): undefined {
    if (count > 0) this.#labels.with(verdict).add(count)
  }
}
