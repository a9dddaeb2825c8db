import { type Kv, StorageError } from './contracts.ts'

export interface FallbackOptions {
  shared: Kv
  /** Answers while `shared` does not. */
  local: Kv
  /** A call that takes longer counts as failed (milliseconds). */
  timeoutMs: number
  timers: {
    setTimeout(run: () => void, ms: number): unknown
    clearTimeout(handle: unknown): void
  }
}

/**
 * A shared Kv that does not fail with its server: what it cannot answer, this process answers from what it knows. For
 * counts and caches; never for what must not happen twice.
 */
export function kvWithFallback({ shared, local, timeoutMs, timers }: FallbackOptions): Kv {
  async function either<T>(call: (kv: Kv) => Promise<T>): Promise<T> {
    let handle: unknown
    const late = new Promise<never>((_, reject) => {
      const error = new StorageError('Unavailable', `no answer within ${timeoutMs} ms`)
      handle = timers.setTimeout(() => reject(error), timeoutMs)
    })
    try {
      return await Promise.race([call(shared), late])
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'Unavailable') throw error
      return await call(local)
    } finally {
      timers.clearTimeout(handle)
    }
  }
  return {
    get: (key) => either((kv) => kv.get(key)),
    set: (key, value, ttlMs) => either((kv) => kv.set(key, value, ttlMs)),
    delete: (key) => either((kv) => kv.delete(key)),
    increment: (key, by, ttlMs) => either((kv) => kv.increment(key, by, ttlMs)),
    async close() {
      await Promise.all([shared.close(), local.close()])
    },
  }
}
