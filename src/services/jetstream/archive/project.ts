/** From a repository event to the JSON events of a jetstream. */
import { type CidBytes, cidText, decodeCbor } from '#protocol/data'
import { type CommitEvent, parseCommitEvent } from '#protocol/repo'
import { type Did, isDid } from '#protocol/syntax'

/** One JSON event without its time, which is given when it is kept. */
export interface Projected {
  did: Did
  /** Undefined for events that are no commit: filters by collection let them pass. */
  collection: string | undefined
  /** The event's JSON from `"kind"` on: all after `{"did":…,"time_us":…,`. */
  rest: string
}

/** What a frame comes to. */
export interface Projection {
  events: Projected[]
  /** What had to be left out, and why; labels of a metric. */
  refused: ('malformed' | 'too-big' | 'missing-block' | 'bad-record' | 'unknown-type')[]
}

/** What a frame's type and body come to; a commit gives an event for each operation. Never throws. */
export function project(type: string, body: Record<string, unknown>): Projection {
  switch (type) {
    case '#commit':
      return projectCommit(body)
    case '#identity':
    case '#account':
      return projectOther(type.slice(1), body)
    case '#sync':
      // It has no place in the format; what it stands for comes with later commits.
      return { events: [], refused: [] }
    default:
      return { events: [], refused: ['unknown-type'] }
  }
}

function projectCommit(body: Record<string, unknown>): Projection {
  const parsed = parseCommitEvent(body)
  if (!parsed.ok) return { events: [], refused: [parsed.reason] }
  const projection: Projection = { events: [], refused: [] }
  for (const op of parsed.event.ops) projectOp(parsed.event, op, projection)
  return projection
}

type Op = CommitEvent['ops'][number]

function projectOp({ blocks, repo, rev }: CommitEvent, op: Op, into: Projection): void {
  const slash = op.path.indexOf('/')
  const collection = op.path.slice(0, slash)
  const commit: Record<string, unknown> = {
    rev,
    operation: op.action,
    collection,
    rkey: op.path.slice(slash + 1),
  }
  if (op.cid) {
    const bytes = blocks.get(op.cid)
    const record = bytes && readRecord(bytes)
    if (record === undefined) {
      into.refused.push(bytes ? 'bad-record' : 'missing-block')
      return
    }
    commit.record = record
    commit.cid = cidText(op.cid as CidBytes)
  }
  const rest = `"kind":"commit","commit":${JSON.stringify(commit)}}`
  into.events.push({ did: repo, collection, rest })
}

/** Undefined for what is no record of atproto, such as one with a float in it. */
function readRecord(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes) ?? undefined
  } catch {
    return undefined
  }
}

function projectOther(kind: string, body: Record<string, unknown>): Projection {
  const { did } = body
  if (!isDid(did)) return { events: [], refused: ['malformed'] }
  const rest = `"kind":"${kind}","${kind}":${JSON.stringify(body)}}`
  return { events: [{ did, collection: undefined, rest }], refused: [] }
}
