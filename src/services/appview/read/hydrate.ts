import { type Did, isAtUri } from '#protocol/syntax'
import type { Accepted } from '../labelers/labelers.ts'
import type { EmbeddedViews } from '../pages/embedded-records.ts'
import type { Actor } from '../views/actor.ts'
import type { Json } from '../views/json.ts'
import type { Post } from '../views/post.ts'
import { relationByLists } from '../views/user-list.ts'
import type { Actors } from './actors.ts'
import { type Gates, type GateVerdicts, NO_VERDICTS } from './gates.ts'
import type { Labels } from './labels.ts'
import type { MutedThreads } from './muted-threads.ts'
import type { Counts, Posts } from './posts.ts'
import { type Mark, type Relation, type Relations, splitKey } from './relations.ts'
import type { ListKey, UserLists } from './user-lists.ts'

/** Who is looking. `aid` is 0 for an account nobody has spoken of yet: it has no edges. */
export interface Viewer {
  aid: number
  did: Did
  /** Whose labels it wants to see; our own labelers' when it does not say. */
  labelers?: readonly Accepted[] | undefined
  /** Nobody in particular, who names labelers. */
  isNobody?: boolean
}

/** Everything a page shows, loaded in a few batches. Views read it and nothing else. */
export interface Hydration extends GateVerdicts {
  viewer: Viewer | undefined
  /** Accounts that may be shown. */
  actors: Map<number, Actor>
  posts: Map<string, Post>
  counts: Map<string, Counts>
  relations: Map<number, Relation>
  marks: Map<string, Mark>
  /** Views of records that posts embed and that are no posts, by AT-URI. */
  embedded: ReadonlyMap<string, Json>
  /** Pairs of accounts (`pairOf`) of which one blocks the other. */
  blocked: Set<string>
  /** Threads the viewer mutes, by the key of the post they began with: those on the page, or more. */
  mutedThreads: ReadonlySet<string>
  /** Posts that their authors keep from readers who are nobody: not among `posts`. */
  membersOnly: ReadonlyMap<string, Post>
}

/** A label as it stands in the JSON of labels. */
const NO_UNAUTHENTICATED = '"val":"!no-unauthenticated"'
/** How deep quotes are followed: a quote and the quote inside it. */
const QUOTE_WAVES = 2
const NO_RELATIONS: Map<number, Relation> = new Map()
const NO_POSTS: ReadonlyMap<string, Post> = new Map()
const NO_VIEWS: ReadonlyMap<string, Json> = new Map()
const NO_MARKS: Map<string, Mark> = new Map()
const NO_THREADS: ReadonlySet<string> = new Set()

/** Loads what pages show: one query per kind of thing that is not cached, never one per item. */
export class Hydrator {
  readonly #actors: Actors
  readonly #posts: Posts
  readonly #relations: Relations
  readonly #gates: Gates
  readonly #labels: Labels
  readonly #mutedThreads: MutedThreads
  readonly #userLists: UserLists
  readonly #embedded: EmbeddedViews
  readonly #missed: ((uris: ReadonlySet<string>) => void) | undefined

  constructor(parts: {
    actors: Actors
    posts: Posts
    relations: Relations
    gates: Gates
    labels: Labels
    mutedThreads: MutedThreads
    userLists: UserLists
    embedded: EmbeddedViews
    /** Told which posts are quoted and not here, where that may be mended. */
    missed?: ((uris: ReadonlySet<string>) => void) | undefined
  }) {
    this.#missed = parts.missed
    this.#actors = parts.actors
    this.#posts = parts.posts
    this.#relations = parts.relations
    this.#gates = parts.gates
    this.#labels = parts.labels
    this.#mutedThreads = parts.mutedThreads
    this.#userLists = parts.userLists
    this.#embedded = parts.embedded
  }

  /** Accounts and how the viewer stands to them. */
  async accounts(by: Viewer | undefined, aids: Iterable<number>): Promise<Hydration> {
    const viewer = somebody(by)
    const actors = await this.#actors.load(aids)
    await this.#labels.apply({ actors, posts: new Map() }, by?.labelers)
    const relations = viewer ? await this.#standing(viewer, actors) : NO_RELATIONS
    return {
      viewer,
      actors,
      posts: new Map(),
      counts: new Map(),
      relations,
      marks: NO_MARKS,
      embedded: NO_VIEWS,
      blocked: new Set(),
      ...NO_VERDICTS,
      mutedThreads: NO_THREADS,
      membersOnly: NO_POSTS,
    }
  }

  /**
   * Posts by key with all they show: authors, quotes, counts, what the viewer did to them. With
   * `context`, also the parent and the root of each. `also` names further accounts.
   */
  async page(
    by: Viewer | undefined,
    keys: readonly string[],
    { context = false, also = [] }: { context?: boolean; also?: Iterable<number> } = {},
  ): Promise<Hydration> {
    const viewer = somebody(by)
    const posts = new Map<string, Post>()
    await this.#posts.load(new Set(keys), posts)
    await this.#loadAround(posts, context)
    if (this.#missed !== undefined) this.#missed(quotedElsewhere(posts))
    const actors = await this.#actors.load(accountsOf(posts, also))
    // A thread's gate shuts out whom it does, whether the post it begins with is shown or not.
    const gated = new Map(posts)
    await this.#labels.apply({ actors, posts }, by?.labelers)
    const membersOnly = viewer ? NO_POSTS : takeMembersOnly(actors, posts)
    const counts = await this.#posts.counts(posts.keys())
    const [relations, marks, blocked, verdicts, mutedThreads] = await Promise.all([
      viewer ? this.#standing(viewer, actors) : NO_RELATIONS,
      viewer ? this.#relations.marks(viewer.aid, counts) : NO_MARKS,
      this.#relations.blocked(pairsOf(posts)),
      this.#gates.judge(gated, actors, viewer),
      viewer ? this.#mutedThreads.of(viewer.aid, () => rootsOf(posts)) : NO_THREADS,
    ])
    const uris = embeddedIn(posts)
    const embedded = uris.size > 0 ? await this.#embedded(uris, by, this) : NO_VIEWS
    if (this.#missed !== undefined && embedded.size < uris.size)
      this.#missed(new Set([...uris].filter((uri) => !embedded.has(uri))))
    const shown = { viewer, actors, posts, counts, relations, marks, blocked, embedded }
    return { ...shown, ...verdicts, mutedThreads, membersOnly }
  }

  /** How the viewer stands to accounts, with the lists behind it. */
  async #standing(viewer: Viewer, actors: Map<number, Actor>): Promise<Map<number, Relation>> {
    const relations = await this.#relations.load(viewer, actors)
    const named = new Map<string, ListKey>()
    for (const { lists } of relations.values())
      for (const by of [lists?.muting, lists?.blocking])
        if (by !== undefined) named.set(by.list, splitKey(by.list))
    if (named.size === 0) return relations
    const lists = await this.#userLists.byKeys([...named.values()], viewer.aid)
    const byKey = new Map(lists.map((list) => [`${list.aid}/${list.rkey}`, list]))
    for (const [aid, relation] of relations)
      if (relation.lists !== undefined) relations.set(aid, relationByLists(relation, byKey, viewer))
    return relations
  }

  async #loadAround(posts: Map<string, Post>, context: boolean): Promise<void> {
    let wanted = new Set<string>()
    for (const { parent, root, quote } of posts.values()) {
      if (quote !== undefined && !posts.has(quote.key)) wanted.add(quote.key)
      if (!context || parent === undefined) continue
      if (!posts.has(parent.key)) wanted.add(parent.key)
      if (root !== undefined && !posts.has(root.key)) wanted.add(root.key)
    }
    // Parents and roots come with the first quotes, so their own quotes are one wave behind.
    for (let wave = context ? 0 : 1; wave <= QUOTE_WAVES && wanted.size > 0; wave++) {
      const loaded = new Map<string, Post>()
      await this.#posts.load(wanted, loaded)
      wanted = new Set()
      for (const [key, post] of loaded) {
        posts.set(key, post)
        if (post.quote !== undefined && !posts.has(post.quote.key)) wanted.add(post.quote.key)
      }
    }
  }
}

/** AT-URIs of records that posts embed and that are no posts. */
function embeddedIn(posts: ReadonlyMap<string, Post>): ReadonlySet<string> {
  const uris = new Set<string>()
  for (const { embed, quote } of posts.values())
    if (embed?.record !== undefined && quote === undefined && isAtUri(embed.record))
      uris.add(embed.record)
  return uris
}

function quotedElsewhere(posts: ReadonlyMap<string, Post>): ReadonlySet<string> {
  const uris = new Set<string>()
  for (const { quote } of posts.values())
    if (quote !== undefined && !posts.has(quote.key)) uris.add(quote.uri)
  return uris
}

function somebody(viewer: Viewer | undefined): Viewer | undefined {
  return viewer?.isNobody ? undefined : viewer
}

/** Takes out the posts of accounts that ask not to be shown to anybody who is not signed in. */
function takeMembersOnly(
  actors: ReadonlyMap<number, Actor>,
  posts: Map<string, Post>,
): ReadonlyMap<string, Post> {
  const taken = new Map<string, Post>()
  for (const [key, post] of posts)
    if (actors.get(post.aid)?.labels.includes(NO_UNAUTHENTICATED)) taken.set(key, post)
  for (const key of taken.keys()) posts.delete(key)
  return taken
}

function accountsOf(posts: ReadonlyMap<string, Post>, also: Iterable<number>): Set<number> {
  const aids = new Set(also)
  for (const { aid, parent, root, quote } of posts.values()) {
    aids.add(aid)
    if (parent !== undefined) aids.add(parent.aid)
    if (root !== undefined) aids.add(root.aid)
    if (quote !== undefined) aids.add(quote.aid)
  }
  return aids
}

/** Pairs whose blocks change what is shown, whoever looks; some of them several times. */
function pairsOf(posts: ReadonlyMap<string, Post>): string[] {
  const pairs: string[] = []
  for (const post of posts.values()) if (post.pairs.length > 0) pairs.push(...post.pairs)
  return pairs
}

/** Threads the posts stand in. */
function* rootsOf(posts: ReadonlyMap<string, Post>): Generator<string> {
  for (const { key, root } of posts.values()) yield root?.key ?? key
}
