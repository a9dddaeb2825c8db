import { compareEntries, type FeedEntry } from './feed-entry.ts'

/**
 * The newest feed entries of one author, in order. Complete when older ones do not exist; else
 * nothing may be said about what lies before the oldest.
 */
export class RecentFeed {
  /** Entries read from the database, newest first. */
  static readonly LOADED = 32
  static readonly #KEPT = 96
  /** Oldest first: new entries come at the end. */
  readonly #entries: FeedEntry[]
  #isComplete: boolean

  constructor(newestFirst: readonly FeedEntry[]) {
    this.#entries = newestFirst.toReversed()
    this.#isComplete = newestFirst.length < RecentFeed.LOADED
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The oldest known entry, if more may be loaded before it. */
  get extensible(): FeedEntry | undefined {
    const { length } = this.#entries
    if (this.#isComplete || length + RecentFeed.LOADED > RecentFeed.#KEPT) return undefined
    return this.#entries[0]
  }

  /** Takes the entries before `extensible`, newest first: at most LOADED, fewer where there are no more. */
  extend(newestFirst: readonly FeedEntry[]): void {
    this.#entries.unshift(...newestFirst.toReversed())
    this.#isComplete = newestFirst.length < RecentFeed.LOADED
  }

  /** From the oldest (0) to the newest; undefined beyond. */
  at(index: number): FeedEntry | undefined {
    return this.#entries[index]
  }

  /** Position of the newest entry that comes after this one in a feed; -1 when there is none. */
  positionAfter(entry: FeedEntry | undefined): number {
    if (entry === undefined) return this.#entries.length - 1
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareEntries(entry, this.#entries[middle]!) < 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Puts an entry in its place, unless it is there or lies before what is known. */
  add(entry: FeedEntry): void {
    const position = this.positionAfter(entry) + 1
    const there = this.#entries[position]
    if (there !== undefined && compareEntries(there, entry) === 0) return
    if (position === 0 && !this.#isComplete) return
    this.#entries.splice(position, 0, entry)
    if (this.#entries.length <= RecentFeed.#KEPT) return
    this.#entries.splice(0, this.#entries.length - RecentFeed.LOADED)
    this.#isComplete = false
  }

  remove(entry: FeedEntry): void {
    const position = this.positionAfter(entry) + 1
    const there = this.#entries[position]
    if (there !== undefined && compareEntries(there, entry) === 0) this.#entries.splice(position, 1)
  }
}

/** A page, or the feeds whose known entries end before it is full. */
export type Merge = { page: FeedEntry[] } | { short: RecentFeed[] }

interface Head {
  entry: FeedEntry
  feed: RecentFeed
  position: number
}

/** The first `limit` entries of these feeds after a given one: a heap of each feed's newest. */
export function mergeRecent(
  feeds: readonly RecentFeed[],
  after: FeedEntry | undefined,
  limit: number,
): Merge {
  const heap: Head[] = []
  const short: RecentFeed[] = []
  for (const feed of feeds) {
    const position = feed.positionAfter(after)
    const entry = feed.at(position)
    if (entry !== undefined) heap.push({ entry, feed, position })
    else if (!feed.isComplete) short.push(feed)
  }
  if (short.length > 0) return { short }
  for (let i = (heap.length >>> 1) - 1; i >= 0; i--) sink(heap, i)
  const page: FeedEntry[] = []
  while (heap.length > 0) {
    const head = heap[0]!
    page.push(head.entry)
    if (page.length === limit) return { page }
    const next = head.feed.at(--head.position)
    if (next !== undefined) head.entry = next
    else if (!head.feed.isComplete) return { short: [head.feed] }
    else if (heap.length === 1) return { page }
    else heap[0] = heap.pop()!
    sink(heap, 0)
  }
  return { page }
}

/** Restores the heap's order below a place whose entry may be too old for it. */
function sink(heap: Head[], from: number): void {
  const head = heap[from]!
  let place = from
  for (;;) {
    let child = 2 * place + 1
    if (child >= heap.length) break
    const right = child + 1
    if (right < heap.length && compareEntries(heap[right]!.entry, heap[child]!.entry) < 0)
      child = right
    if (compareEntries(heap[child]!.entry, head.entry) >= 0) break
    heap[place] = heap[child]!
    place = child
  }
  heap[place] = head
}
