import type { Did } from '#protocol/syntax'
import type { Source } from './judge.ts'

/** One repository's events that wait; more than this in a fetch's time is no ordinary writing. */
const EVENTS_MAX = 200
const REPO_BYTES_MAX = 8 * 1024 * 1024
/** Of all repositories. */
const BYTES_MAX = 64 * 1024 * 1024

export interface WaitingEvent {
  /** A copy: the original is part of something larger. */
  frame: Uint8Array
  from: Source
}

interface Line {
  events: WaitingEvent[]
  bytes: number
  overflown: boolean
}

/**
 * Commits that came while their repository's head is being fetched, in order. Only in memory: after a
 * crash the head is fetched again, which is at least as new as they are.
 */
export class WaitingEvents {
  readonly #lines = new Map<Did, Line>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** False when there is no room; what waited for this repository is then given up, being useless. */
  add(did: Did, frame: Uint8Array, from: Source): boolean {
    let line = this.#lines.get(did)
    if (!line) this.#lines.set(did, (line = { events: [], bytes: 0, overflown: false }))
    if (line.overflown) return false
    if (
      line.events.length === EVENTS_MAX ||
      line.bytes + frame.length > REPO_BYTES_MAX ||
      this.#bytes + frame.length > BYTES_MAX
    ) {
      this.#bytes -= line.bytes
      this.#lines.set(did, { events: [], bytes: 0, overflown: true })
      return false
    }
    line.events.push({ frame: frame.slice(), from })
    line.bytes += frame.length
    this.#bytes += frame.length
    return true
  }

  /** Hands over what waits for a repository. */
  take(did: Did): { events: WaitingEvent[]; overflown: boolean } {
    const line = this.#lines.get(did)
    if (!line) return { events: [], overflown: false }
    this.#lines.delete(did)
    this.#bytes -= line.bytes
    return line
  }
}
