/**
 * The shapes of app.bsky views, as far as pages use them. Written by hand so that the client ships
 * no schema; `test/views.ts` holds them to the official lexicons at compile time.
 */

export interface Label {
  src: string
  /** What it is on: a record, or an account. */
  uri?: string
  val: string
  /** Takes the label back. */
  neg?: boolean
}

export interface Person {
  did: string
  handle: string
  displayName?: string
  avatar?: string
  viewer?: PersonViewer
  labels?: Label[]
  description?: string
}

export interface PersonViewer {
  muted?: boolean
  blockedBy?: boolean
  blocking?: string
  following?: string
  followedBy?: string
}

export interface Profile extends Person {
  banner?: string
  followersCount?: number
  followsCount?: number
  postsCount?: number
  createdAt?: string
}

export interface StrongRef {
  uri: string
  cid: string
}

export interface BlobRef {
  $type: 'blob'
  ref: { $link: string }
  mimeType: string
  size: number
}

export interface Facet {
  index: { byteStart: number; byteEnd: number }
  features: Feature[]
}

export type Feature =
  | { $type: 'app.bsky.richtext.facet#mention'; did: string }
  | { $type: 'app.bsky.richtext.facet#link'; uri: string }
  | { $type: 'app.bsky.richtext.facet#tag'; tag: string }

export interface PostRecord {
  $type?: string
  text: string
  createdAt: string
  facets?: Facet[]
  langs?: string[]
  reply?: { root: StrongRef; parent: StrongRef }
  embed?: unknown
  /** What the author says of it themselves. */
  labels?: { values?: { val: string }[] }
}

export interface Post {
  uri: string
  cid: string
  author: Person
  record: PostRecord
  embed?: Embed
  replyCount?: number
  repostCount?: number
  likeCount?: number
  indexedAt: string
  viewer?: { like?: string; repost?: string; replyDisabled?: boolean }
  labels?: Label[]
}

export interface ImageView {
  thumb: string
  fullsize: string
  alt: string
  aspectRatio?: { width: number; height: number }
}

export interface External {
  uri: string
  title: string
  description: string
  thumb?: string
}

export type Embed =
  | { $type: 'app.bsky.embed.images#view'; images: ImageView[] }
  | { $type: 'app.bsky.embed.external#view'; external: External }
  | { $type: 'app.bsky.embed.video#view'; thumbnail?: string; alt?: string }
  | { $type: 'app.bsky.embed.record#view'; record: Quoted }
  | { $type: 'app.bsky.embed.recordWithMedia#view'; record: { record: Quoted }; media: Embed }

export interface QuotedPost {
  $type: 'app.bsky.embed.record#viewRecord'
  uri: string
  cid: string
  author: Person
  value: PostRecord
  embeds?: Embed[]
  labels?: Label[]
  indexedAt: string
}

/** A quoted record, or something that stands where one was (deleted, blocked, not a post). */
export type Quoted = QuotedPost | { $type: string; uri?: string }

export interface FeedItem {
  post: Post
  reply?: { parent: Post | Gone; root: Post | Gone }
  reason?: { $type: string; by?: Person; indexedAt?: string }
  /** Why the maker of the feed shows it: words only its own readers know. */
  feedContext?: string
}

/** A post that cannot be shown: deleted, or behind a block. */
export interface Gone {
  $type?: string
  uri: string
  notFound?: boolean
  blocked?: boolean
}

export interface ThreadNode {
  $type?: string
  post: Post
  parent?: ThreadNode | Gone
  replies?: (ThreadNode | Gone)[]
}

export interface Notification {
  uri: string
  cid: string
  author: Person
  reason: string
  reasonSubject?: string
  record: PostRecord
  isRead: boolean
  indexedAt: string
}

/** Whether a node of a thread or a reply's parent is a post that can be shown. */
export function isPost(value: Post | Gone | undefined): value is Post {
  return value !== undefined && 'record' in value && 'author' in value
}

export function isThread(value: ThreadNode | Gone | undefined): value is ThreadNode {
  return value !== undefined && 'post' in value
}

export function isQuotedPost(value: Quoted): value is QuotedPost {
  return value.$type === 'app.bsky.embed.record#viewRecord'
}

/** The record key at the end of an at:// URI. */
export function rkeyOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}

/** The DID at the head of an at:// URI. */
export function authorityOf(uri: string): string {
  return uri.slice('at://'.length).split('/')[0] ?? ''
}

/** A feed that somebody puts together. */
export interface Generator {
  uri: string
  cid: string
  did: string
  creator: Person
  displayName: string
  description?: string
  avatar?: string
  likeCount?: number
  indexedAt: string
}
