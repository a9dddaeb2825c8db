/** From what a person wrote to a post in their repository. */
import { languageOf } from './count.ts'
import { facetsFrom, findMarks } from './facets.ts'
import { didOf } from './identity.ts'
import type { Picture } from './image.ts'
import { keepPost, knownPerson } from './keep.ts'
import { createRecord, now } from './records.ts'
import { act, me } from './session.ts'
import type { BlobRef, Embed, Facet, Post, PostRecord, StrongRef } from './views.ts'

export interface Draft {
  text: string
  pictures: readonly Picture[]
  reply?: { root: StrongRef; parent: StrongRef }
  /** The record key, made when the draft was: trying again cannot post twice. */
  rkey: string
}

/** Uploads the pictures, resolves the mentions, writes the record; returns the post to show. */
export async function publish(draft: Draft, language: string): Promise<Post> {
  const text = draft.text.trim()
  const [facets, blobs] = await Promise.all([facetsOf(text), upload(draft.pictures)])
  const record: PostRecord = {
    text,
    createdAt: now(),
    langs: [languageOf(text, language)],
    ...(facets.length > 0 ? { facets } : {}),
    ...(draft.reply ? { reply: draft.reply } : {}),
    ...(blobs.length > 0 ? { embed: imagesEmbed(draft.pictures, blobs) } : {}),
  }
  const made = await createRecord('app.bsky.feed.post', record, draft.rkey)
  return keepPost(ownPost(made, record, draft.pictures)).peek()
}

async function facetsOf(text: string): Promise<Facet[]> {
  const marks = findMarks(text)
  const handles = new Set(marks.flatMap((mark) => (mark.kind === 'mention' ? [mark.handle] : [])))
  // A name that cannot be looked up now stays plain text; it must not hold the post back.
  const found = await Promise.all(
    [...handles].map(
      async (handle) => [handle, await didOf(handle).catch(() => undefined)] as const,
    ),
  )
  const dids = new Map(found)
  return facetsFrom(text, marks, (handle) => dids.get(handle))
}

const uploaded = new WeakMap<Blob, BlobRef>()

async function upload(pictures: readonly Picture[]): Promise<BlobRef[]> {
  return Promise.all(pictures.map(({ blob }) => uploadBlob(blob)))
}

/** Uploads bytes to the person's host, once for each Blob however often the post is tried. */
export async function uploadBlob(blob: Blob): Promise<BlobRef> {
  const known = uploaded.get(blob)
  if (known) return known
  const options = { body: blob, contentType: blob.type, timeoutMs: 120_000 }
  const answer = await act<{ blob: BlobRef }>('com.atproto.repo.uploadBlob', options)
  uploaded.set(blob, answer.blob)
  return answer.blob
}

function imagesEmbed(pictures: readonly Picture[], blobs: readonly BlobRef[]) {
  const images = pictures.map(({ alt, width, height }, index) => ({
    image: blobs[index],
    alt: alt.trim(),
    aspectRatio: { width, height },
  }))
  return { $type: 'app.bsky.embed.images', images }
}

/** The post as its writer sees it before the app view has it. */
function ownPost(ref: StrongRef, record: PostRecord, pictures: readonly Picture[]): Post {
  const session = me.peek()
  const did = session?.did ?? ''
  const author = knownPerson(did)?.peek() ?? { did, handle: session?.handle ?? '' }
  const counts = { replyCount: 0, repostCount: 0, likeCount: 0 }
  const embed = pictures.length > 0 ? shownImages(pictures) : undefined
  return { ...ref, author, record, embed, ...counts, indexedAt: record.createdAt, viewer: {} }
}

function shownImages(pictures: readonly Picture[]): Embed {
  const images = pictures.map(({ preview, alt, width, height }) => ({
    thumb: preview,
    fullsize: preview,
    alt: alt.trim(),
    aspectRatio: { width, height },
  }))
  return { $type: 'app.bsky.embed.images#view', images }
}
