/** Sql state that a crash left behind the stream, made again from the stream's tail. */
import type { Entry, Stream } from '#platform/storage'
import { decodeCommit, parseCommitEvent, parseSyncEvent } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import type { Projection } from './projection.ts'
import { atHost, type RepoState, unknownRepo, withHead, withStanding } from './repo-state.ts'
import type { RepoStates } from './repo-states.ts'
import { frameOf, KINDS, originOf } from './stored-event.ts'

/** Returns how many entries were taken up. */
export async function rebuildStates(
  stream: Stream,
  states: RepoStates,
  projection: Projection,
): Promise<number> {
  let count = 0
  for await (const batch of stream.tail(await projection.appliedSeq())) {
    const dids = new Set(batch.map(({ key }) => key as Did))
    while (states.lacks(dids)) await states.load(dids)
    for (const entry of batch) {
      count++
      if (entry.blanked) continue
      const { source, sourceSeq, host } = originOf(entry)
      const did = entry.key as Did
      const state = stateAfter(entry, atHost(states.peek(did) ?? unknownRepo(did, host), host))
      states.set(state)
      const cursor = source === '' ? undefined : ([source, sourceSeq] as const)
      projection.keep({ states: [state], cursor, seq: entry.seq })
    }
    await projection.flush()
  }
  return count
}

/** The entry was verified when it was taken in: here it is only read. */
function stateAfter(entry: Entry, state: RepoState): RepoState {
  if (entry.kind === KINDS.broken) return { ...state, desynchronized: true }
  const frame = decodeFrame(frameOf(entry)!)
  if (!('type' in frame)) throw new Error(`entry ${entry.seq} holds an error frame`)
  const body = frame.body as Record<string, unknown>
  switch (frame.type) {
    case '#commit':
    case '#sync':
      return withHead(state, headIn(frame.type, body, entry.seq))
    case '#account':
      return withStanding(state, body)
    default:
      return state
  }
}

function headIn(type: '#commit' | '#sync', body: unknown, seq: number) {
  const parsed = type === '#commit' ? parseCommitEvent(body) : parseSyncEvent(body)
  if (!parsed.ok) throw new Error(`entry ${seq} is damaged: ${parsed.detail}`)
  const { rev, commit, blocks } = parsed.event
  const { data } = decodeCommit(blocks.get(commit)!)
  return { rev, commit, data }
}
