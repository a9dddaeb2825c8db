import type { Sql } from '#platform/storage'
import type { Actors } from './actors.ts'
import { Cache, type Changes } from './cache.ts'
import { marks, padded, pieces } from './lists.ts'

/** Accounts around somebody whose follows are looked at. */
const NEIGHBOURS_MAX = 100
/** Follows looked at of each. */
const FOLLOWS_OF_ONE_MAX = 50
/** Neighbours of one query. */
const AT_ONCE = 16
const SUGGESTED_MAX = 300
const POPULAR_MAX = 200
const KEPT_MAX = 4_000
/** How long a list is suggested again. */
const KEPT_MS = 10 * 60_000
/** More than anybody's followers: one neighbour counts for more than fame. */
const PER_NEIGHBOUR = 1_000_000_000

/** An account that might interest somebody. The higher the score, the rather. */
export interface Suggestion {
  aid: number
  score: number
}

interface Kept {
  suggestions: readonly Suggestion[]
  untilMs: number
}

const FOLLOWS_OF_ONE = `select * from (select subject_aid as aid from follow
  where aid = ? and counted = 1 order by rkey desc limit ${FOLLOWS_OF_ONE_MAX}) part`

/**
 * Whom somebody might want to follow: those whom people around them follow, most of these first,
 * then those with most followers. Worked out of the index within bounds, and said again for some
 * minutes; who of them may be shown is decided by whoever shows them.
 */
export class Suggestions {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #actors: Actors
  readonly #now: () => number
  readonly #kept: Cache<string, Kept>

  constructor(parts: { sql: Sql; changes: Changes; actors: Actors; now: () => number }) {
    this.#sql = parts.sql
    this.#changes = parts.changes
    this.#actors = parts.actors
    this.#now = parts.now
    this.#kept = new Cache(parts.changes, KEPT_MAX)
  }

  /** For a viewer (0 for nobody): those whom the ones it follows follow, and it does not. */
  forViewer(aid: number): Promise<readonly Suggestion[]> {
    return this.#remembered(`viewer ${aid}`, async () => {
      const followed = aid === 0 ? [] : await this.#neighbours('subject_aid', 'aid', aid)
      const near = await this.#followedBy(followed)
      const popular = await this.#popular()
      const strangers = await this.#notFollowed(aid, [...near, ...popular])
      return this.#listed(strangers, new Set([aid]))
    })
  }

  /** Like an account: those whom its followers follow too. */
  likeActor(aid: number): Promise<readonly Suggestion[]> {
    return this.#remembered(`actor ${aid}`, async () => {
      const followers = await this.#neighbours('aid', 'subject_aid', aid)
      return this.#listed(await this.#followedBy(followers), new Set([aid]))
    })
  }

  async #remembered(
    key: string,
    suggest: () => Promise<readonly Suggestion[]>,
  ): Promise<readonly Suggestion[]> {
    const kept = this.#kept.get(key)
    if (kept !== undefined && kept.untilMs > this.#now()) return kept.suggestions
    const { version } = this.#changes
    const suggestions = await suggest()
    this.#kept.fill(version, key, { suggestions, untilMs: this.#now() + KEPT_MS })
    return suggestions
  }

  /** The last whom an account followed, or by whom it was followed. */
  async #neighbours(column: string, by: 'aid' | 'subject_aid', aid: number): Promise<number[]> {
    const rows = await this.#sql.all<{ aid: number }>(
      `select ${column} as aid from follow where ${by} = ? and counted = 1
       order by ${by === 'aid' ? 'rkey' : 'sort_us'} desc limit ?`,
      [aid, NEIGHBOURS_MAX],
    )
    return rows.map((row) => row.aid)
  }

  async #followedBy(neighbours: readonly number[]): Promise<Suggestion[]> {
    const scores = new Map<number, number>()
    for (let i = 0; i < neighbours.length; i += AT_ONCE) {
      const some = neighbours.slice(i, i + AT_ONCE)
      const rows = await this.#sql.all<{ aid: number }>(
        Array(AT_ONCE).fill(FOLLOWS_OF_ONE).join(' union all '),
        [...some, ...Array<number>(AT_ONCE - some.length).fill(0)],
      )
      for (const { aid } of rows) scores.set(aid, (scores.get(aid) ?? 0) + PER_NEIGHBOUR)
    }
    return [...scores].map(([aid, score]) => ({ aid, score }))
  }

  /** Accounts with most followers. */
  #popular(): Promise<readonly Suggestion[]> {
    return this.#remembered('popular', async () =>
      this.#sql.all<Suggestion>(
        `select aid, followers as score from actor_count where followers > 0
         order by followers desc, aid limit ?`,
        [POPULAR_MAX],
      ),
    )
  }

  async #notFollowed(viewer: number, found: Suggestion[]): Promise<Suggestion[]> {
    if (viewer === 0) return found
    const followed = new Set<number>()
    for (const piece of pieces(found)) {
      const rows = await this.#sql.all<{ aid: number }>(
        `select subject_aid as aid from follow
         where aid = ? and counted = 1 and subject_aid in (${marks(piece.length)})`,
        [viewer, ...padded(piece.map(({ aid }) => aid))],
      )
      for (const { aid } of rows) followed.add(aid)
    }
    return found.filter(({ aid }) => !followed.has(aid))
  }

  /** In order, each once, without those who do not want to be suggested. */
  async #listed(
    found: readonly Suggestion[],
    except: ReadonlySet<number>,
  ): Promise<readonly Suggestion[]> {
    const scores = new Map<number, number>()
    for (const { aid, score } of found)
      if (!except.has(aid)) scores.set(aid, (scores.get(aid) ?? 0) + score)
    const ranked = [...scores]
      .map(([aid, score]) => ({ aid, score }))
      .sort(compareSuggestions)
      .slice(0, SUGGESTED_MAX)
    const actors = await this.#actors.load(ranked.map(({ aid }) => aid))
    return ranked.filter(({ aid }) => actors.get(aid)?.isUnlisted === false)
  }
}

/** Negative when the first is suggested first. */
export function compareSuggestions(a: Suggestion, b: Suggestion): number {
  return b.score - a.score || a.aid - b.aid
}
