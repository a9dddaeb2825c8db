import { type CidBytes, cidText } from '#protocol/data'
import { type AtUri, isAtUri, parseAtUri, type Tid } from '#protocol/syntax'
import type { Account } from '../accounts/index.ts'
import type { ImageUrls, JsonBlob } from './image-urls.ts'

/** Asks the app view in the account's name; undefined when it does not say. */
export type Ask = (nsid: string, params: Record<string, unknown>) => Promise<unknown>

type Json = Record<string, unknown>

interface StrongRef {
  uri: string
  cid: string
}

/** A post's record, as far as views of it need. It was checked, or its owner wished it was not. */
export interface PostRecord extends Json {
  reply?: { root?: Partial<StrongRef>; parent?: Partial<StrongRef> }
  embed?: Json & { $type?: string }
}

export interface OwnPost {
  uri: AtUri
  cid: CidBytes
  rev: Tid
  /** When it was written here. */
  indexedAt: string
  record: PostRecord
}

export interface Profile {
  displayName?: string
  description?: string
  avatar?: JsonBlob
  banner?: JsonBlob
}

/** Makes views of an account's posts as the app view would, from what is known here. */
export class PostViews {
  readonly #account: Pick<Account, 'did' | 'handle'>
  readonly #profile: Profile | undefined
  readonly #images: ImageUrls

  constructor(options: {
    account: Pick<Account, 'did' | 'handle'>
    profile: Profile | undefined
    images: ImageUrls
  }) {
    this.#account = options.account
    this.#profile = options.profile
    this.#images = options.images
  }

  /** `app.bsky.feed.defs#postView`. */
  async post({ uri, cid, indexedAt, record }: OwnPost, ask: Ask): Promise<Json> {
    const { did, handle } = this.#account
    const embed = await this.#embed(record.embed, ask)
    return {
      uri,
      cid: cidText(cid),
      author: this.basic({ did, handle }, this.#profile ?? {}),
      record,
      ...(embed && { embed }),
      replyCount: 0, // just made
      repostCount: 0,
      likeCount: 0,
      quoteCount: 0,
      indexedAt,
    }
  }

  /** A profile view of any size with the newest name and picture. */
  basic(view: Json, profile: Profile): Json {
    const avatar = this.#images.of('avatar', this.#account.did, profile.avatar)
    return set(view, { displayName: profile.displayName, avatar })
  }

  /** `app.bsky.actor.defs#profileViewDetailed`. */
  detailed(view: Json, profile: Profile): Json {
    const banner = this.#images.of('banner', this.#account.did, profile.banner)
    return set(this.basic(view, profile), { description: profile.description, banner })
  }

  async #embed(embed: PostRecord['embed'], ask: Ask): Promise<Json | undefined> {
    if (embed?.$type !== 'app.bsky.embed.recordWithMedia') {
      return this.#media(embed) ?? (await this.#quote(embed, ask))
    }
    const media = this.#media(embed.media as PostRecord['embed'])
    const record = await this.#quote(embed.record as PostRecord['embed'], ask)
    if (!media || !record) return undefined
    return { $type: 'app.bsky.embed.recordWithMedia#view', record, media }
  }

  #media(embed: PostRecord['embed']): Json | undefined {
    const { did } = this.#account
    switch (embed?.$type) {
      case 'app.bsky.embed.images': {
        const images = list(embed.images).map(({ image, alt, aspectRatio }) => ({
          thumb: this.#images.of('feed_thumbnail', did, image as JsonBlob),
          fullsize: this.#images.of('feed_fullsize', did, image as JsonBlob),
          alt,
          ...(aspectRatio !== undefined && { aspectRatio }),
        }))
        return { $type: 'app.bsky.embed.images#view', images }
      }
      case 'app.bsky.embed.external': {
        const { uri, title, description, thumb } = (embed.external ?? {}) as Json
        const url = this.#images.of('feed_thumbnail', did, thumb as JsonBlob)
        const external = { uri, title, description, ...(url !== undefined && { thumb: url }) }
        return { $type: 'app.bsky.embed.external#view', external }
      }
      default:
        return undefined
    }
  }

  /** A quoted record as the app view shows it. */
  async #quote(embed: PostRecord['embed'], ask: Ask): Promise<Json | undefined> {
    // A quote beside media has no type of its own in some records.
    const isQuote = embed?.$type === 'app.bsky.embed.record' || embed?.$type === undefined
    const { uri } = ((isQuote && embed?.record) || {}) as Partial<StrongRef>
    if (typeof uri !== 'string' || !isAtUri(uri)) return undefined
    const record = (await quoted(uri, ask)) ?? {
      $type: 'app.bsky.embed.record#viewNotFound',
      uri,
      notFound: true,
    }
    return { $type: 'app.bsky.embed.record#view', record }
  }
}

async function quoted(uri: AtUri, ask: Ask): Promise<Json | undefined> {
  switch (parseAtUri(uri).collection) {
    case 'app.bsky.feed.post': {
      const answer = (await ask('app.bsky.feed.getPosts', { uris: [uri] })) as Json | undefined
      const [post] = list(answer?.posts)
      if (!post) return undefined
      const { cid, author, record: value, labels, embed, indexedAt } = post
      const embeds = embed === undefined ? undefined : [embed]
      const $type = 'app.bsky.embed.record#viewRecord'
      return { $type, uri: post.uri, cid, author, value, labels, embeds, indexedAt }
    }
    case 'app.bsky.feed.generator': {
      const answer = (await ask('app.bsky.feed.getFeedGenerator', { feed: uri })) as
        | Json
        | undefined
      return typed('app.bsky.feed.defs#generatorView', answer?.view)
    }
    case 'app.bsky.graph.list': {
      const answer = (await ask('app.bsky.graph.getList', { list: uri, limit: 1 })) as
        | Json
        | undefined
      return typed('app.bsky.graph.defs#listView', answer?.list)
    }
    default:
      return undefined
  }
}

const typed = ($type: string, view: unknown): Json | undefined =>
  typeof view === 'object' && view !== null ? { ...view, $type } : undefined

/** The objects of what should be a list of them. */
export function list(value: unknown): Json[] {
  if (!Array.isArray(value)) return []
  return value.filter((one) => typeof one === 'object' && one !== null)
}

/** A copy with the fields set; those that are undefined are taken away. */
function set(view: Json, fields: Json): Json {
  const changed: Json = { ...view }
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) delete changed[name]
    else changed[name] = value
  }
  return changed
}
