/**
 * Bounded caches in front of the database. The indexer drops what its transaction changed; a read
 * that began before that may not put its older value back.
 */

/** Counts the transactions that changed anything cached. One for all caches of an app view. */
export class Changes {
  version = 0
}

/**
 * Two generations: entries that are used move to the young one, and when that is full the old one
 * is let go. At most `maxEntries` are kept.
 */
export class Cache<K, V> {
  readonly #changes: Changes
  readonly #generationMax: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  constructor(changes: Changes, maxEntries: number) {
    this.#changes = changes
    this.#generationMax = Math.max(1, maxEntries >>> 1)
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.#put(key, old)
    return old
  }

  /** Keeps what was read from the database when nothing has changed since `version`. */
  fill(version: number, key: K, value: V): void {
    if (version === this.#changes.version) this.#put(key, value)
  }

  drop(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  *values(): Generator<V> {
    yield* this.#young.values()
    yield* this.#old.values()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  #put(key: K, value: V): void {
    this.#young.set(key, value)
    this.#old.delete(key)
    if (this.#young.size < this.#generationMax) return
    this.#old = this.#young
    this.#young = new Map()
  }
}
