import { isNsid } from '#protocol/syntax'
import { visibilityIndex } from './app.bsky.actor.contentVisibilityDeclaration.ts'
import { profileIndex } from './app.bsky.actor.profile.ts'
import { statusIndex } from './app.bsky.actor.status.ts'
import { generatorIndex } from './app.bsky.feed.generator.ts'
import { likeIndex } from './app.bsky.feed.like.ts'
import { postIndex } from './app.bsky.feed.post.ts'
import { postgateIndex } from './app.bsky.feed.postgate.ts'
import { repostIndex } from './app.bsky.feed.repost.ts'
import { threadgateIndex } from './app.bsky.feed.threadgate.ts'
import { blockIndex } from './app.bsky.graph.block.ts'
import { followIndex } from './app.bsky.graph.follow.ts'
import { listIndex } from './app.bsky.graph.list.ts'
import { listblockIndex } from './app.bsky.graph.listblock.ts'
import { listitemIndex } from './app.bsky.graph.listitem.ts'
import { optOutIndex } from './app.bsky.graph.referencelistoptout.ts'
import { starterpackIndex } from './app.bsky.graph.starterpack.ts'
import { verificationIndex } from './app.bsky.graph.verification.ts'
import { labelerServiceIndex } from './app.bsky.labeler.service.ts'
import { notificationDeclarationIndex } from './app.bsky.notification.declaration.ts'
import { chatDeclarationIndex } from './chat.bsky.actor.declaration.ts'
import type { CollectionIndex } from './collection.ts'
import { rawIndex } from './kept-record.ts'

/** Every collection that views or rules know. */
export const collectionIndexes: ReadonlyMap<string, CollectionIndex> = new Map(
  [
    profileIndex,
    statusIndex,
    visibilityIndex,
    postIndex,
    likeIndex,
    repostIndex,
    generatorIndex,
    threadgateIndex,
    postgateIndex,
    followIndex,
    blockIndex,
    labelerServiceIndex,
    listIndex,
    listitemIndex,
    listblockIndex,
    optOutIndex,
    starterpackIndex,
    verificationIndex,
    notificationDeclarationIndex,
    chatDeclarationIndex,
  ].map((index) => [index.collection, index]),
)

/** Which index takes the records of a collection. */
export interface Collections {
  /** Undefined for collections that are passed over. */
  get(collection: string): CollectionIndex | undefined
  /** Those with an index of their own. */
  names(): Iterable<string>
}

const RAW_MAX = 1_000

/**
 * The collections that are indexed, and those that are kept as they are: named by `raw` in full, by
 * a beginning (`com.example.*`), or all that are left (`*`).
 */
export function collectionsWith(raw: readonly string[]): Collections {
  const kept = new Map<string, CollectionIndex>()
  const isKept = (collection: string) =>
    raw.some((name) =>
      name.endsWith('*') ? collection.startsWith(name.slice(0, -1)) : name === collection,
    )
  return {
    get(collection) {
      const known = collectionIndexes.get(collection) ?? kept.get(collection)
      if (known !== undefined || !isNsid(collection) || !isKept(collection)) return known
      const index = rawIndex(collection)
      // Anybody can make up collections.
      if (kept.size < RAW_MAX) kept.set(collection, index)
      return index
    },
    names: () => collectionIndexes.keys(),
  }
}
