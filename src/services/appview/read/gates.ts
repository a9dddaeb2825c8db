import type { Sql } from '#platform/storage'
import type { Actor } from '../views/actor.ts'
import type { Post, Threadgate } from '../views/post.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'

/** How an account stands to the owner of a thread. */
export interface Standing {
  did: string
  isOwner: boolean
  followsOwner: boolean
  followedByOwner: boolean
}

/**
 * Whether a threadgate lets an account reply. Gates are judged when a thread is read, never when it
 * is indexed: what they depend on may arrive later. Lists are not indexed yet, so a gate that names
 * one lets everybody through.
 */
export function mayReply(gate: Threadgate, root: Post, replier: Standing): boolean {
  if (gate.allow === undefined || replier.isOwner) return true
  return gate.allow.some((rule) => {
    switch (rule.$type) {
      case 'app.bsky.feed.threadgate#mentionRule':
        return root.mentions.includes(replier.did)
      case 'app.bsky.feed.threadgate#followerRule':
        return replier.followsOwner
      case 'app.bsky.feed.threadgate#followingRule':
        return replier.followedByOwner
      default:
        return true
    }
  })
}

/** Judges the replies of a page by the threadgates of their roots. */
export class Gates {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** Keys of the replies that their thread's gate shuts out. Reads follows only where there is a gate. */
  async shut(
    posts: ReadonlyMap<string, Post>,
    actors: ReadonlyMap<number, Actor>,
  ): Promise<Set<string>> {
    const judged: { reply: Post; root: Post; gate: Threadgate }[] = []
    for (const reply of posts.values()) {
      const root = reply.root && posts.get(reply.root.key)
      if (root?.threadgate?.allow !== undefined && root.aid !== reply.aid)
        judged.push({ reply, root, gate: root.threadgate })
    }
    const shut = new Set<string>()
    if (judged.length === 0) return shut
    const follows = await this.#follows(judged)
    for (const { reply, root, gate } of judged) {
      const replier: Standing = {
        did: actors.get(reply.aid)?.did ?? '',
        isOwner: false,
        followsOwner: follows.has(`${reply.aid}:${root.aid}`),
        followedByOwner: follows.has(`${root.aid}:${reply.aid}`),
      }
      if (!mayReply(gate, root, replier)) shut.add(reply.key)
    }
    return shut
  }

  async #follows(judged: { reply: Post; root: Post }[]): Promise<Set<string>> {
    const pairs = judged.flatMap(({ reply, root }): [number, number][] => [
      [reply.aid, root.aid],
      [root.aid, reply.aid],
    ])
    const found = new Set<string>()
    for (const piece of pieces(pairs)) {
      const rows = await this.#sql.all<{ aid: number; subject_aid: number }>(
        `select aid, subject_aid from follow
         where counted = 1 and (aid, subject_aid) in (${pairMarks(piece.length)})`,
        paddedPairs(piece),
      )
      for (const row of rows) found.add(`${row.aid}:${row.subject_aid}`)
    }
    return found
  }
}
