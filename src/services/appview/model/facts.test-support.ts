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
  /** `viewer list`. */
  readonly listMutes = new Set<string>()
  /** What moderators say: `subject label`, of posts and accounts. */
  readonly labels = new Set<string>()
  /** Whose word on who others are counts. */
  verifier: Did | undefined
  readonly handles = new Map<Did, string>()
  /** What people call themselves in their profiles. */
  readonly names = new Map<Did, string>()

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

  /** Whether an account can do anything. */
  isHere(did: string): boolean {
    return !this.status.has(did as Did)
  }

  /** Whether an account is shown. */
  active(did: string): boolean {
    return this.isHere(did) && !this.isTakenDown(did)
  }

  isTakenDown(subject: string): boolean {
    return this.labels.has(`${subject} !takedown`)
  }

  /** Who is on a list that is there. */
  membersOf(uri: string): string[] {
    if (!this.records.has(uri)) return []
    const items = this.of(ITEM).filter((item) => item.did === didOf(uri))
    return items.filter(({ value }) => value.list === uri).map(({ value }) => value.subject)
  }

  /** `viewer account`: one by one, or by list. */
  blocks(): Set<string> {
    const pairs = new Set(this.edges(BLOCK).map(({ did, to }) => `${did} ${to}`))
    for (const { did, value } of this.of(LISTBLOCK))
      for (const member of this.membersOf(value.subject)) pairs.add(`${did} ${member}`)
    return pairs
  }

  allMutes(): Set<string> {
    const pairs = new Set(this.mutes)
    for (const key of this.listMutes) {
      const [viewer, list] = key.split(' ') as [string, string]
      for (const member of this.membersOf(list)) pairs.add(`${viewer} ${member}`)
    }
    return pairs
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
export const LISTBLOCK = 'app.bsky.graph.listblock'
export const PACK = 'app.bsky.graph.starterpack'
export const VERIFICATION = 'app.bsky.graph.verification'

export const didOf = (uri: string): Did => uri.split('/')[2] as Did
export const rkeyOf = (uri: string): string => uri.split('/')[4]!
