/** The real outside: clock, timers, randomness, guarded fetch and TXT lookups of this machine. */
import { randomFillSync } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { guardedFetch } from './guarded-fetch.ts'
import type { Fetch, Outside } from './shapes.ts'

export interface RealOutsideOptions {
  /** Private and loopback addresses may be fetched: local mode. */
  allowPrivate?: boolean
  /** Tried first, such as a local transport; it reaches the network by itself. */
  local?: { fetch: Fetch }
}

const NO_RECORDS = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'ENONAME'])

export function realOutside(options: RealOutsideOptions = {}): Outside {
  const fetch = options.local?.fetch ?? guardedFetch({ allowPrivate: options.allowPrivate }).fetch
  let resolver: Resolver | undefined
  return {
    now: Date.now,
    timers: {
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
    },
    random: randomBytes,
    fetch,
    async resolveTxt(name) {
      resolver ??= new Resolver({ timeout: 2_000, tries: 2 })
      try {
        return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
      } catch (error) {
        if (NO_RECORDS.has((error as NodeJS.ErrnoException).code ?? '')) return []
        throw error
      }
    },
  }
}

/** Random bytes come from the system in blocks: one call for eight bytes costs as much as for 4 kB. */
const POOL_BYTES = 4096
let pool = new Uint8Array(0)

function randomBytes(byteCount: number): Uint8Array {
  if (byteCount > POOL_BYTES / 8) return randomFillSync(new Uint8Array(byteCount))
  if (pool.length < byteCount) pool = randomFillSync(new Uint8Array(POOL_BYTES))
  const bytes = pool.slice(0, byteCount)
  pool.fill(0, 0, byteCount)
  pool = pool.subarray(byteCount)
  return bytes
}
