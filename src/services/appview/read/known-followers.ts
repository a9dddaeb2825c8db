import { Cache, type Changes } from './cache.ts'
import type { Edges } from './edges.ts'

const KNOWN_MAX = 10_000
/** How long what was found is said again. */
const KEPT_MS = 60_000
/** Accounts shown with a profile. */
const SHOWN_MAX = 5
/** Accounts counted. */
const COUNTED_MAX = 1_000

/** Some of the followers of an account whom a viewer follows, and how many there are. */
export interface Known {
  count: number
  aids: readonly number[]
}

/** Followers one knows, for the page of a profile: found among one's last thousand follows. */
export class KnownFollowers {
  readonly #edges: Edges
  readonly #changes: Changes
  readonly #now: () => number
  readonly #known: Cache<string, Known & { untilMs: number }>

  constructor({ edges, changes, now }: { edges: Edges; changes: Changes; now: () => number }) {
    this.#edges = edges
    this.#changes = changes
    this.#now = now
    this.#known = new Cache(changes, KNOWN_MAX)
  }

  async of(viewerAid: number, subject: number): Promise<Known> {
    const key = `${viewerAid}/${subject}`
    const kept = this.#known.get(key)
    if (kept !== undefined && kept.untilMs > this.#now()) return kept
    const { version } = this.#changes
    const page = { cursor: undefined, limit: COUNTED_MAX }
    const { ends } = await this.#edges.knownFollowers(viewerAid, subject, page)
    const aids = ends.slice(0, SHOWN_MAX).map(({ aid }) => aid)
    const known = { count: ends.length, aids, untilMs: this.#now() + KEPT_MS }
    this.#known.fill(version, key, known)
    return known
  }
}
