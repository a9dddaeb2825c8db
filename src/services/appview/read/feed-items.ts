import type { FeedItem, Repost } from '../views/feed.ts'
import { Cache, type Changes } from './cache.ts'
import type { Edges } from './edges.ts'
import { type FeedEntry, REPOST_KIND } from './feed-entry.ts'

const REPOSTS_MAX = 20_000

/** From entries of feeds to what is shown: the posts, and who reposted them. */
export class FeedItems {
  readonly #edges: Edges
  readonly #changes: Changes
  readonly #cids: Cache<string, string>

  constructor({ edges, changes }: { edges: Edges; changes: Changes }) {
    this.#edges = edges
    this.#changes = changes
    this.#cids = new Cache(changes, REPOSTS_MAX)
  }

  async of(entries: readonly FeedEntry[]): Promise<FeedItem[]> {
    const reposts = entries.filter((entry) => entry.kind === REPOST_KIND)
    const cids = reposts.length === 0 ? undefined : await this.#repostCids(reposts)
    return entries.map((entry) => ({
      post: entry.post,
      repost: entry.kind === REPOST_KIND ? repostOf(entry, cids!) : undefined,
    }))
  }

  /** A repost went. */
  drop(entry: FeedEntry): void {
    if (entry.kind === REPOST_KIND) this.#cids.drop(keyOf(entry))
  }

  async #repostCids(reposts: readonly FeedEntry[]): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    const missing: [number, string][] = []
    for (const entry of reposts) {
      const cid = this.#cids.get(keyOf(entry))
      if (cid === undefined) missing.push([entry.aid, entry.rkey])
      else found.set(keyOf(entry), cid)
    }
    if (missing.length === 0) return found
    const { version } = this.#changes
    for (const [key, { cid }] of await this.#edges.reposts(missing)) {
      found.set(key, cid)
      this.#cids.fill(version, key, cid)
    }
    return found
  }
}

function keyOf({ aid, rkey }: FeedEntry): string {
  return `${aid}/${rkey}`
}

function repostOf(entry: FeedEntry, cids: ReadonlyMap<string, string>): Repost {
  const { aid, rkey, sortUs } = entry
  return { aid, rkey, cid: cids.get(keyOf(entry)), sortMs: Math.floor(sortUs / 1000) }
}
