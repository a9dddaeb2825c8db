/** The jetstream's events, as far as the feeds care; everything else is a counted verdict. */
import { type Did, isDid, parseAtUri } from '#protocol/syntax'

export interface RecordEvent {
  kind: 'record'
  did: Did
  timeUs: number
  collection: string
  rkey: string
  /** Undefined when it was deleted. */
  record: Record<string, unknown> | undefined
}

export interface StandingEvent {
  kind: 'standing'
  did: Did
  timeUs: number
  active: boolean
}

/** The account's keys, handle or host changed. */
export interface IdentityEvent {
  kind: 'identity'
  did: Did
  timeUs: number
}

export type FeedEvent = RecordEvent | StandingEvent | IdentityEvent

/** Undefined for events of no interest; throws for what is no event at all. */
export function readEvent(text: string): FeedEvent | undefined {
  const event = JSON.parse(text) as Record<string, unknown>
  const { did, time_us: timeUs, kind } = event
  if (!isDid(did) || !Number.isSafeInteger(timeUs)) throw new Error('not a jetstream event')
  const common = { did, timeUs: timeUs as number }
  if (kind === 'commit') return { ...common, ...readCommit(event.commit) }
  if (kind === 'identity') return { ...common, kind }
  if (kind !== 'account') return undefined
  const { active } = event.account as { active?: unknown }
  return { ...common, kind: 'standing', active: active === true }
}

function readCommit(commit: unknown) {
  const { collection, rkey, operation, record } = commit as Record<string, unknown>
  if (typeof collection !== 'string' || typeof rkey !== 'string') throw new Error('not a commit')
  if (operation !== 'delete' && (typeof record !== 'object' || record === null)) {
    throw new Error('a commit without its record')
  }
  const value = operation === 'delete' ? undefined : (record as Record<string, unknown>)
  return { kind: 'record' as const, collection, rkey, record: value }
}

/** The post an AT-URI names; undefined for anything else. */
export function postOf(uri: unknown): { did: Did; rkey: string } | undefined {
  if (typeof uri !== 'string') return undefined
  try {
    const { authority, collection, rkey } = parseAtUri(uri)
    if (collection !== 'app.bsky.feed.post' || !rkey || !isDid(authority)) return undefined
    return { did: authority, rkey }
  } catch {
    return undefined
  }
}
