/** A small network in memory, for tests and pictures of the client only. Nothing is signed here. */
import type { Policies } from '../../src/data/labeler-said.ts'
import type {
  Embed,
  Generator,
  Label,
  Notification,
  Person,
  Post,
  PostRecord,
  Profile,
  StrongRef,
} from '../../src/data/views.ts'

export interface Account {
  did: string
  handle: string
  password: string
  host: number
  active: boolean
  email?: string
  name?: string
  bio?: string
  avatar?: string
  banner?: string
  createdAt: string
}

interface Edge extends StrongRef {
  by: string
  subject: string
  at: string
}

const cid = (n: number) => `bafyreifake${String(n).padStart(8, '0')}`

/** Who moderates the network. */
export const moderator = 'did:plc:moderationmoderationmode'

/** Everything that exists; methods answer the way app.bsky views would. */
export class World {
  accounts: Account[] = []
  posts: { uri: string; cid: string; did: string; record: PostRecord; at: string }[] = []
  likes: Edge[] = []
  reposts: Edge[] = []
  follows: Edge[] = []
  blocks: Edge[] = []
  /** Whom each person muted, by their DIDs. */
  mutes = new Map<string, Set<string>>()
  /** Labels by what they are on: a post's URI or an account's DID. */
  labels = new Map<string, Label[]>()
  /** What labelers say of their words, by their DID. */
  policies = new Map<string, Policies>()
  /** What moderators decided, by whom it is about. */
  decisions = new Map<string, object[]>()
  reports: { by: string; to: string; body: Record<string, unknown> }[] = []
  blobs = new Map<string, { bytes: Uint8Array; type: string }>()
  notes: Notification[] = []
  seenAt = ''
  /** What each person's host keeps for all their clients. */
  preferences = new Map<string, { $type: string; [field: string]: unknown }[]>()
  /** Feeds by their URI. */
  generators: Generator[] = []
  /** Where pictures are fetched from. */
  media = ''
  #next = 0
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  at(minutesAgo: number): string {
    return new Date(this.#now() - minutesAgo * 60_000).toISOString()
  }

  account(who: string): Account | undefined {
    return this.accounts.find(({ did, handle }) => did === who || handle === who)
  }

  addAccount(fields: Partial<Account> & { handle: string }): Account {
    const letters = fields.handle.replace(/[^a-z2-7]/g, '').padEnd(24, '7a2b3c4d5e6f2g3h4i5j6k7l')
    const account: Account = {
      did: `did:plc:${letters.slice(0, 24)}`,
      password: 'one two three',
      host: 0,
      active: true,
      createdAt: this.at(60 * 24 * 90),
      ...fields,
    }
    this.accounts.push(account)
    return account
  }

  key(): string {
    this.#next += 1
    const digits = '234567abcdefghijklmnopqrstuvwxyz'
    let text = ''
    let rest = this.#next + 32 ** 3
    for (let i = 0; i < 4; i++) {
      text = digits[rest % 32] + text
      rest = Math.floor(rest / 32)
    }
    return `3lfake222${text}`
  }

  addPost(by: string, record: PostRecord, rkey = this.key(), at = record.createdAt): Post {
    const did = this.account(by)!.did
    this.#next += 1
    const post = {
      uri: `at://${did}/app.bsky.feed.post/${rkey}`,
      cid: cid(this.#next),
      did,
      record,
      at,
    }
    this.posts.unshift(post)
    return this.postView(post.uri)!
  }

  edge(
    kind: 'likes' | 'reposts' | 'follows' | 'blocks',
    by: string,
    subject: string,
    at = this.at(0),
    rkey?: string,
  ) {
    const did = this.account(by)!.did
    this.#next += 1
    const names = {
      likes: 'app.bsky.feed.like',
      reposts: 'app.bsky.feed.repost',
      follows: 'app.bsky.graph.follow',
      blocks: 'app.bsky.graph.block',
    }
    const uri = `at://${did}/${names[kind]}/${rkey ?? this.key()}`
    const edge = { uri, cid: cid(this.#next), by: did, subject, at }
    this[kind].unshift(edge)
    return edge
  }

  remove(uri: string): void {
    this.posts = this.posts.filter((post) => post.uri !== uri)
    for (const kind of ['likes', 'reposts', 'follows', 'blocks'] as const) {
      this[kind] = this[kind].filter((edge) => edge.uri !== uri)
    }
  }

  person(who: string, viewer?: string): Person {
    const account = this.account(who)
    if (!account) throw new Error(`nobody is ${who}`)
    const { did, handle, name, avatar, bio } = account
    const following = this.follows.find(({ by, subject }) => by === viewer && subject === did)
    const followedBy = this.follows.find(({ by, subject }) => by === did && subject === viewer)
    const quiet = {
      muted: this.mutes.get(viewer ?? '')?.has(did) ?? false,
      blocking: this.blocks.find(({ by, subject }) => by === viewer && subject === did)?.uri,
      blockedBy: this.blocks.some(({ by, subject }) => by === did && subject === viewer),
    }
    return {
      did,
      handle,
      labels: this.labels.get(did) ?? [],
      ...(name ? { displayName: name } : {}),
      ...(avatar ? { avatar: `${this.media}/${avatar}` } : {}),
      ...(bio ? { description: bio } : {}),
      ...(viewer
        ? { viewer: { following: following?.uri, followedBy: followedBy?.uri, ...quiet } }
        : {}),
    }
  }

  profile(who: string, viewer?: string): Profile {
    const person = this.person(who, viewer)
    const { banner } = this.account(who)!
    return {
      ...person,
      ...(banner ? { banner: `${this.media}/${banner}` } : {}),
      followersCount: this.follows.filter(({ subject }) => subject === person.did).length,
      followsCount: this.follows.filter(({ by }) => by === person.did).length,
      postsCount: this.posts.filter(({ did }) => did === person.did).length,
      createdAt: this.account(person.did)!.createdAt,
    }
  }

  postView(uri: string, viewer?: string): Post | undefined {
    const post = this.posts.find((one) => one.uri === uri)
    if (!post) return undefined
    const like = this.likes.find((edge) => edge.subject === uri && edge.by === viewer)
    const repost = this.reposts.find((edge) => edge.subject === uri && edge.by === viewer)
    return {
      uri,
      cid: post.cid,
      author: this.person(post.did, viewer),
      record: post.record,
      embed: this.#embed(post.record.embed),
      replyCount: this.posts.filter(({ record }) => record.reply?.parent.uri === uri).length,
      repostCount: this.reposts.filter(({ subject }) => subject === uri).length,
      likeCount: this.likes.filter(({ subject }) => subject === uri).length,
      indexedAt: post.at,
      labels: this.labels.get(uri) ?? [],
      viewer: { like: like?.uri, repost: repost?.uri },
    }
  }

  #embed(embed: unknown): Embed | undefined {
    interface Images {
      $type: string
      images?: {
        image: { ref: { $link: string } }
        alt: string
        aspectRatio?: { width: number; height: number }
      }[]
      external?: { uri: string; title: string; description: string }
      record?: StrongRef
    }
    const known = embed as Images | undefined
    if (known?.$type === 'app.bsky.embed.external' && known.external) {
      return { $type: 'app.bsky.embed.external#view', external: known.external }
    }
    if (known?.$type === 'app.bsky.embed.record' && known.record) {
      const quoted = this.postView(known.record.uri)
      if (!quoted) return undefined
      const { uri, cid: id, author, record: value, indexedAt } = quoted
      const $type = 'app.bsky.embed.record#viewRecord'
      const record = { $type, uri, cid: id, author, value, indexedAt } as const
      return { $type: 'app.bsky.embed.record#view', record }
    }
    if (known?.$type !== 'app.bsky.embed.images') return undefined
    const images = (known.images ?? []).map(({ image, alt, aspectRatio }) => {
      const url = `${this.media}/${image.ref.$link}`
      return { thumb: url, fullsize: url, alt, aspectRatio }
    })
    return { $type: 'app.bsky.embed.images#view', images }
  }
}
