/** Events of a relay or a single host: `com.atproto.sync.subscribeRepos`. */
import type { Frame } from '#platform/runtime'
import { decodeCbor } from '#protocol/data'
import { type CommitEvent, parseCommitEvent } from '#protocol/repo'
import { isDid } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import {
  accountChange,
  type Change,
  isCollection,
  recordChange,
  type Taken,
  type Verdicts,
} from './change.ts'

/** The address to read from; `position` is a seq, from the beginning without one. */
export function relayAddress(url: string, position = 0): string {
  const method = 'com.atproto.sync.subscribeRepos'
  return `${url.replace(/^http/, 'ws')}/xrpc/${method}?cursor=${position}`
}

/** Takes a frame apart. Never throws: what cannot be used is counted and passed over. */
export function takeRelay(frame: Frame, nowMs: number, verdicts: Verdicts): Taken {
  const message = typeof frame === 'string' ? undefined : decoded(frame)
  if (message === undefined) {
    verdicts.event('other', 'bad-frame')
    return { changes: [] }
  }
  if ('error' in message) {
    verdicts.event('error', 'ended')
    return { changes: [], error: message.error }
  }
  const body = message.body as Record<string, unknown>
  const position = isSeq(body.seq) ? body.seq : undefined
  const changes = takeMessage(message.type, body, nowMs, verdicts)
  return { position, changes }
}

function decoded(frame: Uint8Array): ReturnType<typeof decodeFrame> | undefined {
  try {
    return decodeFrame(frame)
  } catch {
    return undefined
  }
}

function takeMessage(
  type: string,
  body: Record<string, unknown>,
  nowMs: number,
  verdicts: Verdicts,
): Change[] {
  const { seq, did, active, status } = body
  const isWhole = isSeq(seq) && isDid(did)
  switch (type) {
    case '#commit': {
      const parsed = parseCommitEvent(body)
      verdicts.event('commit', parsed.ok ? 'taken' : parsed.reason)
      return parsed.ok ? takeCommit(parsed.event, nowMs, verdicts) : []
    }
    case '#identity':
      verdicts.event('identity', isWhole ? 'applied' : 'malformed')
      return isWhole ? [{ kind: 'identity', did }] : []
    case '#account': {
      const change = isWhole ? accountChange(did, active, status) : undefined
      verdicts.event('account', change ? 'applied' : 'malformed')
      return change ? [change] : []
    }
    case '#sync':
    case '#info':
      verdicts.event(type.slice(1), 'ignored')
      return []
    default:
      verdicts.event('other', 'unknown-type')
      return []
  }
}

function takeCommit(event: CommitEvent, nowMs: number, verdicts: Verdicts): Change[] {
  const { repo: did, rev, ops, blocks } = event
  const timeMs = Date.parse(event.time)
  const seenMs = Number.isNaN(timeMs) ? nowMs : timeMs
  const changes: Change[] = []
  for (const { action, path, cid } of ops) {
    const slash = path.indexOf('/')
    const collection = path.slice(0, slash)
    if (!isCollection(collection)) continue
    const record = { did, rev, collection, rkey: path.slice(slash + 1), seenMs }
    if (action === 'delete') {
      changes.push({ kind: 'record', ...record, value: undefined })
      continue
    }
    const bytes = cid === null ? undefined : blocks.get(cid)
    if (bytes === undefined) {
      // What was there is out of date, and what it became did not come along.
      verdicts.record(collection, 'missing')
      changes.push({ kind: 'record', ...record, value: undefined })
      continue
    }
    const change = recordChange(record, recordOf(bytes), verdicts)
    if (change !== undefined) changes.push(change)
  }
  return changes
}

/** Undefined, which no lexicon takes, for what is no CBOR. */
function recordOf(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes)
  } catch {
    return undefined
  }
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
