import type { Sql } from '#platform/storage'
import { type Json, quote } from '../views/json.ts'
import { Cache, type Changes } from './cache.ts'
import { aidPairMarks, marks, padded, paddedPairs, pairMarks, pieces } from './lists.ts'

/** What stands between a viewer and an account. */
export interface Relation {
  following: string | undefined
  followedBy: string | undefined
  /** Record key of the viewer's own block. */
  blocking: string | undefined
  /** The account blocks the viewer, itself or by a list. */
  blockedBy: boolean
  blockedByRkey: string | undefined
  /** The viewer does not want to hear of the account, itself or by a list. */
  muted: boolean
  /** One of them blocks the other, itself or by a list. */
  blocked: boolean
  /** Lists that do it, where there are any. */
  lists: RelationLists | undefined
  /** `,"viewer":{…}` of a profile view. */
  viewer: string
}

/** A list by which an account mutes or blocks another: its key `aid/rkey`, and the record that says so. */
export interface ListSubscription {
  list: string
  /** Record key of the block; empty for a mute. */
  rkey: string
}

export interface RelationLists {
  muting: ListSubscription | undefined
  blocking: ListSubscription | undefined
  blockedBy: ListSubscription | undefined
}

/** What a viewer did to a post: record keys of the like and of the repost, and whether it put it aside. */
export interface Mark {
  like: string | undefined
  repost: string | undefined
  /** Empty where it did: a bookmark has no key. */
  bookmark: string | undefined
}

/** Both sides of a relation, as record keys; `did` of the viewer and of the account make the URIs. */
interface Edges {
  following?: string
  followedBy?: string
  blocking?: string
  blockedBy?: string
  muted?: string
  mutingByList?: ListSubscription
  blockingByList?: ListSubscription
  blockedByList?: ListSubscription
}

interface EdgeRow {
  kind: keyof Edges
  other: number
  rkey: string
  /** Owner and record key of the list. */
  list_aid: number | null
  list_rkey: string | null
}

/** The list is there. Items stay behind when it goes. */
const LIST_IS_THERE = `exists
  (select 1 from user_list l where l.aid = i.aid and l.rkey = i.list_rkey)`
/** Somebody on a list, looked for by account and list, never by going through either. */
const ON_LIST = `cross join list_item i where i.aid = b.list_aid and i.list_rkey = b.list_rkey
  and ${LIST_IS_THERE} and`

/** Everything cached of one viewer. */
interface Viewer {
  relations: Map<number, Relation>
  marks: Map<string, Mark>
}

const VIEWERS_MAX = 2_000
/** Relations and marks of all viewers together; beyond that all of them are let go. */
const KEPT_MAX = 200_000
const PAIRS_MAX = 100_000
const NO_MARK: Mark = { like: undefined, repost: undefined, bookmark: undefined }
const STRANGER: Edges = {}
const MARK_KINDS = ['like', 'repost', 'bookmark'] as const
/** Where the viewer's marks are; what follows are the posts. */
const MARK_SOURCES: Record<keyof Mark, string> = {
  like: `select subject_aid as aid, subject, rkey from feed_like
    where aid = ? and counted = 1 and (subject_aid, subject)`,
  repost: `select subject_aid as aid, subject, rkey from repost
    where aid = ? and counted = 1 and (subject_aid, subject)`,
  bookmark: `select subject_aid as aid, subject_rkey as subject, '' as rkey from bookmark
    where aid = ? and (subject_aid, subject_rkey)`,
}

/** How many did what to a post. */
interface Marked {
  likes: number
  reposts: number
  bookmarks: number
}

/** Follows and blocks between a viewer and accounts, and the viewer's likes, reposts and bookmarks. */
export class Relations {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #viewers: Cache<number, Viewer>
  readonly #pairs: Cache<string, boolean>
  #kept = 0

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#viewers = new Cache(changes, VIEWERS_MAX)
    this.#pairs = new Cache(changes, PAIRS_MAX)
  }

  /** Relations of a viewer (with its DID) to accounts (aid → DID). */
  async load(
    viewer: { aid: number; did: string },
    others: ReadonlyMap<number, { did: string }>,
  ): Promise<Map<number, Relation>> {
    const cached = this.#viewer(viewer.aid)
    const found = new Map<number, Relation>()
    const missing: number[] = []
    for (const aid of others.keys()) {
      const relation = cached.relations.get(aid)
      if (relation === undefined) missing.push(aid)
      else found.set(aid, relation)
    }
    if (missing.length === 0) return found
    const { version } = this.#changes
    // Nobody is anything to themselves, on whatever lists they are.
    const edges = await this.#edges(
      viewer.aid,
      missing.filter((aid) => aid !== viewer.aid),
    )
    const keep = version === this.#changes.version && this.#makeRoom(missing.length)
    for (const aid of missing) {
      const relation = relationOf(edges.get(aid) ?? STRANGER, viewer.did, others.get(aid)!.did)
      found.set(aid, relation)
      if (keep) cached.relations.set(aid, relation)
    }
    return found
  }

  /**
   * What the viewer did to posts, by key. Their counts tell which posts need not be looked for: those
   * that nobody liked, reposted or put aside. A post without a mark is left out.
   */
  async marks(viewerAid: number, counts: ReadonlyMap<string, Marked>): Promise<Map<string, Mark>> {
    const cached = this.#viewer(viewerAid)
    const found = new Map<string, Mark>()
    const wanted: Record<keyof Mark, string[]> = { like: [], repost: [], bookmark: [] }
    const missing: string[] = []
    for (const [key, { likes, reposts, bookmarks }] of counts) {
      if (likes === 0 && reposts === 0 && bookmarks === 0) continue
      const mark = cached.marks.get(key)
      if (mark !== undefined) {
        if (mark !== NO_MARK) found.set(key, mark)
        continue
      }
      missing.push(key)
      if (likes > 0) wanted.like.push(key)
      if (reposts > 0) wanted.repost.push(key)
      if (bookmarks > 0) wanted.bookmark.push(key)
    }
    if (missing.length === 0) return found
    const { version } = this.#changes
    const marked = new Map<string, Mark>()
    for (const kind of MARK_KINDS) await this.#addMarks(marked, kind, viewerAid, wanted[kind])
    const keep = version === this.#changes.version && this.#makeRoom(missing.length)
    if (keep) for (const key of missing) cached.marks.set(key, NO_MARK)
    for (const [key, mark] of marked) {
      found.set(key, mark)
      if (keep) cached.marks.set(key, mark)
    }
    return found
  }

  /** Of these pairs (`a:b`, see `pairOf`), those of which one account blocks the other. */
  async blocked(pairs: Iterable<string>): Promise<Set<string>> {
    const blocked = new Set<string>()
    const missing = new Set<string>()
    for (const pair of pairs) {
      const known = this.#pairs.get(pair)
      if (known === undefined) missing.add(pair)
      else if (known) blocked.add(pair)
    }
    const { version } = this.#changes
    for (const piece of pieces([...missing])) {
      const both = piece.flatMap((pair): [number, number][] => {
        const [a, b] = pair.split(':').map(Number) as [number, number]
        return [
          [a, b],
          [b, a],
        ]
      })
      for (const half of pieces(both))
        for (const row of await this.#blocks(half)) blocked.add(pairOf(row.aid, row.subject_aid))
      for (const pair of piece) this.#pairs.fill(version, pair, blocked.has(pair))
    }
    return blocked
  }

  /** A follow or a block between the two came or went. */
  dropPair(aid: number, otherAid: number): void {
    this.#viewers.get(aid)?.relations.delete(otherAid)
    this.#viewers.get(otherAid)?.relations.delete(aid)
    this.#pairs.drop(pairOf(aid, otherAid))
  }

  /** Anybody may stand otherwise to the account than before. */
  dropAccount(aid: number): void {
    this.#viewers.drop(aid)
    for (const viewer of this.#viewers.values()) viewer.relations.delete(aid)
    this.#pairs.clear()
  }

  /** Everybody may stand otherwise to everybody. */
  clear(): void {
    for (const viewer of this.#viewers.values()) viewer.relations.clear()
    this.#pairs.clear()
  }

  /** The account liked, reposted or put aside the post, or took that back. */
  dropMark(aid: number, post: string): void {
    this.#viewers.get(aid)?.marks.delete(post)
  }

  #viewer(aid: number): Viewer {
    const known = this.#viewers.get(aid)
    if (known !== undefined) return known
    const made: Viewer = { relations: new Map(), marks: new Map() }
    this.#viewers.fill(this.#changes.version, aid, made)
    return made
  }

  /** False when everything was just let go: then also what is at hand is not kept. */
  #makeRoom(count: number): boolean {
    this.#kept += count
    if (this.#kept <= KEPT_MAX) return true
    this.#kept = 0
    this.#viewers.clear()
    return false
  }

  async #edges(viewerAid: number, others: number[]): Promise<Map<number, Edges>> {
    const edges = new Map<number, Edges>()
    for (const piece of pieces(others)) {
      const list = marks(piece.length)
      const values = padded(piece)
      const rows = await this.#sql.all<EdgeRow>(
        `select 'following' as kind, subject_aid as other, rkey, cast(null as bigint) as list_aid,
             cast(null as text) as list_rkey
           from follow where aid = ? and counted = 1 and subject_aid in (${list})
         union all select 'followedBy', aid, rkey, null, null from follow
           where subject_aid = ? and counted = 1 and aid in (${list})
         union all select 'blocking', subject_aid, rkey, null, null from block
           where aid = ? and counted = 1 and subject_aid in (${list})
         union all select 'blockedBy', aid, rkey, null, null from block
           where subject_aid = ? and counted = 1 and aid in (${list})
         union all select 'muted', subject_aid, '', null, null from mute
           where aid = ? and subject_aid in (${list})
         union all select 'mutingByList', i.subject_aid, '', i.aid, i.list_rkey from list_mute b
           ${ON_LIST} b.aid = ? and i.subject_aid in (${list})
         union all select 'blockingByList', i.subject_aid, b.rkey, i.aid, i.list_rkey
           from list_block b ${ON_LIST} b.aid = ? and i.subject_aid in (${list})
         union all select 'blockedByList', b.aid, b.rkey, i.aid, i.list_rkey
           from list_block b ${ON_LIST} i.subject_aid = ? and b.aid in (${list})`,
        Array(8)
          .fill([viewerAid, ...values])
          .flat(),
      )
      for (const row of rows) {
        const known = edges.get(row.other)
        if (known === undefined) edges.set(row.other, edgeOf(row))
        else Object.assign(known, edgeOf(row))
      }
    }
    return edges
  }

  /** Of pairs of a blocker and somebody blocked, those that are so. */
  #blocks(pairs: [number, number][]): Promise<{ aid: number; subject_aid: number }[]> {
    const list = aidPairMarks(pairs.length)
    const values = paddedPairs(pairs)
    return this.#sql.all(
      `select aid, subject_aid from block where counted = 1 and (aid, subject_aid) in (${list})
       union all select p.column1, p.column2 from (${list}) p
         cross join list_block b ${ON_LIST} b.aid = p.column1 and i.subject_aid = p.column2`,
      [...values, ...values],
    )
  }

  async #addMarks(
    marked: Map<string, Mark>,
    kind: keyof Mark,
    viewerAid: number,
    posts: readonly string[],
  ): Promise<void> {
    for (const piece of pieces(posts)) {
      const rows = await this.#sql.all<{ aid: number; subject: string; rkey: string }>(
        `${MARK_SOURCES[kind]} in (${pairMarks(piece.length)})`,
        [viewerAid, ...paddedPairs(piece.map(splitKey))],
      )
      for (const { aid, subject, rkey } of rows) {
        const key = `${aid}/${subject}`
        marked.set(key, { ...(marked.get(key) ?? NO_MARK), [kind]: rkey })
      }
    }
  }
}

/** Names two accounts, whichever comes first. */
export function pairOf(aid: number, otherAid: number): string {
  return aid < otherAid ? `${aid}:${otherAid}` : `${otherAid}:${aid}`
}

/** The account and the record key of a post's key `aid/rkey`. */
export function splitKey(key: string): [number, string] {
  const slash = key.indexOf('/')
  return [Number(key.slice(0, slash)), key.slice(slash + 1)]
}

function edgeOf({ kind, rkey, list_aid: aid, list_rkey: list }: EdgeRow): Edges {
  return { [kind]: aid === null ? rkey : { list: `${aid}/${list}`, rkey } }
}

function listsOf(edges: Edges): RelationLists | undefined {
  const { mutingByList: muting, blockingByList: blocking, blockedByList: blockedBy } = edges
  if (muting === undefined && blocking === undefined && blockedBy === undefined) return undefined
  return { muting, blocking, blockedBy }
}

function relationOf(edges: Edges, viewerDid: string, did: string): Relation {
  const { following, followedBy, blocking } = edges
  const lists = listsOf(edges)
  const blockedBy = edges.blockedBy !== undefined || lists?.blockedBy !== undefined
  const blocked = blockedBy || blocking !== undefined || lists?.blocking !== undefined
  const muted = edges.muted !== undefined || lists?.muting !== undefined
  const uri = (owner: string, collection: string, rkey: string): Json =>
    quote(`at://${owner}/app.bsky.graph.${collection}/${rkey}`)
  const viewer =
    `,"viewer":{"muted":${muted},"blockedBy":${blockedBy}` +
    (blocking === undefined ? '' : `,"blocking":${uri(viewerDid, 'block', blocking)}`) +
    (following === undefined || blocked
      ? ''
      : `,"following":${uri(viewerDid, 'follow', following)}`) +
    (followedBy === undefined || blocked ? '' : `,"followedBy":${uri(did, 'follow', followedBy)}`) +
    '}'
  return {
    following,
    followedBy,
    blocking,
    blockedBy,
    blockedByRkey: edges.blockedBy,
    muted,
    blocked,
    lists,
    viewer,
  }
}
