import type { Sql } from '#platform/storage'
import type { MediaUrls } from '../views/images.ts'
import { type Post, type PostRow, postOf } from '../views/post.ts'
import { Cache, type Changes } from './cache.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import { splitKey } from './relations.ts'

const POSTS_MAX = 20_000
const COUNTS_MAX = 60_000

/** Numbers under a post. */
export interface Counts {
  likes: number
  reposts: number
  replies: number
  quotes: number
  bookmarks: number
  /** `,"replyCount":…` and its sisters. */
  text: string
}

/** Posts by key (`aid/rkey`): what views show of them, and their counts. */
export class Posts {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #urls: MediaUrls
  /** `null` for a post that is not there: replies speak of deleted posts on and on. */
  readonly #posts: Cache<string, Post | null>
  readonly #counts: Cache<string, Counts>

  constructor({ sql, changes, urls }: { sql: Sql; changes: Changes; urls: MediaUrls }) {
    this.#sql = sql
    this.#changes = changes
    this.#urls = urls
    this.#posts = new Cache(changes, POSTS_MAX)
    this.#counts = new Cache(changes, COUNTS_MAX)
  }

  /** Adds the posts to `found`; the ones that are not there are left out. */
  async load(keys: Iterable<string>, found: Map<string, Post>): Promise<void> {
    const missing: string[] = []
    for (const key of keys) {
      const post = this.#posts.get(key)
      if (post === undefined) missing.push(key)
      else if (post !== null) found.set(key, post)
    }
    for (const piece of pieces(missing)) await this.#read(piece, found)
  }

  async counts(keys: Iterable<string>): Promise<Map<string, Counts>> {
    const found = new Map<string, Counts>()
    const missing: string[] = []
    for (const key of keys) {
      const counts = this.#counts.get(key)
      if (counts === undefined) missing.push(key)
      else found.set(key, counts)
    }
    for (const piece of pieces(missing)) await this.#readCounts(piece, found)
    return found
  }

  /** The post, or a gate of it, changed. */
  drop(key: string): void {
    this.#posts.drop(key)
  }

  dropCounts(key: string): void {
    this.#counts.drop(key)
  }

  async #read(keys: string[], found: Map<string, Post>): Promise<void> {
    const { version } = this.#changes
    const rows = await this.#sql.all<PostRow>(
      `select p.aid, a.did, p.rkey, p.cid, p.body, p.sort_us, p.indexed_ms, p.root_aid, p.root_rkey,
         p.parent_aid, p.parent_rkey, p.quote_aid, p.quote_rkey,
         t.cid as threadgate_cid, t.body as threadgate_body, q.body as postgate_body
       from post p join actor a on a.aid = p.aid
       left join record t
         on t.aid = p.aid and t.collection = 'app.bsky.feed.threadgate' and t.rkey = p.rkey
       left join record q
         on q.aid = p.aid and q.collection = 'app.bsky.feed.postgate' and q.rkey = p.rkey
       where (p.aid, p.rkey) in (${pairMarks(keys.length)})`,
      paddedPairs(keys.map(splitKey)),
    )
    for (const row of rows) {
      const post = postOf(row, this.#urls)
      found.set(post.key, post)
      this.#posts.fill(version, post.key, post)
    }
    for (const key of keys) if (!found.has(key)) this.#posts.fill(version, key, null)
  }

  async #readCounts(keys: string[], found: Map<string, Counts>): Promise<void> {
    const { version } = this.#changes
    const rows = await this.#sql.all<Omit<Counts, 'text'> & { aid: number; subject: string }>(
      `select aid, subject, likes, reposts, replies, quotes, bookmarks from subject_count
       where (aid, subject) in (${pairMarks(keys.length)})`,
      paddedPairs(keys.map(splitKey)),
    )
    for (const row of rows) found.set(`${row.aid}/${row.subject}`, countsOf(row))
    for (const key of keys) {
      if (!found.has(key)) found.set(key, NO_COUNTS)
      this.#counts.fill(version, key, found.get(key)!)
    }
  }
}

function countsOf({ likes, reposts, replies, quotes, bookmarks }: Omit<Counts, 'text'>): Counts {
  const text = `,"replyCount":${replies},"repostCount":${reposts},"likeCount":${likes},"quoteCount":${quotes}`
  return { likes, reposts, replies, quotes, bookmarks, text }
}

const NO_COUNTS: Counts = countsOf({
  likes: 0,
  reposts: 0,
  replies: 0,
  quotes: 0,
  bookmarks: 0,
})
