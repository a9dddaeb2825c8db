import type { AppBskyFeedPost, AppBskyFeedPostgate, AppBskyFeedThreadgate } from '@atcute/bluesky'
import { cidText } from '#protocol/data'
import { type Did, isAtUri, parseAtUri } from '#protocol/syntax'
import type { Judgement } from '../read/labels.ts'
import { pairOf } from '../read/relations.ts'
import { type Embed, embedOf } from './embed.ts'
import type { MediaUrls } from './images.ts'
import { type Json, quote } from './json.ts'
import { selfLabels, withLabels } from './labels.ts'

/** Another post that a post speaks of: its key `aid/rkey`, its account, its AT-URI. */
export interface PostRef {
  key: string
  aid: number
  uri: string
}

/** One post as views show it, written once. */
export interface Post {
  /** `aid/rkey`: its name in every map of this room. */
  key: string
  aid: number
  rkey: string
  uri: string
  sortUs: number
  /** `"uri":…,"cid":…` */
  names: string
  /** The record as it was written. */
  record: Json
  /** `,"indexedAt":…,"labels":…` */
  dates: string
  labels: Json
  /** Moderators have not decided yet. */
  isUnderReview: boolean
  embed: Embed | undefined
  parent: PostRef | undefined
  root: PostRef | undefined
  /** The post it quotes. */
  quote: PostRef | undefined
  /** Pairs of accounts (`pairOf`) that are shown beside each other by it: blocks between them count. */
  pairs: readonly string[]
  /** DIDs its text mentions; for threadgates. */
  mentions: readonly string[]
  /** Who may reply, said by its author; only of a post that is no reply. */
  threadgate: Threadgate | undefined
  /** Who may quote it. */
  postgate: Postgate | undefined
}

export interface Threadgate {
  /** `"uri":…,"cid":…` */
  names: string
  record: Json
  /** AT-URIs of the lists whose members may reply. */
  lists: readonly string[]
  allow: AppBskyFeedThreadgate.Main['allow']
  hidden: ReadonlySet<string>
}

export interface Postgate {
  detached: ReadonlySet<string>
  disabled: boolean
}

export interface PostRow {
  aid: number
  did: Did
  rkey: string
  cid: Uint8Array
  body: string
  sort_us: number
  indexed_ms: number
  root_aid: number | null
  root_rkey: string | null
  parent_aid: number | null
  parent_rkey: string | null
  quote_aid: number | null
  quote_rkey: string | null
  threadgate_cid: Uint8Array | null
  threadgate_body: string | null
  postgate_body: string | null
}

/** Writes the parts of a post's views that depend neither on the viewer nor on other records. */
export function postOf(row: PostRow, urls: MediaUrls): Post {
  const { aid, did, rkey, body } = row
  // Records were checked when they were indexed.
  const record = JSON.parse(body) as AppBskyFeedPost.Main
  const uri = `at://${did}/app.bsky.feed.post/${rkey}`
  const cid = cidText(row.cid)
  const labels = selfLabels(record.labels, { did, uri, cid, createdAt: record.createdAt })
  const embed = embedOf(record.embed, did, urls)
  const parent = refOf(row.parent_aid, row.parent_rkey, record.reply?.parent.uri)
  const root = refOf(row.root_aid, row.root_rkey, record.reply?.root.uri)
  const quoted = refOf(row.quote_aid, row.quote_rkey, embed?.record)
  return {
    key: `${aid}/${rkey}`,
    aid,
    rkey,
    uri,
    sortUs: row.sort_us,
    names: `"uri":"${uri}","cid":"${cid}"`,
    record: body,
    dates: `,"indexedAt":"${new Date(row.indexed_ms).toISOString()}","labels":${labels}`,
    labels,
    isUnderReview: false,
    embed,
    parent,
    root,
    quote: quoted,
    pairs: pairsOf(aid, { parent, root, quoted }),
    mentions: mentionsOf(record),
    threadgate: record.reply === undefined ? threadgateOf(row, did) : undefined,
    postgate: row.postgate_body === null ? undefined : postgateOf(row.postgate_body),
  }
}

/** The post with labels of others beside its own, and what these make of it. */
export function judgedPost(post: Post, { labels: more, isUnderReview }: Judgement): Post {
  const labels = more.length > 0 ? withLabels(post.labels, more) : post.labels
  const { dates } = post
  // They stand at the end.
  return { ...post, labels, isUnderReview, dates: dates.slice(0, -post.labels.length) + labels }
}

/** The DIDs a post's text mentions. */
export function mentionsOf(record: AppBskyFeedPost.Main): string[] {
  const found: string[] = []
  for (const facet of record.facets ?? [])
    for (const feature of facet.features)
      if (feature.$type === 'app.bsky.richtext.facet#mention') found.push(feature.did)
  return found
}

/** The DID and record key of a post's AT-URI; undefined when it names something else. */
export function postRefOf(uri: string): { did: Did; rkey: string } | undefined {
  if (!isAtUri(uri)) return undefined
  const { authority, collection, rkey } = parseAtUri(uri)
  if (collection !== 'app.bsky.feed.post' || rkey === undefined) return undefined
  return authority.startsWith('did:') ? { did: authority as Did, rkey } : undefined
}

function pairsOf(
  aid: number,
  { parent, root, quoted }: Record<'parent' | 'root' | 'quoted', PostRef | undefined>,
): string[] {
  const pairs: string[] = []
  const add = (a: number | undefined, b: number | undefined) => {
    if (a !== undefined && b !== undefined && a !== b) pairs.push(pairOf(a, b))
  }
  add(aid, quoted?.aid)
  add(aid, parent?.aid)
  add(aid, root?.aid)
  add(parent?.aid, root?.aid)
  return pairs
}

function refOf(
  aid: number | null,
  rkey: string | null,
  uri: string | undefined,
): PostRef | undefined {
  if (aid === null || rkey === null || uri === undefined) return undefined
  return { key: `${aid}/${rkey}`, aid, uri }
}

function threadgateOf(row: PostRow, did: Did): Threadgate | undefined {
  if (row.threadgate_body === null) return undefined
  const record = JSON.parse(row.threadgate_body) as AppBskyFeedThreadgate.Main
  const uri = `at://${did}/app.bsky.feed.threadgate/${row.rkey}`
  const cid = cidText(row.threadgate_cid!)
  return {
    names: `"uri":"${uri}","cid":"${cid}"`,
    record: row.threadgate_body,
    lists: listsOf(record.allow),
    allow: record.allow,
    hidden: new Set(record.hiddenReplies),
  }
}

function listsOf(allow: AppBskyFeedThreadgate.Main['allow']): string[] {
  return (allow ?? []).flatMap((rule) =>
    rule.$type === 'app.bsky.feed.threadgate#listRule' ? [rule.list] : [],
  )
}

function postgateOf(body: string): Postgate {
  const record = JSON.parse(body) as AppBskyFeedPostgate.Main
  return {
    detached: new Set(record.detachedEmbeddingUris),
    disabled: (record.embeddingRules ?? []).some(
      (rule) => rule.$type === 'app.bsky.feed.postgate#disableRule',
    ),
  }
}

/** `{"uri":…,"notFound":true}` with its type, for a post that is not there or not to be shown. */
export function notFoundPost(uri: string): Json {
  return `{"$type":"app.bsky.feed.defs#notFoundPost","uri":${quote(uri)},"notFound":true}`
}
