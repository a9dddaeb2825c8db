import { type CommitEvent, parseCommitEvent, parseSyncEvent, type SyncEvent } from '#protocol/repo'
import { type Did, isDid } from '#protocol/syntax'
import { decodeFrame } from './frames.ts'

/** One frame of an upstream's `subscribeRepos`, taken apart. Nothing in it is believed yet. */
export type RepoEvent =
  | { kind: 'commit'; seq: number; event: CommitEvent }
  | { kind: 'sync'; seq: number; event: SyncEvent }
  | { kind: 'identity'; seq: number; did: Did }
  | { kind: 'account'; seq: number; did: Did; active: boolean; status: string | undefined }
  | { kind: 'info'; seq: undefined; name: string }
  /** The upstream ends the stream. */
  | { kind: 'error'; seq: undefined; error: string; message: string | undefined }
  /** Nothing usable: `reason` is a closed set, for counting. `seq` when it could still be read. */
  | { kind: 'garbage'; seq: number | undefined; reason: GarbageReason; of: string }

export type GarbageReason = 'bad-frame' | 'malformed' | 'too-big' | 'unknown-type'

const STATUS_LENGTH_MAX = 64

/** Takes a frame apart. Never throws: what cannot be read is garbage, counted and passed over. */
export function readRepoEvent(frame: Uint8Array | string): RepoEvent {
  if (typeof frame === 'string') return garbage('bad-frame', 'text')
  let message: ReturnType<typeof decodeFrame>
  try {
    message = decodeFrame(frame)
  } catch {
    return garbage('bad-frame', 'frame')
  }
  if ('error' in message)
    return { kind: 'error', seq: undefined, error: message.error, message: message.message }
  return readMessage(message.type, message.body as Record<string, unknown>)
}

function readMessage(type: string, body: Record<string, unknown>): RepoEvent {
  const { seq, did, active, status, name } = body
  switch (type) {
    case '#commit': {
      const parsed = parseCommitEvent(body)
      if (!parsed.ok) return garbage(parsed.reason, type, seq)
      return { kind: 'commit', seq: parsed.event.seq, event: parsed.event }
    }
    case '#sync': {
      const parsed = parseSyncEvent(body)
      if (!parsed.ok) return garbage(parsed.reason, type, seq)
      return { kind: 'sync', seq: parsed.event.seq, event: parsed.event }
    }
    case '#identity':
      if (!isSeq(seq) || !isDid(did)) return garbage('malformed', type, seq)
      return { kind: 'identity', seq, did }
    case '#account': {
      if (!isSeq(seq) || !isDid(did) || typeof active !== 'boolean')
        return garbage('malformed', type, seq)
      const text = typeof status === 'string' ? status.slice(0, STATUS_LENGTH_MAX) : undefined
      return { kind: 'account', seq, did, active, status: text }
    }
    case '#info':
      return { kind: 'info', seq: undefined, name: typeof name === 'string' ? name : '' }
    default:
      return garbage('unknown-type', 'other', seq)
  }
}

function garbage(reason: GarbageReason, of: string, seq?: unknown): RepoEvent {
  return { kind: 'garbage', seq: isSeq(seq) ? seq : undefined, reason, of }
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
