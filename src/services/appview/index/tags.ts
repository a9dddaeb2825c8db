import type { AppBskyFeedPost } from '@atcute/bluesky'
import type { Batch } from './batch.ts'

/** Tags of recent posts, for what is talked about just now. */

/** How long a use of a tag is kept. */
export const TAG_USE_DAYS = 3
const TAG_USE_US = TAG_USE_DAYS * 86_400_000_000
/** Tags of one post that are looked at. */
const TAGS_MAX = 10
const TAG_LENGTH_MAX = 128
/** Old rows that go with each post that has tags: more than can come. */
const FORGOTTEN_AT_ONCE = 4 * TAGS_MAX

/** The tags of a post, folded so that writing them otherwise makes no difference. */
export function tagsOf(post: AppBskyFeedPost.Main): string[] {
  const tags = new Set<string>()
  const add = (tag: string) => {
    const folded = tag.normalize('NFKC').toLowerCase().replace(/^#+/, '').trim()
    if (folded !== '' && folded.length <= TAG_LENGTH_MAX && tags.size < TAGS_MAX) tags.add(folded)
  }
  for (const tag of post.tags ?? []) add(tag)
  for (const facet of post.facets ?? [])
    for (const feature of facet.features)
      if (feature.$type === 'app.bsky.richtext.facet#tag') add(feature.tag)
  return [...tags]
}

/** Notes the tags of a post, unless it is old; and forgets some that became so. */
export async function useTags(
  batch: Batch,
  { aid, rkey, sortUs }: { aid: number; rkey: string; sortUs: number },
  post: AppBskyFeedPost.Main,
): Promise<void> {
  const oldest = batch.nowMs * 1000 - TAG_USE_US
  const tags = sortUs < oldest ? [] : tagsOf(post)
  if (tags.length === 0) return
  batch.sendMany(
    'insert into tag_use (aid, rkey, tag, sort_us) values (?, ?, ?, ?) on conflict do nothing',
    tags.map((tag) => [aid, rkey, tag, sortUs]),
  )
  batch.send(
    `delete from tag_use where (aid, rkey, tag) in (select aid, rkey, tag from tag_use
       where sort_us < ? order by sort_us limit ?)`,
    [oldest, FORGOTTEN_AT_ONCE],
  )
}

/** The post went. */
export async function unuseTags(batch: Batch, aid: number, rkey: string): Promise<void> {
  batch.send('delete from tag_use where aid = ? and rkey = ?', [aid, rkey])
}
