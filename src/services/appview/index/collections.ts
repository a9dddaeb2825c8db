import { profileIndex } from './app.bsky.actor.profile.ts'
import { generatorIndex } from './app.bsky.feed.generator.ts'
import { likeIndex } from './app.bsky.feed.like.ts'
import { postIndex } from './app.bsky.feed.post.ts'
import { postgateIndex } from './app.bsky.feed.postgate.ts'
import { repostIndex } from './app.bsky.feed.repost.ts'
import { threadgateIndex } from './app.bsky.feed.threadgate.ts'
import { blockIndex } from './app.bsky.graph.block.ts'
import { followIndex } from './app.bsky.graph.follow.ts'
import { listIndex } from './app.bsky.graph.list.ts'
import { listitemIndex } from './app.bsky.graph.listitem.ts'
import { labelerServiceIndex } from './app.bsky.labeler.service.ts'
import type { CollectionIndex } from './collection.ts'

/** Every collection that is indexed; records of others are passed over. */
export const collectionIndexes: ReadonlyMap<string, CollectionIndex> = new Map(
  [
    profileIndex,
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
  ].map((index) => [index.collection, index]),
)
