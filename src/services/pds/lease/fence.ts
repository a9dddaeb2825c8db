import type { Fetch, Loop, MailTransport, Outside } from '#platform/runtime'
import type { Blobs, Sql } from '#platform/storage'
import { hostFenced, type Lease } from './lease.ts'

/** Throws HostFenced, or resolves, when something is to be written. */
export type MayWrite = () => void | Promise<void>

/** Refuses while the lease is not held. */
export const requireHeld = (lease: Lease) => (): void => {
  if (!lease.held()) throw hostFenced(lease.end)
}

/** What only reads, by its first word; what is not known for that counts as writing. */
const READS = /^\s*(select|explain)\b/i

/** A database that is only read while nothing may be written. */
export function fencedSql(sql: Sql, mayWrite: MayWrite): Sql {
  const before = async (statement: string) => {
    if (!READS.test(statement)) await mayWrite()
  }
  return {
    async all(statement, params) {
      await before(statement)
      return sql.all(statement, params)
    },
    async get(statement, params) {
      await before(statement)
      return sql.get(statement, params)
    },
    async run(statement, params) {
      await mayWrite()
      return sql.run(statement, params)
    },
    async runMany(statement, rows) {
      await mayWrite()
      return sql.runMany(statement, rows)
    },
    async transaction(work) {
      await mayWrite()
      return sql.transaction(work)
    },
    close: () => sql.close(),
  }
}

/** Blobs that are only read: two hosts of a name may share one bucket. */
export function fencedBlobs(blobs: Blobs, mayWrite: MayWrite): Blobs {
  return {
    async stage(source, limits) {
      await mayWrite()
      return blobs.stage(source, limits)
    },
    async sync(keys) {
      await mayWrite()
      return blobs.sync(keys)
    },
    async delete(keys) {
      await mayWrite()
      return blobs.delete(keys)
    },
    get: (key, range) => blobs.get(key, range),
    has: (key) => blobs.has(key),
    list: (prefix) => blobs.list(prefix),
  }
}

/** Calls that act elsewhere (operations of identities, asking to crawl, calls passed on) are not made. */
export function fencedOutside(outside: Outside, mayWrite: MayWrite): Outside {
  const fetch: Fetch = async (target, init) => {
    const method = init?.method ?? (target instanceof Request ? target.method : 'GET')
    if (method !== 'GET' && method !== 'HEAD') await mayWrite()
    return outside.fetch(target, init)
  }
  return { ...outside, fetch }
}

/** Letters stay in the outbox. */
export function fencedMail(mail: MailTransport | undefined, mayWrite: MayWrite) {
  if (!mail) return undefined
  const fenced: MailTransport = {
    async send(message, signal) {
      await mayWrite()
      return mail.send(message, signal)
    },
    close: () => mail.close(),
  }
  return fenced
}

/** Loops rest while the lease is not held, and begin again when it is. */
export function fencedLoops(loops: readonly Loop[], lease: Lease): Loop[] {
  return loops.map(({ name, run }) => ({ name, run: (signal) => whileHeld(run, lease, signal) }))
}

async function whileHeld(run: Loop['run'], lease: Lease, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !lease.end) {
    await lease.untilHeld(signal).catch(() => {})
    const held = lease.whileHeld()
    if (held.aborted) continue
    try {
      await run(AbortSignal.any([signal, held]))
      if (!held.aborted) return
    } catch (error) {
      if (!held.aborted) throw error
    }
  }
}
