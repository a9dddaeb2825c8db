import type { Sql } from '#platform/storage'
import type { Post } from '../views/post.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import type { Posts } from './posts.ts'
import { splitKey } from './relations.ts'

/** Posts of one thread page at most: deeper or later ones are left to a page of their own. */
const THREAD_POSTS_MAX = 1_000
/** Replies of one level that are looked at. */
const LEVEL_MAX = 400

/** Posts of an author's own thread that are looked at. */
const OWN_MAX = 1_000

/** Keys of the posts around one post. */
export interface Thread {
  anchor: string
  /** Its AT-URI. */
  uri: string
  /** The post its thread began with; itself for one that answers nothing. */
  root: string
  /** From the answered post upwards. */
  ancestors: string[]
  /** How many of those were asked for. */
  height: number
  /** Replies by the key of the post they answer, oldest first. */
  replies: Map<string, string[]>
  /** Levels of replies that were asked for. */
  depth: number
}

/** Threads, read level by level through the index of parents: exact whatever their size. */
export class Threads {
  readonly #sql: Sql
  readonly #posts: Posts

  constructor({ sql, posts }: { sql: Sql; posts: Posts }) {
    this.#sql = sql
    this.#posts = posts
  }

  /** The skeleton around a post; undefined when the post is not there. */
  async around(
    anchor: string,
    { depth, parentHeight }: { depth: number; parentHeight: number },
  ): Promise<Thread | undefined> {
    const found = new Map<string, Post>()
    await this.#posts.load([anchor], found)
    const post = found.get(anchor)
    if (post === undefined) return undefined
    const ancestors = await this.#ancestors(post, parentHeight)
    const replies = await this.#replies(anchor, depth)
    const root = post.root?.key ?? anchor
    return { anchor, uri: post.uri, root, ancestors, height: parentHeight, replies, depth }
  }

  /**
   * The thread an author made of an own post: from the root on, each time its oldest answer to
   * itself. Keys, the root first.
   */
  async ownThread(root: string): Promise<string[]> {
    const [aid, rkey] = splitKey(root)
    const rows = await this.#sql.all<{ rkey: string; parent: string }>(
      `select rkey, parent_aid || '/' || parent_rkey as parent from post
       where aid = ? and root_aid = aid and root_rkey = ? order by sort_us, rkey limit ?`,
      [aid, rkey, OWN_MAX],
    )
    const next = new Map<string, string>()
    for (const row of rows) if (!next.has(row.parent)) next.set(row.parent, `${aid}/${row.rkey}`)
    const chain = new Set([root])
    for (let key = next.get(root); key !== undefined && !chain.has(key); key = next.get(key))
      chain.add(key)
    return [...chain]
  }

  async #ancestors(post: Post, height: number): Promise<string[]> {
    const keys: string[] = []
    const seen = new Set([post.key])
    let parent = post.parent
    while (parent !== undefined && keys.length < height && !seen.has(parent.key)) {
      keys.push(parent.key)
      seen.add(parent.key)
      const found = new Map<string, Post>()
      await this.#posts.load([parent.key], found)
      parent = found.get(parent.key)?.parent
    }
    return keys
  }

  async #replies(anchor: string, depth: number): Promise<Map<string, string[]>> {
    const replies = new Map<string, string[]>()
    // Records can be made to answer in circles.
    const seen = new Set([anchor])
    let level = await this.#answered([anchor])
    for (let left = THREAD_POSTS_MAX; depth > 0 && level.length > 0 && left > 0; depth--) {
      const next: string[] = []
      for (const piece of pieces(level)) {
        const rows = await this.#level(piece, Math.min(LEVEL_MAX, left - next.length))
        for (const { parent, reply } of rows) {
          if (seen.has(reply)) continue
          seen.add(reply)
          const siblings = replies.get(parent)
          if (siblings === undefined) replies.set(parent, [reply])
          else siblings.push(reply)
          next.push(reply)
        }
        if (next.length >= left) break
      }
      left -= next.length
      level = depth > 1 ? await this.#answered(next) : []
    }
    return replies
  }

  /** Those of the posts that have replies: the counts know. */
  async #answered(keys: readonly string[]): Promise<string[]> {
    const counts = await this.#posts.counts(keys)
    return keys.filter((key) => counts.get(key)!.replies > 0)
  }

  async #level(parents: string[], limit: number): Promise<{ parent: string; reply: string }[]> {
    return this.#sql.all(
      `select parent_aid || '/' || parent_rkey as parent, aid || '/' || rkey as reply from post
       where parent_aid is not null and (parent_aid, parent_rkey) in (${pairMarks(parents.length)})
       order by sort_us, aid, rkey limit ?`,
      [...paddedPairs(parents.map(splitKey)), limit],
    )
  }
}
