import type { Entry } from './contracts.ts'
import { blockBytes } from './segment-file.ts'
import { cutBatches } from './stream-reads.ts'

interface LiveBatch {
  entries: readonly Entry[]
  last: number
  bytes: number
}

/**
 * The newest visible batches, shared by all live readers: each gets the same arrays. Bounded in bytes; whoever is
 * slower than that reads from the segments. Entries that wait for their release are held here as well.
 */
export class LiveTail {
  readonly #maxBytes: number
  readonly #batches: LiveBatch[] = []
  #bytes = 0
  /** Everything visible above this seq is in `#batches`. */
  #after: number
  #visible: number
  #held: Entry[] = []
  #heldBytes = 0
  /** Durable entries up to here were dropped from `#held` for want of room. */
  #unheld: number
  readonly #waiting = new Set<() => void>()

  /** `durable`: entries above `visible` up to here exist already, and are in the segments only. */
  constructor(visible: number, maxBytes: number, durable = visible) {
    this.#visible = visible
    this.#after = visible
    this.#unheld = durable
    this.#maxBytes = maxBytes
  }

  get visible(): number {
    return this.#visible
  }

  /** Takes durable entries in, without showing them. */
  hold(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#held.push(entry)
      this.#heldBytes += memoryBytes(entry)
    }
    if (this.#heldBytes <= this.#maxBytes) return
    this.#unheld = entries.at(-1)!.seq
    this.#held = []
    this.#heldBytes = 0
  }

  /** Shows what is durable up to `seq` and wakes who waits for it. */
  show(seq: number): void {
    if (seq <= this.#visible) return
    const count = this.#held.findIndex((entry) => entry.seq > seq)
    const shown = this.#held.splice(0, count < 0 ? this.#held.length : count)
    for (const entry of shown) this.#heldBytes -= memoryBytes(entry)
    this.#visible = seq
    if (this.#unheld > this.#after) this.#forget(Math.min(seq, this.#unheld))
    for (const batch of cutBatches(shown, blockBytes)) this.#push(batch)
    this.wakeAll()
  }

  /** The next live batch above `after`, or undefined when the segments have to be asked. */
  next(after: number): readonly Entry[] | undefined {
    if (after < this.#after || after >= this.#visible) return undefined
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#batches[middle]!.last > after) high = middle
      else low = middle + 1
    }
    const entries = this.#batches[low]?.entries
    if (!entries || entries[0]!.seq > after) return entries
    return entries.slice(entries.findIndex(({ seq }) => seq > after))
  }

  /** Calls `wake` once, when more becomes visible or the stream ends. */
  wait(wake: () => void): void {
    this.#waiting.add(wake)
  }

  unwait(wake: () => void): void {
    this.#waiting.delete(wake)
  }

  wakeAll(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Puts erased copies in place of the entries that `isErased` names. */
  blank(isErased: (entry: Entry) => boolean): void {
    const erase = (entry: Entry): Entry =>
      isErased(entry) ? { ...entry, payload: new Uint8Array(0), blanked: true } : entry
    this.#held = this.#held.map(erase)
    for (const batch of this.#batches) {
      if (batch.entries.some(isErased)) batch.entries = batch.entries.map(erase)
    }
  }

  #push(entries: Entry[]): void {
    let bytes = 0
    for (const entry of entries) bytes += memoryBytes(entry)
    this.#batches.push({ entries, last: entries.at(-1)!.seq, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes && this.#batches.length > 1) {
      const oldest = this.#batches.shift()!
      this.#bytes -= oldest.bytes
      this.#after = oldest.last
    }
  }

  #forget(after: number): void {
    this.#batches.length = 0
    this.#bytes = 0
    this.#after = after
  }
}

/** About what an entry costs while it is kept. */
function memoryBytes({ payload, key }: Entry): number {
  return payload.length + key.length + 96
}
