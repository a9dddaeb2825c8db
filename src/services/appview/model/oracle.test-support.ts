/** Answers of an app view worked out from plain facts, by the rules as people would tell them. */
import type { Did } from '#protocol/syntax'
import {
  didOf,
  type Fact,
  type Facts,
  FOLLOW,
  GATE,
  ITEM,
  LIKE,
  PACK,
  POST,
  POSTGATE,
  REPOST,
  rkeyOf,
  VERIFICATION,
} from './facts.test-support.ts'

export type Reader = string | undefined

/** A node of a thread: the text, its answers; or what stands in its place. */
export type Shape = string | { text: string; replies: Shape[]; parent?: Shape }

export interface Told {
  reason: string
  uri: string
  subject: string | undefined
  /** Whether it had to be told; else it depends on what arrived when. */
  isSure: boolean
}

const NEWEST = (a: { atMs: number }, b: { atMs: number }) => b.atMs - a.atMs

/** The oracle of one moment. */
export class Oracle {
  readonly #facts: Facts
  readonly #likes
  readonly #reposts
  readonly #follows
  readonly #blocks: Set<string>
  readonly #muted: Set<string>
  readonly #followed: Set<string>

  constructor(facts: Facts) {
    this.#facts = facts
    this.#likes = facts.edges(LIKE)
    this.#reposts = facts.edges(REPOST)
    this.#follows = facts.edges(FOLLOW)
    this.#followed = new Set(this.#follows.map(({ did, to }) => `${did} ${to}`))
    this.#blocks = facts.blocks()
    this.#muted = facts.allMutes()
  }

  #post(uri: string): Fact | undefined {
    return this.#facts.records.get(uri)
  }

  /** A post that somebody may see at all. */
  #open(uri: string): Fact | undefined {
    const post = this.#post(uri)
    return post && this.#facts.active(post.did) && !this.#facts.isTakenDown(uri) ? post : undefined
  }

  #between(a: string, b: string): boolean {
    return a !== b && (this.#blocks.has(`${a} ${b}`) || this.#blocks.has(`${b} ${a}`))
  }

  #shut(reader: Reader, did: string): boolean {
    return reader !== undefined && this.#facts.active(did) && this.#between(reader, did)
  }

  #mutes(reader: Reader, did: string): boolean {
    return reader !== did && this.#muted.has(`${reader} ${did}`)
  }

  profile(reader: Reader, did: string) {
    if (!this.#facts.active(did)) return undefined
    const counts = {
      followers: this.#follows.filter(({ to }) => to === did).length,
      follows: this.#follows.filter((edge) => edge.did === did).length,
      posts: this.#facts.of(POST).filter((post) => post.did === did).length,
      handle: this.#facts.handles.get(did as Did),
      verified: this.#verified(did as Did),
      labels: this.#labels(did),
    }
    if (reader === undefined) return counts
    const isShut = this.#shut(reader, did)
    return {
      ...counts,
      following: !isShut && this.#followed.has(`${reader} ${did}`),
      followedBy: !isShut && this.#followed.has(`${did} ${reader}`),
      blocking: reader !== did && this.#blocks.has(`${reader} ${did}`),
      blockedBy: reader !== did && this.#blocks.has(`${did} ${reader}`),
      muted: this.#mutes(reader, did),
    }
  }

  /** Whether what the verifier said holds; undefined where it said nothing. */
  #verified(did: Did): string | undefined {
    const { handles, names } = this.#facts
    const said = this.#facts.of(VERIFICATION).filter(({ value }) => value.subject === did)
    if (said.length === 0) return did === this.#facts.verifier ? 'none' : undefined
    const holds = said.some(
      ({ value }) => value.handle === handles.get(did) && value.displayName === names.get(did),
    )
    return holds ? 'valid' : 'invalid'
  }

  #labels(subject: string): string[] {
    return ['!hide'].filter((label) => this.#facts.labels.has(`${subject} ${label}`))
  }

  /** Starter packs, the last first. */
  packs(reader: Reader, did: string): string[] {
    if (!this.#facts.active(did) || this.#shut(reader, did)) return []
    const packs = this.#facts.of(PACK).filter((pack) => pack.did === did)
    return packs
      .map(({ uri }) => uri)
      .sort()
      .reverse()
  }

  #ends(edges: Fact[], reader: Reader, subject: string, end: (edge: Fact) => string): string[] {
    return edges
      .sort(NEWEST)
      .map(end)
      .filter((did) => this.#facts.active(did) && !this.#shut(reader, did))
      .filter((did) => !this.#between(did, subject))
  }

  likers(reader: Reader, uri: string): string[] {
    const edges = this.#likes.filter(({ to }) => to === uri)
    return this.#ends(edges, reader, didOf(uri), ({ did }) => did)
  }

  reposters(reader: Reader, uri: string): string[] {
    const edges = this.#reposts.filter(({ to }) => to === uri)
    return this.#ends(edges, reader, didOf(uri), ({ did }) => did)
  }

  followers(reader: Reader, did: string): string[] {
    const edges = this.#follows.filter(({ to }) => to === did)
    return this.#ends(edges, reader, did, (edge) => edge.did)
  }

  follows(reader: Reader, did: string): string[] {
    const edges = this.#follows.filter((edge) => edge.did === did)
    return this.#ends(edges, reader, did, (edge) => edge.value.subject)
  }

  quotes(reader: Reader, uri: string): string[] {
    return this.#facts
      .of(POST)
      .filter(({ value }) => value.embed?.record.uri === uri)
      .filter((post) => this.#open(post.uri) && !this.#shut(reader, post.did))
      .filter(({ did }) => !this.#between(did, didOf(uri)))
      .sort(NEWEST)
      .map((post) => post.uri)
  }

  /** A post as getPosts shows it; undefined when it may not be shown. */
  post(reader: Reader, uri: string) {
    const post = this.#open(uri)
    if (post === undefined || this.#shut(reader, post.did)) return undefined
    const count = (edges: { to: string }[]) => edges.filter(({ to }) => to === uri).length
    const posts = this.#facts.of(POST)
    const own = (edges: { did: string; to: string }[]) =>
      edges.some((edge) => edge.did === reader && edge.to === uri)
    const quoted = post.value.embed?.record.uri
    const counts = {
      likes: count(this.#likes),
      reposts: count(this.#reposts),
      replies: posts.filter(({ value }) => value.reply?.parent.uri === uri).length,
      quotes: posts.filter(({ value }) => value.embed?.record.uri === uri).length,
      embed: quoted && this.#quoteMark(reader, post, quoted),
      labels: this.#labels(uri),
    }
    if (reader === undefined) return counts
    return {
      ...counts,
      like: own(this.#likes),
      repost: own(this.#reposts),
      threadMuted: this.#threadMuted(reader, post),
      replyDisabled: this.#mayNotReply(reader, post),
      embeddingDisabled: post.did !== reader && this.#quotingDisabled(uri),
    }
  }

  #threadMuted(reader: Reader, post: Fact): boolean {
    return this.#facts.threadMutes.has(`${reader} ${rootOf(post)}`)
  }

  #quotingDisabled(uri: string): boolean {
    const gate = this.#facts.records.get(`at://${didOf(uri)}/${POSTGATE}/${rkeyOf(uri)}`)
    return (gate?.value.embeddingRules.length ?? 0) > 0
  }

  #quoteMark(reader: Reader, by: Fact, uri: string): string {
    const did = didOf(uri)
    if (this.#shut(reader, did) || this.#between(by.did, did)) return 'viewBlocked'
    if (this.#open(uri) === undefined) return 'viewNotFound'
    const gate = this.#facts.records.get(`at://${did}/${POSTGATE}/${rkeyOf(uri)}`)
    const isDetached = gate?.value.detachedEmbeddingUris.includes(by.uri)
    const isRefused = by.did !== did && this.#quotingDisabled(uri)
    return isDetached || isRefused ? 'viewDetached' : 'viewRecord'
  }

  #gateOf(rootUri: string): Fact | undefined {
    const root = this.#post(rootUri)
    if (root === undefined || root.value.reply !== undefined) return undefined
    return this.#facts.records.get(`at://${root.did}/${GATE}/${root.rkey}`)
  }

  #mayReply(did: string, rootUri: string): boolean {
    const allow = this.#gateOf(rootUri)?.value.allow as
      | { $type: string; list?: string }[]
      | undefined
    const owner = didOf(rootUri)
    if (allow === undefined || did === owner) return true
    return allow.some(({ $type, list }) => {
      if ($type.endsWith('#mentionRule')) return mentionsIn(this.#post(rootUri)!).includes(did)
      if ($type.endsWith('#followerRule')) return this.#followed.has(`${did} ${owner}`)
      if ($type.endsWith('#followingRule')) return this.#followed.has(`${owner} ${did}`)
      return this.#facts.of(ITEM).some(({ value }) => value.list === list && value.subject === did)
    })
  }

  #isGatedOff(post: Fact): boolean {
    return post.value.reply !== undefined && !this.#mayReply(post.did, rootOf(post))
  }

  #mayNotReply(reader: string, post: Fact): boolean {
    return this.#isGatedOff(post) || !this.#mayReply(reader, rootOf(post))
  }

  /** Items of a feed: post, who reposted it, what stands for parent and root. */
  #feed(reader: Reader, authors: ReadonlySet<string>, isWanted: (post: Fact) => boolean): string[] {
    const entries: (Fact & { post: string; by: string | undefined })[] = []
    for (const post of this.#facts.of(POST))
      if (authors.has(post.did)) entries.push({ ...post, post: post.uri, by: undefined })
    for (const repost of this.#reposts)
      if (authors.has(repost.did)) entries.push({ ...repost, post: repost.to, by: repost.did })
    const items: string[] = []
    for (const { post: uri, by } of entries.sort(NEWEST)) {
      const post = this.#open(uri)
      if (post === undefined || this.#shut(reader, post.did)) continue
      if (by !== undefined && (!this.#facts.active(by) || this.#shut(reader, by))) continue
      if (by === undefined && !isWanted(post)) continue
      items.push(`${uri}${by ? ` by ${by}` : ''}${this.#context(reader, post)}`)
    }
    return items
  }

  #context(reader: Reader, post: Fact): string {
    const { reply } = post.value
    if (reply === undefined || this.#isGatedOff(post)) return ''
    const mark = (uri: string, beside: string[]) => {
      if (this.#open(uri) === undefined) return 'notFoundPost'
      const did = didOf(uri)
      const isShut = this.#shut(reader, did) || beside.some((one) => this.#between(one, did))
      return isShut ? 'blockedPost' : 'postView'
    }
    const parentDid = didOf(reply.parent.uri)
    const root = mark(reply.root.uri, [post.did, parentDid])
    const parent = reply.parent.uri === reply.root.uri ? root : mark(reply.parent.uri, [post.did])
    return ` to ${parent} in ${root}`
  }

  timeline(reader: string): string[] {
    const authors = new Set([reader])
    for (const { did, to } of this.#follows) if (did === reader) authors.add(to)
    return this.#feed(reader, authors, () => true).filter((item) => {
      const [uri, , by] = item.split(/ (by) /) as [string, string?, string?]
      const post = this.#post(uri.split(' ')[0]!)!
      if (this.#mutes(reader, post.did) || (by && this.#mutes(reader, by.split(' ')[0]!)))
        return false
      const parent = post.value.reply?.parent.uri
      if (parent === undefined) return true
      if (this.#shut(reader, didOf(parent))) return false
      if (this.#facts.isTakenDown(parent)) return true
      const above = this.#post(parent)?.value.reply?.parent.uri
      return above === undefined || !this.#shut(reader, didOf(above))
    })
  }

  /** Undefined when it is refused. */
  authorFeed(reader: Reader, did: string, withReplies: boolean): string[] | undefined {
    const isThere = this.#facts.isHere(did)
    if (reader !== undefined && isThere && this.#between(reader, did)) return undefined
    return this.#feed(reader, new Set([did]), ({ value }) => withReplies || !value.reply)
  }

  /** Undefined when there is no such thread for the reader. */
  thread(reader: Reader, uri: string): Shape | undefined {
    const post = this.#open(uri)
    if (post === undefined) return undefined
    if (this.#shut(reader, post.did)) return 'blockedPost'
    const { text } = post.value
    if (this.#isGatedOff(post)) return { text, replies: [] }
    const parent = this.#above(reader, post)
    return { text, replies: this.#below(reader, post, 6), ...(parent && { parent }) }
  }

  #above(reader: Reader, child: Fact): Shape | undefined {
    const uri = child.value.reply?.parent.uri
    if (uri === undefined) return undefined
    if (this.#between(child.did, didOf(uri))) return 'blockedPost'
    const post = this.#open(uri)
    if (post === undefined) return 'notFoundPost'
    if (this.#shut(reader, post.did)) return 'blockedPost'
    const parent = this.#above(reader, post)
    return { text: post.value.text, replies: [], ...(parent && { parent }) }
  }

  #below(reader: Reader, parent: Fact, depth: number): Shape[] {
    if (depth === 0) return []
    const shapes: Shape[] = []
    for (const post of this.#facts.of(POST)) {
      if (post.value.reply?.parent.uri !== parent.uri || !this.#open(post.uri)) continue
      if (this.#isGatedOff(post) || this.#between(post.did, parent.did)) continue
      if (this.#shut(reader, post.did)) shapes.push('blockedPost')
      else shapes.push({ text: post.value.text, replies: this.#below(reader, post, depth - 1) })
    }
    return shapes
  }

  /** Texts of getPostThreadV2 below the anchor, and those of its sister; in no order. */
  items(reader: Reader, uri: string): { shown: string[]; apart: string[] } {
    const anchor = this.#open(uri)
    const items = { shown: [] as string[], apart: [] as string[] }
    if (anchor === undefined || this.#shut(reader, anchor.did) || this.#isGatedOff(anchor))
      return items
    const add = (parent: Fact, depth: number) => {
      for (const post of this.#facts.of(POST)) {
        if (post.value.reply?.parent.uri !== parent.uri || !this.#open(post.uri)) continue
        if (this.#isGatedOff(post) || this.#between(post.did, parent.did)) continue
        if (this.#shut(reader, post.did)) continue
        const { text } = post.value
        if (this.#isApart(reader, post)) {
          if (depth === 1) items.apart.push(text)
          continue
        }
        items.shown.push(text)
        if (depth < 6) add(post, depth + 1)
      }
    }
    add(anchor, 1)
    return items
  }

  #isApart(reader: Reader, post: Fact): boolean {
    return this.#mutes(reader, post.did) || (post.did !== reader && this.#isHidden(post))
  }

  #isHidden(post: Fact): boolean {
    const root = rootOf(post)
    // What an author hid is hidden as long as the author's own post is shown.
    if (this.#facts.isTakenDown(root)) return false
    return this.#gateOf(root)?.value.hiddenReplies.includes(post.uri) === true
  }

  /** Newest first. */
  notifications(reader: string): Told[] {
    const told: (Told & { atMs: number })[] = []
    const tell = (fact: Fact, reason: string, subject: string | undefined, isSure = true) => {
      const { uri, atMs, did } = fact
      if (did === reader || !this.#facts.active(did)) return
      if (this.#between(did, reader) || this.#mutes(reader, did)) return
      if (subject !== undefined && !this.#isHeard(reader, subject)) return
      if (fact.collection === POST && !this.#isHeard(reader, uri)) return
      if (reason === 'reply' && this.#isGatedOff(fact)) return
      if (reason === 'reply' && didOf(rootOf(fact)) === reader && this.#isHidden(fact)) return
      told.push({ reason, uri, subject, isSure, atMs })
    }
    for (const edge of this.#likes) if (didOf(edge.to) === reader) tell(edge, 'like', edge.to)
    for (const edge of this.#reposts) if (didOf(edge.to) === reader) tell(edge, 'repost', edge.to)
    for (const edge of this.#follows) if (edge.to === reader) tell(edge, 'follow', undefined)
    for (const post of this.#facts.of(POST)) {
      const quoted = post.value.embed?.record.uri
      if (mentionsIn(post).includes(reader)) tell(post, 'mention', undefined)
      else if (quoted && didOf(quoted) === reader) tell(post, 'quote', quoted)
      else this.#answered(post, reader, tell)
    }
    return told.sort(NEWEST).map(({ atMs, ...one }) => one)
  }

  #isHeard(reader: Reader, uri: string): boolean {
    const post = this.#post(uri)
    if (post === undefined || this.#facts.isTakenDown(uri)) return false
    return !this.#threadMuted(reader, post)
  }

  /** A reply is told to who is answered, and to three above as far as the way there was known. */
  #answered(
    post: Fact,
    reader: string,
    tell: (fact: Fact, reason: string, subject: string, isSure: boolean) => void,
  ): void {
    let isSure = true
    let uri: string | undefined = post.value.reply?.parent.uri
    for (let height = 0; uri !== undefined && height < 4; height++) {
      if (didOf(uri) === reader) {
        tell(post, 'reply', uri, isSure)
        return
      }
      if (!this.#facts.records.has(uri)) isSure = false
      uri = this.#facts.everPosted.get(uri)?.value.reply?.parent.uri
    }
  }
}

const rootOf = (post: Fact): string => post.value.reply?.root.uri ?? post.uri

function mentionsIn({ value }: Fact): string[] {
  return (value.facets ?? []).map(
    (facet: { features: { did: string }[] }) => facet.features[0]!.did,
  )
}
