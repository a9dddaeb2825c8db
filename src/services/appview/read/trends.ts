import type { Sql } from '#platform/storage'
import type { Actors } from './actors.ts'

const HOUR_US = 3_600_000_000
/** What is looked at: uses of tags of one day, the newest of them. */
const WINDOW_US = 24 * HOUR_US
const USES_MAX = 20_000
/** A use counts half as much after this time. */
const HALF_LIFE_US = 6 * HOUR_US
const TRENDS_MAX = 50
/** Tags that are looked at closely. */
const CANDIDATES_MAX = 2 * TRENDS_MAX
/** Of one alone nobody can tell whether others care. */
const AUTHORS_MIN = 2
const AUTHORS_LOOKED_AT = 100
const AUTHORS_SHOWN = 20
const KEPT_MS = 5 * 60_000
/** The share of the last three hours from which on something is just beginning. */
const HOT_SHARE = 0.5

/** Something that several people talk about today. */
export interface Trend {
  tag: string
  posts: number
  startedMs: number
  isHot: boolean
  /** Who does, those who did so last first. */
  authors: readonly number[]
}

interface Use {
  aid: number
  tag: string
  sort_us: number
}

interface Tally {
  tag: string
  posts: number
  recent: number
  firstUs: number
  /** When each author used it last; the first are the newest. */
  authors: Map<number, number>
}

/**
 * What is talked about: tags by how many accounts used them today, later uses counting for more.
 * Worked out from the newest uses and said again for some minutes.
 */
export class Trends {
  readonly #sql: Sql
  readonly #actors: Actors
  readonly #now: () => number
  #kept: { trends: Promise<readonly Trend[]>; untilMs: number } | undefined

  constructor({ sql, actors, now }: { sql: Sql; actors: Actors; now: () => number }) {
    this.#sql = sql
    this.#actors = actors
    this.#now = now
  }

  /** The same for everybody; who of the authors may be shown is decided by whoever shows them. */
  now(): Promise<readonly Trend[]> {
    const nowMs = this.#now()
    if (this.#kept !== undefined && this.#kept.untilMs > nowMs) return this.#kept.trends
    const trends = this.#find(nowMs * 1000)
    this.#kept = { trends, untilMs: nowMs + KEPT_MS }
    trends.catch(() => {
      this.#kept = undefined
    })
    return trends
  }

  async #find(nowUs: number): Promise<readonly Trend[]> {
    const uses = await this.#sql.all<Use>(
      `select aid, tag, sort_us from tag_use where sort_us > ?
       order by sort_us desc, aid desc, tag desc limit ?`,
      [nowUs - WINDOW_US, USES_MAX],
    )
    const tallies = [...tallied(uses, nowUs).values()]
      .filter(({ authors }) => authors.size >= AUTHORS_MIN)
      .map((tally) => ({ tally, score: scoreOf(tally, nowUs) }))
      .sort((a, b) => b.score - a.score || (a.tally.tag < b.tally.tag ? -1 : 1))
      .slice(0, CANDIDATES_MAX)
    const trends: Trend[] = []
    for (const { tally } of tallies) {
      const authors = await this.#listed([...tally.authors.keys()].slice(0, AUTHORS_LOOKED_AT))
      if (authors.length >= AUTHORS_MIN) trends.push(trendOf(tally, authors))
      if (trends.length === TRENDS_MAX) break
    }
    return trends
  }

  /** Those who are there, and do not ask to be left out. */
  async #listed(aids: readonly number[]): Promise<number[]> {
    const actors = await this.#actors.load(aids)
    return aids.filter((aid) => actors.get(aid)?.isUnlisted === false).slice(0, AUTHORS_SHOWN)
  }
}

function tallied(uses: readonly Use[], nowUs: number): Map<string, Tally> {
  const tallies = new Map<string, Tally>()
  for (const { aid, tag, sort_us } of uses) {
    let tally = tallies.get(tag)
    if (tally === undefined) {
      tally = { tag, posts: 0, recent: 0, firstUs: sort_us, authors: new Map() }
      tallies.set(tag, tally)
    }
    tally.posts++
    if (sort_us > nowUs - 3 * HOUR_US) tally.recent++
    tally.firstUs = Math.min(tally.firstUs, sort_us)
    // However often somebody says it, it is one who does.
    if (!tally.authors.has(aid)) tally.authors.set(aid, sort_us)
  }
  return tallies
}

function scoreOf({ authors }: Tally, nowUs: number): number {
  let score = 0
  for (const lastUs of authors.values()) score += 0.5 ** ((nowUs - lastUs) / HALF_LIFE_US)
  return score
}

function trendOf({ tag, posts, recent, firstUs }: Tally, authors: readonly number[]): Trend {
  const isHot = recent / posts >= HOT_SHARE
  return { tag, posts, startedMs: Math.floor(firstUs / 1000), isHot, authors }
}
