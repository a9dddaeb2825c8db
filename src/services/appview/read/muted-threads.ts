import type { Sql } from '#platform/storage'
import { Cache, type Changes } from './cache.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import { splitKey } from './relations.ts'

const VIEWERS_MAX = 4_000
/** Of who mutes more threads than this, those of each page are asked for. */
const KEPT_MAX = 128
const NONE: ReadonlySet<string> = new Set()

/** Which threads accounts do not want to hear of, by the key of the post they began with. */
export class MutedThreads {
  readonly #sql: Sql
  readonly #changes: Changes
  /** All of an account, or null where they are too many. */
  readonly #kept: Cache<number, ReadonlySet<string> | null>

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#kept = new Cache(changes, VIEWERS_MAX)
  }

  /** A set that has those of these threads that the account mutes, and perhaps others it mutes. */
  async of(aid: number, roots: () => Iterable<string>): Promise<ReadonlySet<string>> {
    if (aid === 0) return NONE
    const kept = this.#kept.get(aid) ?? (await this.#load(aid))
    if (kept !== null) return kept
    const found = new Set<string>()
    for (const piece of pieces([...new Set(roots())])) {
      const rows = await this.#sql.all<{ root: string }>(
        `select root_aid || '/' || root_rkey as root from thread_mute
         where aid = ? and (root_aid, root_rkey) in (${pairMarks(piece.length)})`,
        [aid, ...paddedPairs(piece.map(splitKey))],
      )
      for (const { root } of rows) found.add(root)
    }
    return found
  }

  /** The account mutes one more or one less. */
  drop(aid: number): void {
    this.#kept.drop(aid)
  }

  async #load(aid: number): Promise<ReadonlySet<string> | null> {
    const { version } = this.#changes
    const rows = await this.#sql.all<{ root: string }>(
      `select root_aid || '/' || root_rkey as root from thread_mute where aid = ? limit ?`,
      [aid, KEPT_MAX + 1],
    )
    const all = rows.length > KEPT_MAX ? null : new Set(rows.map(({ root }) => root))
    this.#kept.fill(version, aid, all?.size === 0 ? NONE : all)
    return all
  }
}
