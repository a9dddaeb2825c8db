import type { Log, Metrics } from '#platform/runtime'
import { StorageError } from '#platform/storage'
import { parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import { type CommitEvent, verifyCommitEvent } from '#protocol/repo'
import type { Did, Tid } from '#protocol/syntax'
import { type RepoEvent, readRepoEvent } from '#protocol/xrpc'
import type { Scope } from '../scope/scope.ts'
import type { Batch } from './batch.ts'
import type { Collections } from './collections.ts'
import {
  applyCommit,
  applyToKnown,
  type CommitVerdict,
  type CountRecord,
  type PreparedCommit,
  prepareCommit,
} from './commit.ts'
import { Tally } from './tally.ts'
import type { IndexWriter } from './writer.ts'

/** An event with all done that needs no transaction. */
interface Ready {
  event: RepoEvent
  commit: PreparedCommit | undefined
}

export interface Upstream {
  /** Its URL; the cursor is kept under this name. */
  source: string
  /** Undo and check every commit again, because the upstream does not. */
  verify: boolean
}

export interface Applied {
  /** The upstream said that it ends the stream, and why. */
  error: string | undefined
}

/** Records of one failing commit that are named among those refused. */
const REFUSED_AT_ONCE_MAX = 20

/** Turns frames of an upstream into index rows, counts and a cursor, in one transaction a batch. */
export class EventIndexer {
  readonly #writer: IndexWriter
  readonly #collections: Collections
  readonly #directory: Directory
  readonly #forget: (did: Did) => void
  readonly #metrics: Metrics
  readonly #log: Log
  readonly #now: () => number
  readonly #lag: { set(seconds: number): void }

  readonly #scope: Scope | undefined
  constructor(parts: {
    writer: IndexWriter
    collections: Collections
    directory: Directory
    /** An identity changed: what is remembered of it is out of date. */
    forget(did: Did): void
    scope?: Scope | undefined
    metrics: Metrics
    log: Log
    now: () => number
  }) {
    this.#writer = parts.writer
    this.#collections = parts.collections
    this.#directory = parts.directory
    this.#forget = parts.forget
    this.#scope = parts.scope
    this.#metrics = parts.metrics
    this.#log = parts.log
    this.#now = parts.now
    this.#lag = parts.metrics.gauge('appview_lag_seconds', 'Age of the newest event when indexed')
  }

  /** Applies frames in order. Throws only when the store fails: then nothing of them is kept. */
  async apply(frames: readonly (Uint8Array | string)[], upstream: Upstream): Promise<Applied> {
    const tally = new Tally()
    const ready: Ready[] = []
    for (const frame of frames)
      ready.push(await this.#prepare(readRepoEvent(frame), upstream, tally))
    try {
      tally.join(await this.#write(ready, upstream))
    } catch (error) {
      if (isStoreFailure(error)) throw error
      // One event that no rule foresaw must not stop the ones around it.
      for (const one of ready) tally.join(await this.#writeAlone(one, upstream))
    }
    tally.report(this.#metrics)
    this.#reportLag(ready)
    const last = ready.findLast(({ event }) => event.kind === 'error')?.event
    return { error: last?.kind === 'error' ? last.error : undefined }
  }

  async #write(ready: readonly Ready[], { source }: Upstream): Promise<Tally> {
    return this.#writer.write(async (batch) => {
      const tally = new Tally()
      let seq: number | undefined
      for (const one of ready) {
        await this.#applyOne(batch, one, tally)
        seq = one.event.seq ?? seq
      }
      await saveCursor(batch, source, seq)
      return tally
    })
  }

  async #writeAlone(one: Ready, upstream: Upstream): Promise<Tally> {
    try {
      return await this.#write([one], upstream)
    } catch (error) {
      if (isStoreFailure(error)) throw error
      const { kind, seq } = one.event
      this.#log.error('event could not be indexed', { kind, seq, did: one.commit?.did, error })
      const tally = new Tally()
      tally.add('event', kind, 'failed')
      await this.#passOver(one, upstream, (error as Error).message)
      return tally
    }
  }

  /** Keeps, of an event that no rule foresaw, which records were passed over with it. */
  async #passOver({ event, commit }: Ready, { source }: Upstream, detail: string): Promise<void> {
    await this.#writer.write(async (batch) => {
      const aid = commit && (await batch.aidOf(commit.did))
      for (const { path, record } of commit?.ops.slice(0, REFUSED_AT_ONCE_MAX) ?? [])
        await batch.refuse({ aid: aid!, path, cid: record?.cid ?? null, reason: 'failed', detail })
      await saveCursor(batch, source, event.seq)
    })
  }

  async #prepare(event: RepoEvent, upstream: Upstream, tally: Tally): Promise<Ready> {
    // Before what follows in the same batch is looked at: it may be signed by the new key.
    if (event.kind === 'identity') this.#forget(event.did)
    const did = didOf(event)
    if (did !== undefined) await this.#scope?.look(did)
    if (event.kind !== 'commit') return { event, commit: undefined }
    if (upstream.verify) {
      const refusal = await this.#refusalOf(event.event)
      if (refusal !== undefined) {
        tally.add('event', 'commit', refusal)
        return { event, commit: undefined }
      }
    }
    const collections = this.#collections
    const count = (collection: string, verdict: string) => tally.add('record', collection, verdict)
    return { event, commit: prepareCommit(event.event, this.#now(), { collections, count }) }
  }

  /** Why a commit is not to be believed; undefined when it is. */
  async #refusalOf(event: CommitEvent): Promise<string | undefined> {
    let document: Awaited<ReturnType<Directory['document']>>
    try {
      document = await this.#directory.document(event.repo)
    } catch {
      return 'no-identity'
    }
    const key = document && identityOf(document).signingKey
    if (key === undefined) return 'no-identity'
    const options = { key: parseDidKey(key), nowMs: this.#now(), lenient: true }
    const verdict = verifyCommitEvent(event, options)
    return verdict.ok ? undefined : verdict.reason
  }

  async #applyOne(batch: Batch, { event, commit }: Ready, tally: Tally): Promise<void> {
    switch (event.kind) {
      case 'commit': {
        if (commit === undefined) return
        const count = (collection: string, verdict: string) =>
          tally.add('record', collection, verdict)
        return tally.add('event', 'commit', await applyAdmitted(batch, commit, count))
      }
      case 'sync': {
        if (!(await isWanted(batch, event.event.did))) return tally.add('event', 'sync', OUTSIDE)
        const author = await batch.author(event.event.did)
        if (author.rev !== undefined && event.event.rev <= author.rev)
          return tally.add('event', 'sync', 'old')
        await batch.needRepair(author, 'sync', event.event.rev)
        return tally.add('event', 'sync', 'applied')
      }
      case 'identity':
        if (!(await isSpokenOf(batch, event.did))) return tally.add('event', 'identity', OUTSIDE)
        await this.#applyIdentity(batch, event.did)
        return tally.add('event', 'identity', 'applied')
      case 'account':
        if (!(await isSpokenOf(batch, event.did))) return tally.add('event', 'account', OUTSIDE)
        await applyAccount(batch, event)
        return tally.add('event', 'account', event.active ? 'active' : 'inactive')
      case 'info':
        return tally.add('event', 'info', event.name === 'OutdatedCursor' ? event.name : 'other')
      case 'error':
        return tally.add('event', 'error', 'ended')
      case 'garbage':
        return tally.add('event', event.of.replace('#', ''), event.reason)
    }
  }

  /** What an identity event says is looked up again, by the handle loop, at the authority. */
  async #applyIdentity(batch: Batch, did: Did): Promise<void> {
    const { aid } = await batch.author(did)
    // Always another due time than before: a check under way notices that it came too early.
    await batch.sql.run(
      `update actor set handle_failures = 0, handle_due_ms =
         case when handle_due_ms <= ? then handle_due_ms - 1 else ? end where aid = ?`,
      [batch.nowMs, batch.nowMs, aid],
    )
    batch.changed.handlesDue = true
  }

  #reportLag(ready: readonly Ready[]): void {
    const last = ready.findLast(({ event }) => event.kind === 'commit')?.event
    if (last?.kind === 'commit')
      this.#lag.set(Math.max(0, this.#now() - Date.parse(last.event.time)) / 1000)
  }
}

async function saveCursor(batch: Batch, source: string, seq: number | undefined): Promise<void> {
  if (seq === undefined) return
  await batch.sql.run(
    `insert into cursor (source, seq) values (?, ?)
     on conflict (source) do update set seq = excluded.seq`,
    [source, seq],
  )
}

/** Of events of accounts whose records are not kept. */
const OUTSIDE = 'out-of-scope'

function didOf(event: RepoEvent): Did | undefined {
  if (event.kind === 'commit') return event.event.repo
  return event.kind === 'sync' ? event.event.did : undefined
}

async function applyAdmitted(
  batch: Batch,
  commit: PreparedCommit,
  count: CountRecord,
): Promise<CommitVerdict | typeof OUTSIDE> {
  const admission = batch.scope ? await batch.scope.admits(batch, commit.did) : 'all'
  if (admission === 'all') return applyCommit(batch, commit, count)
  return admission === 'known' ? applyToKnown(batch, commit) : OUTSIDE
}

async function isWanted(batch: Batch, did: Did): Promise<boolean> {
  return batch.scope === undefined || (await batch.scope.admits(batch, did)) === 'all'
}

async function isSpokenOf(batch: Batch, did: Did): Promise<boolean> {
  return batch.scope === undefined || batch.scope.knows(batch, did)
}

/** Codes that are about one row, and no reason to wait. */
const ABOUT_A_ROW = new Set(['Conflict', 'TooLarge', 'InvalidArgument'])

/** Whether nothing can be written just now. */
function isStoreFailure(error: unknown): boolean {
  return error instanceof StorageError && !ABOUT_A_ROW.has(error.code)
}

/** Statuses of accounts that are gone for good: their records go too. */
const DELETED = 'deleted'
/** Before every rev. */
const FIRST_REV = '2222222222222' as Tid

async function applyAccount(
  batch: Batch,
  event: { did: Did; active: boolean; status: string | undefined },
): Promise<void> {
  const author = await batch.author(event.did)
  const status = event.active ? null : (event.status ?? 'inactive')
  const before = await batch.sql.get<{ status: string | null }>(
    'select status from actor where aid = ?',
    [author.aid],
  )
  await batch.sql.run('update actor set status = ? where aid = ?', [status, author.aid])
  batch.changed.actors.add(author.aid)
  if (status === DELETED) await batch.needPurge(author)
  // Some or all of it was taken out, and nothing tells how far that went.
  else if (before?.status === DELETED)
    await batch.needRepair(author, 'returned', author.rev ?? FIRST_REV)
  // Its host had nothing to give while it was away, and nothing was seen of it before.
  else if (
    before?.status &&
    status === null &&
    author.rev === undefined &&
    author.repair === undefined
  )
    if (await isWanted(batch, event.did)) await batch.needRepair(author, 'returned', FIRST_REV)
}
