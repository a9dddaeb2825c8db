/** A directory that remembers. */
import type { Did, Handle } from '#protocol/syntax'
import type { Directory } from './directory.ts'
import type { DidDocument } from './document.ts'
import { type CacheTimes, LookupCache } from './lookup-cache.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

export interface CachedDirectoryOptions extends Partial<CacheTimes> {
  now(): number
}

export interface CachedDirectory extends Directory {
  /** Drops what is remembered of a DID or a handle: an #identity event says it changed. */
  forget(subject: Did | Handle): void
}

/**
 * Puts a memory before a directory. An answer is believed for `ttlMs` (default 1 h), then given out
 * while it is asked again for `staleMs` more (24 h); "none" for `negativeTtlMs` (1 min), failures for
 * `failureTtlMs` (1 s). Concurrent lookups of one name are one lookup. `maxEntries` (25,000) of each
 * kind, documents and handles, are kept. `fresh` asks, and remembers what it heard.
 */
export function cachedDirectory(
  directory: Directory,
  options: CachedDirectoryOptions,
): CachedDirectory {
  const times: CacheTimes = {
    now: options.now,
    ttlMs: options.ttlMs ?? HOUR_MS,
    staleMs: options.staleMs ?? 24 * HOUR_MS,
    negativeTtlMs: options.negativeTtlMs ?? MINUTE_MS,
    failureTtlMs: options.failureTtlMs ?? SECOND_MS,
    maxEntries: options.maxEntries ?? 25_000,
  }
  const documents = new LookupCache<Did, DidDocument>(times, (did, fresh) =>
    directory.document(did, { fresh }),
  )
  const handles = new LookupCache<Handle, Did>(times, (handle, fresh) =>
    directory.resolveHandle(handle, { fresh }),
  )
  return {
    document: (did, lookup) => documents.get(did, lookup?.fresh),
    resolveHandle: (handle, lookup) => handles.get(handle.toLowerCase() as Handle, lookup?.fresh),
    forget(subject) {
      if (subject.startsWith('did:')) documents.forget(subject as Did)
      else handles.forget(subject.toLowerCase() as Handle)
    },
  }
}
