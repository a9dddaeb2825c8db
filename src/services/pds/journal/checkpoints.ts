import type { Did } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'

interface Dirty {
  did: Did
  generation: number
  firstSeq: number
}

/** Between checkpoints while writes go on; the replay after a crash covers about this much. */
const INTERVAL_MS = 10_000

/**
 * Moves the replay point: files changed since their last sync are synced one at a time, off the
 * serving loop. The replay point is the lowest seq that some file may not have on disk yet.
 */
export class Checkpoints {
  readonly #dirty = new Map<string, Dirty>()
  readonly #sync: (did: Did, generation: number) => Promise<void>
  readonly #save: (replayPoint: number) => Promise<void>
  #appliedSeq = 0
  #wake: (() => void) | undefined

  constructor(options: {
    file: (did: Did, generation: number) => AccountFile
    /** Runs before an account's file is synced. */
    before: (did: Did) => void
    save: (replayPoint: number) => Promise<void>
  }) {
    this.#sync = async (did, generation) => {
      options.before(did)
      await options.file(did, generation).sync()
    }
    this.#save = options.save
  }

  changed(did: Did, generation: number, seq: number): void {
    this.#appliedSeq = Math.max(this.#appliedSeq, seq)
    const name = `${did} ${generation}`
    if (!this.#dirty.has(name)) this.#dirty.set(name, { did, generation, firstSeq: seq })
    this.#wake?.()
  }

  /** Everything up to here is in synced files: a replay may start after it. */
  replayPoint(): number {
    let point = this.#appliedSeq
    for (const { firstSeq } of this.#dirty.values()) point = Math.min(point, firstSeq - 1)
    return point
  }

  /** Syncs what is dirty now, then saves the replay point. */
  async run(signal?: AbortSignal): Promise<void> {
    for (const [name, dirty] of [...this.#dirty]) {
      if (signal?.aborted) break
      // Taken out first: a write during the sync makes it dirty again, for the next round.
      this.#dirty.delete(name)
      try {
        await this.#sync(dirty.did, dirty.generation)
      } catch (error) {
        const again = this.#dirty.get(name)
        this.#dirty.set(name, { ...dirty, ...again, firstSeq: dirty.firstSeq })
        throw error
      }
    }
    await this.#save(this.replayPoint())
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
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
