/** What an event of an upstream asks of the index, whichever upstream said it. */
import type { AppBskyActorProfile, AppBskyFeedPost } from '@atcute/bluesky'
import { validateRecord } from '#protocol/lexicon'
import { type Did, isRecordKey, type RecordKey, type Tid } from '#protocol/syntax'

export const POST = 'app.bsky.feed.post'
export const PROFILE = 'app.bsky.actor.profile'
export type Collection = typeof POST | typeof PROFILE
export const COLLECTIONS: readonly Collection[] = [POST, PROFILE]

/** A record that came, changed or went; without a value it goes. */
export interface RecordChange {
  kind: 'record'
  did: Did
  rev: Tid
  collection: Collection
  rkey: RecordKey
  value: AppBskyFeedPost.Main | AppBskyActorProfile.Main | undefined
  /** When the network saw it, in milliseconds, as far as can be told. */
  seenMs: number
}

export type Change =
  | RecordChange
  | { kind: 'identity'; did: Did }
  | { kind: 'account'; did: Did; active: boolean; status: string | undefined }

/** One frame of an upstream, taken apart. */
export interface Taken {
  changes: Change[]
  /** Where to go on after it: microseconds of a jetstream, a seq of a relay. */
  position?: number
  /** The upstream ends the stream, and why. */
  error?: string
}

/** Counts what came of events and records: words of closed sets, which are also metric labels. */
export interface Verdicts {
  event(kind: string, verdict: string): void
  record(collection: string, verdict: string): void
}

const STATUS_LENGTH_MAX = 64

export function isCollection(text: unknown): text is Collection {
  return text === POST || text === PROFILE
}

/** Judges a written record: one that its lexicon refuses counts as gone. Undefined: not for us. */
export function recordChange(
  record: Omit<RecordChange, 'kind' | 'value'>,
  value: unknown,
  verdicts: Verdicts,
): RecordChange | undefined {
  const { collection, rkey } = record
  if (!isRecordKey(rkey) || (collection === PROFILE && rkey !== 'self')) {
    verdicts.record(collection, 'bad-key')
    return undefined
  }
  if (validateRecord(collection, value).status !== 'valid') {
    verdicts.record(collection, 'invalid')
    return { kind: 'record', ...record, value: undefined }
  }
  return { kind: 'record', ...record, value: value as RecordChange['value'] }
}

/** What an account event says; undefined when it says nothing usable. */
export function accountChange(did: Did, active: unknown, status: unknown): Change | undefined {
  if (typeof active !== 'boolean') return undefined
  const text = typeof status === 'string' ? status.slice(0, STATUS_LENGTH_MAX) : undefined
  return { kind: 'account', did, active, status: text }
}
