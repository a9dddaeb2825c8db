/** Sql state that a crash left behind the stream, made again from the stream's tail. */

import type { Entry, Stream } from '#platform/storage'
import { decodeCommit, parseCommitEvent, parseSyncEvent } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import type { RepoState, RepoStates } from './repo-states.ts'
import { frameOf, originOf } from './stored-event.ts'

/** Returns how many entries were taken up. */
export async function rebuildStates(stream: Stream, states: RepoStates): Promise<number> {
  let count = 0
  for await (const batch of stream.tail(await states.appliedSeq())) {
    const entries = batch.filter((entry) => !entry.blanked)
    await states.load(entries.map((entry) => entry.key as Did))
    const changed = new Map<Did, RepoState>()
    const cursors = new Map<string, number>()
    for (const entry of entries) {
      const { host, hostSeq } = originOf(entry)
      cursors.set(host, Math.max(hostSeq, cursors.get(host) ?? 0))
      const state = stateAfter(entry, host, states.peek(entry.key as Did))
      states.set(state)
      changed.set(state.did, state)
      count++
    }
    await states.save(changed.values(), cursors, batch.at(-1)!.seq)
  }
  return count
}

/** The entry was verified when it was taken in: here it is only read. */
function stateAfter(entry: Entry, host: string, before: RepoState | undefined): RepoState {
  const state: RepoState = {
    did: entry.key as Did,
    rev: undefined,
    commit: undefined,
    data: undefined,
    status: undefined,
    desynchronized: false,
    ...before,
    host,
  }
  const frame = decodeFrame(frameOf(entry))
  if (!('type' in frame)) throw new Error('an error frame is stored')
  const body = frame.body as Record<string, unknown>
  switch (frame.type) {
    case '#commit':
    case '#sync':
      return { ...state, ...headIn(frame.type, body), desynchronized: false }
    case '#account':
      return { ...state, status: body.active ? undefined : String(body.status ?? 'deactivated') }
    default:
      return state
  }
}

function headIn(type: '#commit' | '#sync', body: unknown) {
  const parsed = type === '#commit' ? parseCommitEvent(body) : parseSyncEvent(body)
  if (!parsed.ok) throw new Error(`a stored event is damaged: ${parsed.detail}`)
  const { rev, commit, blocks } = parsed.event
  const { data } = decodeCommit(blocks.get(commit)!)
  return { rev, commit, data }
}
