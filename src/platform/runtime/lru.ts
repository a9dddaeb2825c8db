/** A map that keeps the most recently used entries, for caches with a stated bound. */

export interface Lru<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
  has(key: K): boolean
  delete(key: K): boolean
  clear(): void
  readonly size: number
  entries(): IterableIterator<[K, V]>
}

export interface LruOptions<K, V> {
  maxEntries: number
  /** Called with what is pushed out by newer entries, not with what is deleted. */
  onEvict?: (key: K, value: V) => void
}

/** Makes an empty cache. `get` renews an entry; the least recently used goes first. */
export function createLru<K, V>({ maxEntries, onEvict }: LruOptions<K, V>): Lru<K, V> {
  const map = new Map<K, V>()
  return {
    get(key) {
      const value = map.get(key)
      if (value === undefined) return undefined
      map.delete(key)
      map.set(key, value)
      return value
    },
    set(key, value) {
      map.delete(key)
      map.set(key, value)
      if (map.size <= maxEntries) return
      const [oldest, old] = map.entries().next().value as [K, V]
      map.delete(oldest)
      onEvict?.(oldest, old)
    },
    has: (key) => map.has(key),
    delete: (key) => map.delete(key),
    clear: () => map.clear(),
    get size() {
      return map.size
    },
    entries: () => map.entries(),
  }
}
