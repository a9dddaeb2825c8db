/** The stream of accepted operations: pulled by each reader at its own pace, pushed by none. */
import type { FrameBatch } from '#platform/runtime'
import { type Operations, type StoredOperation, sequencedLine } from './operations.ts'

/** Operations read at once while a reader catches up: 500 of 4 kB are 2 MB. */
const PAGE = 500
/** Batches kept, so that readers who are up to date share them. */
const SHARED_MAX = 8

/** Hands the operations to any number of readers. */
export class Tail {
  readonly #operations: Operations
  /** Batches by the seq they come after; the newest last. */
  readonly #shared = new Map<number, Promise<Page>>()
  #newestSeq: number
  /** Readers that have everything, each as what wakes it. */
  readonly #waiting = new Set<() => void>()

  constructor(operations: Operations, newestSeq: number) {
    this.#operations = operations
    this.#newestSeq = newestSeq
  }

  /** Seq of the newest operation, 0 when there is none. */
  get newestSeq(): number {
    return this.#newestSeq
  }

  /** Tells the readers that operations up to this one are on disk. */
  announce(seq: number): void {
    if (seq <= this.#newestSeq) return
    this.#newestSeq = seq
    for (const wake of [...this.#waiting]) wake()
  }

  /** All operations after the seq, then new ones as they are accepted, until the signal aborts. */
  async *after(seq: number, signal: AbortSignal): AsyncGenerator<FrameBatch> {
    let cursor = seq
    while (!signal.aborted) {
      if (cursor >= this.#newestSeq) await this.#news(signal)
      else {
        const page = await this.#page(cursor)
        cursor = page.last
        if (page.frames.length > 0) yield page.frames
      }
    }
  }

  /** Resolves at the next announcement, or when the reader goes away. */
  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  /** Only pages that reach the end are likely to be asked for twice. */
  #page(after: number): Promise<Page> {
    const shared = this.#shared.get(after)
    if (shared !== undefined) return shared
    const upTo = this.#newestSeq
    const page = this.#read(after, upTo)
    if (upTo - after > PAGE) return page
    this.#shared.set(after, page)
    page.catch(() => this.#shared.delete(after))
    if (this.#shared.size > SHARED_MAX) this.#shared.delete(this.#shared.keys().next().value!)
    return page
  }

  async #read(after: number, upTo: number): Promise<Page> {
    const rows = await this.#operations.afterSeq(after, Math.min(PAGE, upTo - after))
    return pageOf(rows, upTo)
  }
}

interface Page {
  frames: FrameBatch
  last: number
}

/** Seqs may have gaps: where nothing is left up to the newest, everything was read. */
function pageOf(rows: readonly StoredOperation[], upTo: number): Page {
  return { frames: rows.map(sequencedLine), last: rows.at(-1)?.seq ?? upTo }
}
