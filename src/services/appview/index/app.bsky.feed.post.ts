import type { AppBskyFeedPost } from '@atcute/bluesky'
import { equalBytes } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import {
  MEDIA_FLAG,
  OWN_THREAD_FLAG,
  POST_KIND,
  REPLY_FLAG,
  VIDEO_FLAG,
} from '../read/feed-entry.ts'
import { mediaKinds } from '../views/embed.ts'
import { mentionsOf, postRefOf } from '../views/post.ts'
import { type Batch, REASONS } from './batch.ts'
import {
  type CollectionIndex,
  type IndexedRecord,
  rkeysOf,
  sortUsOf,
  UnusableRecord,
} from './collection.ts'
import { unuseTags, useTags } from './tags.ts'

/** How far up a thread a reply is told to those it answers. */
const ANCESTORS_MAX = 4
/** Accounts one post may tell of itself: mentions beyond that are not told. */
const NOTIFIED_MAX = 50
/** Replies that came before the post they answer, looked at when it comes. */
const EARLY_REPLIES_MAX = 200
const POST_REASONS = ['mention', 'quote', 'reply'] as const

interface Ref {
  aid: number
  rkey: string
}

interface PostRefs {
  root: Ref | undefined
  parent: Ref | undefined
  quote: Ref | undefined
}

/** Posts: the record, its place in feeds and threads, counts of what it answers and quotes. */
export const postIndex: CollectionIndex = {
  collection: 'app.bsky.feed.post',

  async put(batch, record) {
    const { aid, rkey } = record
    const post = record.value as AppBskyFeedPost.Main
    const refs = await refsOf(batch, post)
    const sortUs = sortUsOf(post.createdAt, record.seenMs)
    if (!(await insert(batch, record, sortUs, refs))) {
      if (await isIndexed(batch, record)) return
      await postIndex.remove(batch, aid, rkey)
      await insert(batch, record, sortUs, refs)
    }
    await enterFeed(batch, record, post, sortUs, refs)
    await useTags(batch, { aid, rkey, sortUs }, post)
    batch.changed.posts.add(`${aid}/${rkey}`)
    batch.countActor(aid, 'posts', 1)
    const { parent, quote } = refs
    if (parent) batch.countSubject(parent.aid, parent.rkey, 'replies', 1)
    if (quote) batch.countSubject(quote.aid, quote.rkey, 'quotes', 1)
    await tell(batch, { aid, rkey, sortUs }, post, refs)
  },

  async remove(batch, aid, rkey) {
    const row = await batch.sql.get<RemovedRow>(
      `delete from post where aid = ? and rkey = ?
       returning sort_us, parent_aid, parent_rkey, quote_aid, quote_rkey`,
      [aid, rkey],
    )
    if (row === undefined) return
    batch.send('delete from feed_item where aid = ? and sort_us = ? and kind = ? and rkey = ?', [
      aid,
      row.sort_us,
      POST_KIND,
      rkey,
    ])
    const key = `${aid}/${rkey}`
    batch.changed.posts.add(key)
    batch.changed.feedRemoved.push({
      aid,
      sortUs: row.sort_us,
      kind: POST_KIND,
      rkey,
      post: key,
    })
    batch.countActor(aid, 'posts', -1)
    if (row.parent_aid !== null) batch.countSubject(row.parent_aid, row.parent_rkey!, 'replies', -1)
    if (row.quote_aid !== null) batch.countSubject(row.quote_aid, row.quote_rkey!, 'quotes', -1)
    await batch.unnotify(aid, rkey, POST_REASONS)
    await unuseTags(batch, aid, rkey)
  },

  rkeys: (...args) => rkeysOf('post', ...args),
}

interface RemovedRow {
  sort_us: number
  parent_aid: number | null
  parent_rkey: string | null
  quote_aid: number | null
  quote_rkey: string | null
}

async function refsOf(batch: Batch, post: AppBskyFeedPost.Main): Promise<PostRefs> {
  const { reply, embed } = post
  const quoted =
    embed?.$type === 'app.bsky.embed.record'
      ? embed.record.uri
      : embed?.$type === 'app.bsky.embed.recordWithMedia'
        ? embed.record.record.uri
        : undefined
  const root = reply && (await refOf(batch, reply.root.uri))
  const parent = reply && (await refOf(batch, reply.parent.uri))
  if (reply && (root === undefined || parent === undefined))
    throw new UnusableRecord('a reply to something that is no post')
  return { root, parent, quote: quoted === undefined ? undefined : await refOf(batch, quoted) }
}

async function refOf(batch: Batch, uri: string): Promise<Ref | undefined> {
  const ref = postRefOf(uri)
  return ref && { aid: await batch.aidOf(ref.did), rkey: ref.rkey }
}

async function insert(
  batch: Batch,
  { aid, rkey, cid, value, seenMs }: IndexedRecord,
  sortUs: number,
  { root, parent, quote }: PostRefs,
): Promise<boolean> {
  const { changes } = await batch.sql.run(
    `insert into post (aid, rkey, cid, body, sort_us, indexed_ms, root_aid, root_rkey, parent_aid,
       parent_rkey, quote_aid, quote_rkey)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (aid, rkey) do nothing`,
    [
      aid,
      rkey,
      cid,
      JSON.stringify(value),
      sortUs,
      seenMs,
      root?.aid ?? null,
      root?.rkey ?? null,
      parent?.aid ?? null,
      parent?.rkey ?? null,
      quote?.aid ?? null,
      quote?.rkey ?? null,
    ],
  )
  return changes > 0
}

async function isIndexed(batch: Batch, { aid, rkey, cid }: IndexedRecord): Promise<boolean> {
  const row = await batch.sql.get<{ cid: Uint8Array }>(
    'select cid from post where aid = ? and rkey = ?',
    [aid, rkey],
  )
  return row !== undefined && equalBytes(row.cid, cid)
}

async function enterFeed(
  batch: Batch,
  { aid, rkey }: IndexedRecord,
  post: AppBskyFeedPost.Main,
  sortUs: number,
  { root, parent }: PostRefs,
): Promise<void> {
  const media = mediaKinds(post.embed)
  const flags =
    (parent ? REPLY_FLAG : 0) |
    (media.images ? MEDIA_FLAG : 0) |
    (media.video ? VIDEO_FLAG : 0) |
    (root?.aid === aid ? OWN_THREAD_FLAG : 0)
  batch.send(
    `insert into feed_item (aid, sort_us, kind, rkey, subject_aid, subject_rkey, flags)
     values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    [aid, sortUs, POST_KIND, rkey, aid, rkey, flags],
  )
  batch.changed.feedAdded.push({ aid, sortUs, kind: POST_KIND, rkey, post: `${aid}/${rkey}` })
}

interface Told {
  aid: number
  rkey: string
  sortUs: number
}

/** Tells those who are mentioned, quoted and answered, each once and for the first of these reasons. */
async function tell(
  batch: Batch,
  told: Told,
  post: AppBskyFeedPost.Main,
  { parent, quote }: PostRefs,
): Promise<void> {
  const recipients = new Set([told.aid])
  const once = async (recipient: number, reason: (typeof POST_REASONS)[number], subject?: Ref) => {
    if (recipients.has(recipient) || recipients.size > NOTIFIED_MAX) return
    recipients.add(recipient)
    const { aid: author, rkey, sortUs } = told
    await batch.notify({ recipient, author, rkey, reason, sortUs, subject })
  }
  for (const did of mentionsOf(post).slice(0, NOTIFIED_MAX))
    await once(await batch.aidOf(did as Did), 'mention')
  if (quote) await once(quote.aid, 'quote', quote)
  if (parent === undefined) return
  const ancestors = await ancestorsOf(batch, parent)
  for (const ancestor of ancestors) await once(ancestor.aid, 'reply', ancestor)
  await tellOfEarlyReplies(batch, told, ancestors)
}

/** The answered post, what that one answers, and so on; the first need not be indexed. */
async function ancestorsOf(batch: Batch, parent: Ref): Promise<Ref[]> {
  const ancestors = [parent]
  while (ancestors.length < ANCESTORS_MAX) {
    const { aid, rkey } = ancestors[ancestors.length - 1]!
    const row = await batch.sql.get<{ parent_aid: number | null; parent_rkey: string | null }>(
      'select parent_aid, parent_rkey from post where aid = ? and rkey = ?',
      [aid, rkey],
    )
    if (row === undefined || row.parent_aid === null) break
    ancestors.push({ aid: row.parent_aid, rkey: row.parent_rkey! })
  }
  return ancestors
}

/** Replies below this post that came before it could not be told further up than to its author. */
async function tellOfEarlyReplies(
  batch: Batch,
  { aid, rkey }: Ref,
  ancestors: readonly Ref[],
): Promise<void> {
  let level: Ref[] = [{ aid, rkey }]
  for (let depth = 1; depth < ANCESTORS_MAX && level.length > 0; depth++) {
    const above = ancestors.slice(0, ANCESTORS_MAX - depth)
    const next: Told[] = []
    for (const parent of level)
      for (const reply of await repliesOf(batch, parent)) {
        next.push(reply)
        for (const ancestor of above) await notifyUntold(batch, reply, ancestor)
      }
    level = next.slice(0, EARLY_REPLIES_MAX)
  }
}

async function repliesOf(batch: Batch, parent: Ref): Promise<Told[]> {
  const rows = await batch.sql.all<{ aid: number; rkey: string; sort_us: number }>(
    `select aid, rkey, sort_us from post
     where parent_aid is not null and parent_aid = ? and parent_rkey = ? limit ?`,
    [parent.aid, parent.rkey, EARLY_REPLIES_MAX],
  )
  return rows.map((row) => ({ aid: row.aid, rkey: row.rkey, sortUs: row.sort_us }))
}

async function notifyUntold(batch: Batch, reply: Told, subject: Ref): Promise<void> {
  const told = await batch.sql.get(
    `select 1 from notice where author_aid = ? and rkey = ? and aid = ? and reason in (?, ?, ?)`,
    [reply.aid, reply.rkey, subject.aid, ...POST_REASONS.map((reason) => REASONS.indexOf(reason))],
  )
  if (told !== undefined) return
  const { aid: author, rkey, sortUs } = reply
  await batch.notify({ recipient: subject.aid, author, rkey, reason: 'reply', sortUs, subject })
}
