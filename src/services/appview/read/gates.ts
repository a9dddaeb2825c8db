import type { Sql } from '#platform/storage'
import { isAtUri, parseAtUri } from '#protocol/syntax'
import type { Actor } from '../views/actor.ts'
import type { Json } from '../views/json.ts'
import type { Post, Threadgate } from '../views/post.ts'
import { listBasics } from '../views/user-list.ts'
import type { Actors } from './actors.ts'
import { aidPairMarks, marks, padded, paddedPairs, pieces } from './lists.ts'
import { LIST, type UserLists } from './user-lists.ts'

/** How an account stands to the owner of a thread. */
interface Standing {
  did: string
  isOwner: boolean
  followsOwner: boolean
  followedByOwner: boolean
  /** Whether it is on one of the lists that the gate names. */
  isListed: boolean
}

/** What the threadgates of a page's posts come to. */
export interface GateVerdicts {
  /** Keys of the replies that their thread's gate shuts out. */
  gatedOff: Set<string>
  /** Keys of the posts whose gate does not let the viewer reply. */
  shutToViewer: Set<string>
  /** `app.bsky.graph.defs#listViewBasic` of the lists a gate names, by the key of its post. */
  gateLists: Map<string, Json>
}

/**
 * Whether a threadgate lets an account reply. Gates are judged when a thread is read, never when it
 * is indexed: what they depend on may arrive later. Of rules that nobody knows none lets anybody in.
 */
function mayReply(gate: Threadgate, root: Post, replier: Standing): boolean {
  if (gate.allow === undefined || replier.isOwner) return true
  return gate.allow.some((rule) => {
    switch (rule.$type) {
      case 'app.bsky.feed.threadgate#mentionRule':
        return root.mentions.includes(replier.did)
      case 'app.bsky.feed.threadgate#followerRule':
        return replier.followsOwner
      case 'app.bsky.feed.threadgate#followingRule':
        return replier.followedByOwner
      case 'app.bsky.feed.threadgate#listRule':
        return replier.isListed
      default:
        return false
    }
  })
}

/** Somebody who replied, or would. */
interface Judged {
  aid: number
  did: string
  root: Post
}

type ListKey = readonly [aid: number, rkey: string]

/** Judges the replies of a page by the threadgates of their roots. */
export class Gates {
  readonly #sql: Sql
  readonly #actors: Actors
  readonly #userLists: UserLists

  constructor({ sql, actors, userLists }: { sql: Sql; actors: Actors; userLists: UserLists }) {
    this.#sql = sql
    this.#actors = actors
    this.#userLists = userLists
  }

  /** Reads follows and lists only where there is a gate. */
  async judge(
    posts: ReadonlyMap<string, Post>,
    actors: ReadonlyMap<number, Actor>,
    viewer: { aid: number; did: string } | undefined,
  ): Promise<GateVerdicts> {
    const gated: Post[] = []
    const repliers = new Map<Post, Judged>()
    for (const post of posts.values()) {
      if (post.threadgate?.allow !== undefined) gated.push(post)
      const root = post.root && posts.get(post.root.key)
      if (root?.threadgate?.allow === undefined) continue
      repliers.set(post, { aid: post.aid, did: actors.get(post.aid)?.did ?? '', root })
    }
    if (gated.length === 0) return NO_VERDICTS
    const viewers = viewer ? gated.map((root) => ({ ...viewer, root })) : []
    const lists = await this.#listsOf(gated)
    const shut = await this.#shut([...repliers.values(), ...viewers], lists)
    const gatedOff = [...repliers].filter(([, replier]) => shut.has(replier))
    return {
      gatedOff: new Set(gatedOff.map(([reply]) => reply.key)),
      shutToViewer: new Set(viewers.filter((one) => shut.has(one)).map(({ root }) => root.key)),
      gateLists: await this.#views(lists, viewer?.aid ?? 0),
    }
  }

  /** Those whom the gate does not let reply. */
  async #shut(
    judged: readonly Judged[],
    lists: ReadonlyMap<string, readonly ListKey[]>,
  ): Promise<Set<Judged>> {
    const members = await this.#members(lists, [...new Set(judged.map(({ aid }) => aid))])
    const follows = await this.#follows(judged)
    const shut = new Set<Judged>()
    for (const one of judged) {
      const { aid, did, root } = one
      const keys = lists.get(root.key) ?? []
      const standing: Standing = {
        did,
        isOwner: aid === root.aid,
        followsOwner: follows.has(`${aid}:${root.aid}`),
        followedByOwner: follows.has(`${root.aid}:${aid}`),
        isListed: keys.some((key) => members.has(`${key.join('/')} ${aid}`)),
      }
      if (!mayReply(root.threadgate!, root, standing)) shut.add(one)
    }
    return shut
  }

  /** The lists that gates name, by the key of the gate's post. Of accounts nobody knows there are none. */
  async #listsOf(gated: readonly Post[]): Promise<Map<string, ListKey[]>> {
    const found = new Map<string, ListKey[]>()
    for (const { key, threadgate } of gated) {
      const keys: ListKey[] = []
      for (const uri of threadgate!.lists) {
        const { authority, collection, rkey } = isAtUri(uri) ? parseAtUri(uri) : {}
        if (collection !== LIST || rkey === undefined || !authority?.startsWith('did:')) continue
        const aid = await this.#actors.aidOf(authority as `did:${string}:${string}`)
        if (aid !== undefined) keys.push([aid, rkey])
      }
      if (keys.length > 0) found.set(key, keys)
    }
    return found
  }

  /** Who of the accounts is on which list: `listAid/listRkey aid`. */
  async #members(
    lists: ReadonlyMap<string, readonly ListKey[]>,
    accounts: readonly number[],
  ): Promise<Set<string>> {
    const found = new Set<string>()
    if (lists.size === 0 || accounts.length === 0) return found
    const owners = [...new Set([...lists.values()].flat().map(([aid]) => aid))]
    for (const some of pieces(owners))
      for (const piece of pieces(accounts)) {
        const rows = await this.#sql.all<{ aid: number; list_rkey: string; subject_aid: number }>(
          `select aid, list_rkey, subject_aid from list_item
           where subject_aid in (${marks(piece.length)}) and aid in (${marks(some.length)})`,
          [...padded(piece), ...padded(some)],
        )
        for (const row of rows) found.add(`${row.aid}/${row.list_rkey} ${row.subject_aid}`)
      }
    return found
  }

  async #views(
    lists: ReadonlyMap<string, readonly ListKey[]>,
    viewerAid: number,
  ): Promise<Map<string, Json>> {
    const views = new Map<string, Json>()
    if (lists.size === 0) return views
    const keys = new Map([...lists.values()].flat().map((key) => [key.join('/'), key]))
    const found = await this.#userLists.byKeys([...keys.values()], viewerAid)
    const owners = await this.#actors.load(found.map((list) => list.aid))
    const byKey = new Map(found.map((list) => [`${list.aid}/${list.rkey}`, list]))
    for (const [post, some] of lists) {
      const named = some.map((key) => byKey.get(key.join('/'))).filter((list) => list !== undefined)
      views.set(post, listBasics(named, owners, viewerAid))
    }
    return views
  }

  async #follows(judged: readonly Judged[]): Promise<Set<string>> {
    const pairs = judged.flatMap(({ aid, root }): [number, number][] => [
      [aid, root.aid],
      [root.aid, aid],
    ])
    const found = new Set<string>()
    for (const piece of pieces(pairs)) {
      const rows = await this.#sql.all<{ aid: number; subject_aid: number }>(
        `select aid, subject_aid from follow
         where counted = 1 and (aid, subject_aid) in (${aidPairMarks(piece.length)})`,
        paddedPairs(piece),
      )
      for (const row of rows) found.add(`${row.aid}:${row.subject_aid}`)
    }
    return found
  }
}

export const NO_VERDICTS: GateVerdicts = {
  gatedOff: new Set(),
  shutToViewer: new Set(),
  gateLists: new Map(),
}
