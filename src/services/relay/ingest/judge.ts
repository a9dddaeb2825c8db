/** Whether an event may enter the stream: who sent it, who signed it, what it follows. */
import type { PublicKey } from '#protocol/crypto'
import {
  type CommitEvent,
  parseCommitEvent,
  parseSyncEvent,
  type RefusalReason,
  verifyCommitEvent,
  verifySyncEvent,
} from '#protocol/repo'
import { type Did, isDid } from '#protocol/syntax'
import type { Identities } from './identities.ts'
import type { RepoState } from './repo-states.ts'

export type Reason =
  | RefusalReason
  | 'unknown-type'
  | 'unknown-identity'
  | 'wrong-host'
  | 'inactive'
  | 'desynchronized'
  | 'unwanted-status'

export type Judgement =
  | { ok: true; state: RepoState }
  | { ok: false; reason: Reason /** The chain is broken: fetch the state. */; resync?: boolean }

/** One decoded event. */
export interface Arrival {
  type: string
  did: Did
  body: Record<string, unknown>
}

/** Hosting states that hosts may report. */
const STATUSES = new Set([
  'takendown',
  'suspended',
  'deleted',
  'deactivated',
  'desynchronized',
  'throttled',
])

/** The DID an event is about; undefined when it is none of ours to judge. */
export function didOf(type: string, body: Record<string, unknown>): Did | undefined {
  const did = type === '#commit' ? body.repo : body.did
  return isDid(did) ? did : undefined
}

export class Judge {
  readonly #identities: Identities
  readonly #now: () => number
  readonly #lenient: boolean

  constructor(options: { identities: Identities; now: () => number; lenient: boolean }) {
    this.#identities = options.identities
    this.#now = options.now
    this.#lenient = options.lenient
  }

  /** Synchronous: identities and states are loaded for the whole batch before. */
  judge(arrival: Arrival, state: RepoState | undefined, from: Source): Judgement {
    const { did, type, body } = arrival
    const identity = this.#identities.peek(did)
    if (!identity?.key) return { ok: false, reason: 'unknown-identity' }
    if (!from.trusted && identity.host !== from.host) return { ok: false, reason: 'wrong-host' }
    const host = from.trusted ? (identity.host ?? from.host) : from.host
    const base: RepoState = state
      ? { ...state, host }
      : {
          did,
          host,
          rev: undefined,
          commit: undefined,
          data: undefined,
          status: undefined,
          desynchronized: false,
        }
    switch (type) {
      case '#commit':
        return this.#commit(body, base, identity.key)
      case '#sync':
        return this.#sync(body, base, identity.key)
      case '#account':
        return account(body, base)
      default:
        return { ok: true, state: base }
    }
  }

  #commit(body: Record<string, unknown>, state: RepoState, key: PublicKey): Judgement {
    if (state.status !== undefined) return { ok: false, reason: 'inactive' }
    const parsed = parseCommitEvent(body)
    if (!parsed.ok) return parsed
    const { event } = parsed
    if (isOld(event, state)) return { ok: false, reason: 'rev-not-newer' }
    if (state.desynchronized) return { ok: false, reason: 'desynchronized' }
    const verdict = verifyCommitEvent(event, {
      key,
      previous: previousOf(state),
      nowMs: this.#now(),
      lenient: this.#lenient,
    })
    if (verdict.ok) return { ok: true, state: { ...state, ...headOf(verdict.head) } }
    return { ...verdict, resync: verdict.reason === 'prev-mismatch' }
  }

  #sync(body: Record<string, unknown>, state: RepoState, key: PublicKey): Judgement {
    if (state.status !== undefined) return { ok: false, reason: 'inactive' }
    const parsed = parseSyncEvent(body)
    if (!parsed.ok) return parsed
    const verdict = verifySyncEvent(parsed.event, {
      key,
      previous: previousOf(state),
      nowMs: this.#now(),
    })
    if (!verdict.ok) return verdict
    return { ok: true, state: { ...state, ...headOf(verdict.head), desynchronized: false } }
  }
}

/** Where an event came in. */
export interface Source {
  /** Origin URL of the host (or relay). */
  host: string
  /** Whether it may speak for accounts of any host. */
  trusted: boolean
}

function isOld(event: CommitEvent, state: RepoState): boolean {
  return state.rev !== undefined && event.rev <= state.rev
}

function previousOf({ rev, data }: RepoState) {
  return rev !== undefined && data !== undefined ? { rev, data } : undefined
}

function headOf(head: { rev: string; commit: Uint8Array; data: Uint8Array }) {
  return { rev: head.rev, commit: head.commit, data: head.data }
}

function account(body: Record<string, unknown>, state: RepoState): Judgement {
  if (body.active === true) return { ok: true, state: { ...state, status: undefined } }
  if (body.active !== false) return { ok: false, reason: 'malformed' }
  const status = body.status ?? 'deactivated'
  if (typeof status !== 'string' || !STATUSES.has(status)) {
    return { ok: false, reason: 'unwanted-status' }
  }
  return { ok: true, state: { ...state, status } }
}
