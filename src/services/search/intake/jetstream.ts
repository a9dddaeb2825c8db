/** Events of a jetstream: JSON, one operation each. https://docs.bsky.app/blog/jetstream */
import type { Frame } from '#platform/runtime'
import { type Did, isDid, isTid, type Tid } from '#protocol/syntax'
import {
  accountChange,
  COLLECTIONS,
  isCollection,
  recordChange,
  type Taken,
  type Verdicts,
} from './change.ts'

/** UTF-16 units of a frame: a record of 1 MiB and what is around it. */
const FRAME_LENGTH_MAX = 2 * 1024 * 1024
/** An event further in the future than this would lead our cursor astray. */
const AHEAD_MS_MAX = 3_600_000

/** The address to read from; `position` is in microseconds, from the beginning without one. */
export function jetstreamAddress(url: string, position = 0): string {
  const query = COLLECTIONS.map((collection) => `wantedCollections=${collection}`).join('&')
  return `${url.replace(/^http/, 'ws')}/subscribe?${query}&cursor=${position}`
}

/** Takes a frame apart. Never throws: what cannot be used is counted and passed over. */
export function takeJetstream(frame: Frame, nowMs: number, verdicts: Verdicts): Taken {
  const event = typeof frame === 'string' ? parsed(frame) : 'bad-frame'
  if (typeof event === 'string') return refused(event, verdicts)
  const { did, time_us: timeUs, kind } = event
  if (!isDid(did) || !isTime(timeUs)) return refused('malformed', verdicts)
  if (timeUs > (nowMs + AHEAD_MS_MAX) * 1_000) return refused('future', verdicts)
  switch (kind) {
    case 'commit':
      return { position: timeUs, changes: takeCommit(did, timeUs, event.commit, verdicts) }
    case 'identity':
      verdicts.event('identity', 'applied')
      return { position: timeUs, changes: [{ kind: 'identity', did }] }
    case 'account':
      return { position: timeUs, changes: takeAccount(did, event.account, verdicts) }
    default:
      verdicts.event('other', 'unknown-type')
      return { position: timeUs, changes: [] }
  }
}

type Fields = Record<string, unknown>

/** The event, or why there is none. */
function parsed(text: string): Fields | 'bad-frame' | 'too-big' {
  if (text.length > FRAME_LENGTH_MAX) return 'too-big'
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : 'bad-frame'
  } catch {
    return 'bad-frame'
  }
}

function takeCommit(
  did: Did,
  timeUs: number,
  commit: unknown,
  verdicts: Verdicts,
): Taken['changes'] {
  if (!isObject(commit)) return malformed('commit', verdicts)
  const { rev, operation, collection, rkey, record: value } = commit
  if (!isTid(rev) || typeof rkey !== 'string') return malformed('commit', verdicts)
  if (!isCollection(collection)) {
    verdicts.event('commit', 'ignored')
    return []
  }
  const seenMs = Math.floor(timeUs / 1_000)
  const record = { did, rev: rev as Tid, collection, rkey, seenMs }
  switch (operation) {
    case 'create':
    case 'update': {
      verdicts.event('commit', 'taken')
      const change = recordChange(record, value, verdicts)
      return change === undefined ? [] : [change]
    }
    case 'delete':
      verdicts.event('commit', 'taken')
      return [{ kind: 'record', ...record, value: undefined }]
    default:
      return malformed('commit', verdicts)
  }
}

function takeAccount(did: Did, account: unknown, verdicts: Verdicts): Taken['changes'] {
  const change = isObject(account) ? accountChange(did, account.active, account.status) : undefined
  if (change === undefined) return malformed('account', verdicts)
  verdicts.event('account', 'applied')
  return [change]
}

function malformed(kind: string, verdicts: Verdicts): [] {
  verdicts.event(kind, 'malformed')
  return []
}

function refused(reason: string, verdicts: Verdicts): Taken {
  verdicts.event('other', reason)
  return { changes: [] }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
