import { type Kv, StorageError } from './contracts.ts'

export interface MemoryKvOptions {
  /** Milliseconds since 1970. */
  now(): number
  /** Beyond this the value unused for longest goes (default 100,000). */
  maxEntries?: number
}

interface Held {
  value: string
  expiresMs: number
}

/** The Kv contract in this process: bounded, forgetful, gone with the process. */
export function memoryKv(options: MemoryKvOptions): Kv {
  const { now, maxEntries = 100_000 } = options
  /** In order of last use. */
  const entries = new Map<string, Held>()

  function find(key: string): Held | undefined {
    const held = entries.get(key)
    if (!held) return undefined
    entries.delete(key)
    if (held.expiresMs <= now()) return undefined
    entries.set(key, held)
    return held
  }

  function put(key: string, held: Held): void {
    entries.delete(key)
    entries.set(key, held)
    if (entries.size <= maxEntries) return
    for (const oldest of entries.keys()) {
      entries.delete(oldest)
      break
    }
  }

  return {
    async get(key) {
      return find(key)?.value
    },
    async set(key, value, ttlMs) {
      put(key, { value, expiresMs: ttlMs === undefined ? Number.POSITIVE_INFINITY : now() + ttlMs })
    },
    async delete(key) {
      const held = find(key)
      entries.delete(key)
      return held !== undefined
    },
    async increment(key, by, ttlMs) {
      const held = find(key)
      const sum = Number(held?.value ?? 0) + by
      if (!Number.isFinite(sum)) {
        throw new StorageError('InvalidArgument', `the value of ${key} is no number`)
      }
      const expiresMs = held?.expiresMs ?? now() + ttlMs
      put(key, { value: String(sum), expiresMs })
      return { sum, leftMs: expiresMs - now() }
    },
    async close() {},
  }
}
