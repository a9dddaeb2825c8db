import { createLru, type Frame, type Metrics } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Identities, KnownIdentity } from '#protocol/identity'
import {
  type CommitEvent,
  type Refusal,
  type RefusalReason,
  type RepoHead,
  type SyncEvent,
  type VerifyOptions,
  verifyCommitEvent,
  verifySyncEvent,
} from '#protocol/repo'
import { type Did, datetimeMs } from '#protocol/syntax'
import { type RepoEvent, readRepoEvent } from '#protocol/xrpc'
import { ANY_REV, ask, TIDY_JOB } from '../ask.ts'
import { type Accounts, type KeptAccount, mentionsIn, type Packs } from '../kept/index.ts'
import { type Change, unchanged, writeChange } from './change.ts'

/** Whose events are taken. */
export interface Upstream {
  /** Origin. */
  url: string
  /** Every account of it is kept. */
  whole: boolean
}

/** What came of an event; also the label under which it is counted. */
export type IntakeVerdict =
  | RefusalReason
  | 'kept'
  | 'behind'
  | 'noted'
  | 'not-followed'
  | 'wrong-host'
  | 'no-identity'
  | 'garbage'
  | 'ended'

/** Nobody can say who signs for an account just now: the stream waits. */
export class DirectoryAway extends Error {}

export interface IntakeParts {
  sql: Sql
  accounts: Accounts
  packs: Packs
  identities: Identities
  now(): number
  metrics: Metrics
  /** Told after each batch that asked for jobs. */
  asked(): void
}

/** What a host said of its stream. */
export interface Said {
  /** Why it ended it. */
  error?: string
  info?: string
}

interface Batch {
  changes: Map<Did, Change>
  /** Identities that an event did not fit, and that were not asked for again yet. */
  stale: Set<Did>
  asked: ReadonlySet<Did>
}

/** Undoes a try. */
class Stale extends Error {}

/** So much of one account in the database is worth a pack in the store. */
const INLINE_BYTES = 1024 * 1024

/**
 * Takes a host's events: every commit is verified against its account's key and the state before,
 * and what it brings is kept with the cursor, in one transaction a batch.
 */
export class Intake {
  readonly #parts: IntakeParts
  readonly #verdicts
  readonly #lag
  /** Bytes that came into the database since they were last taken to the store, by account. */
  readonly #inline = createLru<number, number>({ maxEntries: 10_000 })

  constructor(parts: IntakeParts) {
    this.#parts = parts
    const { metrics } = parts
    this.#verdicts = metrics.counter('vault_events', 'Events by verdict', ['kind', 'verdict'])
    this.#lag = metrics.gauge('vault_lag_seconds', 'Age of the newest commit when it was kept')
  }

  /** Takes events in order. Returns the error by which the host ended its stream, if it did. */
  async take(frames: readonly Frame[], upstream: Upstream): Promise<Said> {
    const { identities, now } = this.#parts
    const events = frames.map(readRepoEvent)
    await identities.load(await this.#followed(events, upstream))
    const changed = events.flatMap((event) => (event.kind === 'identity' ? [event.did] : []))
    if (changed.length > 0) await identities.refresh(new Set(changed), upstream.url)
    const asked = new Set<Did>(changed)
    // Who signs for whom is asked between two tries: nobody waits for the network in a transaction.
    for (;;) {
      const stale = await this.#try(events, upstream, asked)
      if (stale.size === 0) break
      await identities.refresh(stale, upstream.url)
      for (const did of stale) asked.add(did)
    }
    const newest = events.findLast((event) => event.kind === 'commit')
    if (newest?.kind === 'commit')
      this.#lag.set(Math.max(0, now() - datetimeMs(newest.event.time)) / 1000)
    this.#parts.asked()
    const said: Said = {}
    for (const event of events) {
      if (event.kind === 'error') said.error = event.error
      if (event.kind === 'info') said.info = event.name
    }
    return said
  }

  /** Judges and keeps all of it, or nothing: then identities are to be asked for again first. */
  async #try(
    events: readonly RepoEvent[],
    upstream: Upstream,
    asked: ReadonlySet<Did>,
  ): Promise<ReadonlySet<Did>> {
    const { sql, accounts } = this.#parts
    const batch: Batch = { changes: new Map(), stale: new Set(), asked }
    const verdicts: IntakeVerdict[] = []
    try {
      await sql.transaction(async (sql) => {
        let seq: number | undefined
        for (const event of events) {
          verdicts.push(await this.#judge(event, upstream, batch))
          seq = event.seq ?? seq
        }
        if (batch.stale.size > 0) throw new Stale()
        for (const change of batch.changes.values()) await this.#write(sql, change)
        if (seq !== undefined)
          await sql.run('update host set seq = ? where url = ?', [seq, upstream.url])
      })
    } catch (error) {
      accounts.countAgain()
      if (!(error instanceof Stale)) throw error
      return batch.stale
    }
    for (const [at, verdict] of verdicts.entries())
      this.#verdicts.with(events[at]!.kind, verdict).add()
    return batch.stale
  }

  async #write(sql: Sql, change: Change): Promise<void> {
    const { now } = this.#parts
    const { aid, did } = change.account
    const added = await writeChange(sql, this.#parts, change, now())
    const inline = (this.#inline.get(aid) ?? 0) + added
    this.#inline.set(aid, inline)
    if (inline < INLINE_BYTES) return
    this.#inline.set(aid, 0)
    await ask(sql, TIDY_JOB, [did], now())
  }

  /** The accounts of events that anything will be kept of. */
  async #followed(events: readonly RepoEvent[], { whole }: Upstream): Promise<Set<Did>> {
    const dids = new Set<Did>()
    for (const event of events) {
      const did = didOf(event)
      if (did === undefined || dids.has(did)) continue
      if (whole || (await this.#parts.accounts.get(did)) !== undefined) dids.add(did)
    }
    return dids
  }

  async #judge(event: RepoEvent, upstream: Upstream, batch: Batch): Promise<IntakeVerdict> {
    const did = didOf(event)
    if (did === undefined)
      return event.kind === 'garbage' ? 'garbage' : event.kind === 'info' ? 'noted' : 'ended'
    const { identities, accounts } = this.#parts
    const known = batch.changes.get(did)?.account ?? (await accounts.get(did))
    if ((!known && !upstream.whole) || known?.state === 'erased') return 'not-followed'
    const identity = identities.peek(did)
    if (identity === undefined) throw new DirectoryAway(`nobody says who signs for ${did}`)
    if (identity.host !== upstream.url) {
      if (!batch.asked.has(did)) batch.stale.add(did)
      else if (known && event.kind === 'identity') moved(known, identity, batch)
      return 'wrong-host'
    }
    const change = await this.#changeOf(did, known, upstream, batch)
    return change === undefined ? 'not-followed' : this.#take(event, change, identity, batch)
  }

  async #changeOf(
    did: Did,
    known: KeptAccount | undefined,
    upstream: Upstream,
    { changes }: Batch,
  ): Promise<Change | undefined> {
    const pending = changes.get(did)
    if (pending) return pending
    const account = known ?? (await this.#parts.accounts.add(did, upstream.url))
    if (account === undefined) return undefined
    const change = unchanged(account)
    changes.set(did, change)
    if (account.host !== upstream.url || account.state === 'left') {
      // It moved here: what is kept of it goes on from where it is.
      change.host = upstream.url
      if (account.state === 'left') change.state = account.rev === undefined ? 'wanted' : 'behind'
      change.copyFor = ANY_REV
    }
    return change
  }

  #take(event: RepoEvent, change: Change, identity: KnownIdentity, batch: Batch): IntakeVerdict {
    switch (event.kind) {
      case 'commit':
      case 'sync': {
        if (identity.key === undefined) return 'no-identity'
        const verdict =
          event.kind === 'commit'
            ? this.#commit(event.event, change, identity.key)
            : this.#sync(event.event, change, identity.key)
        const { did } = change.account
        if (verdict === 'bad-signature' && !batch.asked.has(did)) batch.stale.add(did)
        return verdict
      }
      case 'account':
        change.status = event.active ? undefined : (event.status ?? 'inactive')
        change.statusMs = event.active ? undefined : this.#parts.now()
        if (event.active && change.state === 'wanted') change.copyFor ??= ANY_REV
        return 'noted'
      default:
        return 'noted'
    }
  }

  #commit(event: CommitEvent, change: Change, key: VerifyOptions['key']): IntakeVerdict {
    const nowMs = this.#parts.now()
    const { rev, data, state } = change
    const previous =
      state === 'kept' && rev !== undefined && data !== undefined ? { rev, data } : undefined
    if (rev !== undefined && event.rev <= rev) return 'rev-not-newer'
    const verdict = verifyCommitEvent(event, { key, nowMs, previous } as VerifyOptions)
    if (!verdict.ok) return this.#refused(event, change, key, verdict)
    const isFirst =
      state === 'wanted' &&
      rev === undefined &&
      event.prevData === undefined &&
      event.since === null
    this.#keep(event, verdict.head, change, key.didKey, { isLinked: !!previous || isFirst })
    if (previous || isFirst) {
      change.rev = event.rev
      change.data = verdict.head.data
      change.state = 'kept'
      return 'kept'
    }
    change.copyFor ??= event.rev
    return 'behind'
  }

  /** Something was missed, or is wrong: a copy tells. What can be believed by itself waits for it. */
  #refused(
    event: CommitEvent,
    change: Change,
    key: VerifyOptions['key'],
    { reason }: Refusal,
  ): IntakeVerdict {
    if (reason === 'bad-signature' || reason === 'rev-not-newer' || reason === 'future-rev')
      return reason
    if (change.state === 'kept') change.state = 'behind'
    change.copyFor ??= event.rev
    if (reason !== 'prev-mismatch') return reason
    const alone = verifyCommitEvent(event, { key, nowMs: this.#parts.now() })
    if (!alone.ok) return alone.reason
    this.#keep(event, alone.head, change, key.didKey, { isLinked: false })
    return 'behind'
  }

  #keep(
    event: CommitEvent,
    head: RepoHead,
    change: Change,
    key: string,
    { isLinked }: { isLinked: boolean },
  ): void {
    for (const [cid, bytes] of event.blocks) change.blocks.push({ cid, bytes })
    for (const { cid } of event.ops) {
      const bytes = cid === null ? undefined : event.blocks.get(cid)
      if (cid !== null && bytes !== undefined) change.mentions.push(...mentionsIn(cid, bytes))
    }
    const { rev, commit: cid, data } = head
    const last = change.instants.at(-1)
    const timeMs = Math.max(last?.timeMs ?? 0, Math.min(datetimeMs(event.time), this.#parts.now()))
    change.instants.push({ rev, timeMs, cid, data, prev: event.prevData, key, isLinked })
  }

  #sync(event: SyncEvent, change: Change, key: VerifyOptions['key']): IntakeVerdict {
    const verdict = verifySyncEvent(event, { key, nowMs: this.#parts.now() })
    if (!verdict.ok) return verdict.reason
    if (change.rev !== undefined && event.rev <= change.rev) return 'rev-not-newer'
    if (change.state === 'kept') change.state = 'behind'
    change.copyFor ??= event.rev
    return 'behind'
  }
}

/** The account is at another host now; who follows that one will take it up. */
function moved(account: KeptAccount, { host }: KnownIdentity, { changes }: Batch): void {
  if (host === undefined || host === account.host) return
  const change = changes.get(account.did) ?? unchanged(account)
  changes.set(account.did, change)
  if (account.granted) {
    change.host = host
    change.state = account.rev === undefined ? 'wanted' : 'behind'
    change.copyFor = ANY_REV
  } else change.state = 'left'
}

function didOf(event: RepoEvent): Did | undefined {
  switch (event.kind) {
    case 'commit':
      return event.event.repo
    case 'sync':
      return event.event.did
    case 'identity':
    case 'account':
      return event.did
    default:
      return undefined
  }
}
