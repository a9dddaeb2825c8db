/** From a repository event to the JSON events of a jetstream. */
import { cidText, decodeCbor } from '#protocol/data'
import { parseCommitEvent } from '#protocol/repo'
import { type Did, isDid } from '#protocol/syntax'

/** One JSON event without its time, which is given when it is kept. */
export interface Projected {
  did: Did
  /** Undefined for events that are no commit: every reader gets those. */
  collection: string | undefined
  /** The event's JSON from `"kind"` on: all after `{"did":…,"time_us":…,`. */
  rest: string
}

export type Projection = { ok: true; events: Projected[] } | { ok: false; reason: string }

/** What a frame's type and body come to; a commit gives an event for each operation. */
export function project(type: string, body: Record<string, unknown>): Projection {
  switch (type) {
    case '#commit':
      return projectCommit(body)
    case '#identity':
    case '#account':
      return projectOther(type.slice(1), body)
    case '#sync':
      return { ok: true, events: [] }
    default:
      return { ok: false, reason: 'unknown-type' }
  }
}

function projectCommit(body: Record<string, unknown>): Projection {
  const parsed = parseCommitEvent(body)
  if (!parsed.ok) return parsed
  const { ops, blocks, repo, rev } = parsed.event
  const events: Projected[] = []
  for (const { action, path, cid } of ops) {
    const slash = path.indexOf('/')
    const collection = path.slice(0, slash)
    const rkey = path.slice(slash + 1)
    const commit: Record<string, unknown> = { rev, operation: action, collection, rkey }
    if (cid) {
      const bytes = blocks.get(cid)
      if (!bytes) return { ok: false, reason: 'missing-block' }
      try {
        commit.record = decodeCbor(bytes)
      } catch {
        return { ok: false, reason: 'malformed' }
      }
      commit.cid = cidText(cid)
    }
    const rest = `"kind":"commit","commit":${JSON.stringify(commit)}}`
    events.push({ did: repo, collection, rest })
  }
  return { ok: true, events }
}

function projectOther(kind: string, body: Record<string, unknown>): Projection {
  const { did } = body
  if (!isDid(did)) return { ok: false, reason: 'malformed' }
  const rest = `"kind":"${kind}","${kind}":${JSON.stringify(body)}}`
  return { ok: true, events: [{ did, collection: undefined, rest }] }
}
