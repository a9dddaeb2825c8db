/** What people have said and done, as plain facts: the model that an index is compared with. */
import type { Did, Nsid } from '#protocol/syntax'

/** A record that is there. */
export interface Fact {
  uri: string
  cid: string
  did: Did
  collection: Nsid
  rkey: string
  // biome-ignore lint/suspicious/noExplicitAny: records of every sort
  value: any
  atMs: number
}

export class Facts {
  readonly records = new Map<string, Fact>()
  /** Posts that were there once, by AT-URI. */
  readonly everPosted = new Map<string, Fact>()
  readonly status = new Map<Did, string>()
  /** `viewer account`, `viewer thread`. */
  readonly mutes = new Set<string>()
  readonly threadMutes = new Set<string>()

  put(fact: Fact): void {
    this.records.set(fact.uri, fact)
    if (fact.collection === POST) this.everPosted.set(fact.uri, fact)
  }

  /** Records of one sort, by time. */
  of(collection: Nsid): Fact[] {
    return [...this.records.values()].filter((fact) => fact.collection === collection)
  }

  /** Of several edges of one pair the oldest counts. Oldest first. */
  edges(collection: Nsid): (Fact & { to: string })[] {
    const pairs = new Map<string, Fact & { to: string }>()
    for (const fact of this.of(collection)) {
      const to =
        typeof fact.value.subject === 'string' ? fact.value.subject : fact.value.subject.uri
      const pair = `${fact.did} ${to}`
      if (!pairs.has(pair)) pairs.set(pair, { ...fact, to })
    }
    return [...pairs.values()]
  }

  active(did: string): boolean {
    return !this.status.has(did as Did)
  }
}

export const POST = 'app.bsky.feed.post'
export const LIKE = 'app.bsky.feed.like'
export const REPOST = 'app.bsky.feed.repost'
export const FOLLOW = 'app.bsky.graph.follow'
export const BLOCK = 'app.bsky.graph.block'
export const GATE = 'app.bsky.feed.threadgate'
export const POSTGATE = 'app.bsky.feed.postgate'
export const LIST = 'app.bsky.graph.list'
export const ITEM = 'app.bsky.graph.listitem'

export const didOf = (uri: string): Did => uri.split('/')[2] as Did
export const rkeyOf = (uri: string): string => uri.split('/')[4]!
