import type { Sql } from '#platform/storage'
import type { Actor } from '../views/actor.ts'
import { Cache, type Changes } from './cache.ts'
import { cursorOf, readCursor } from './cursor.ts'
import type { Relation } from './relations.ts'

const ACCOUNTS_MAX = 20_000
const NONE: ReadonlyMap<number, Subscription> = new Map()

/** An account wants to be told when another posts. */
export interface Subscription {
  posts: boolean
  replies: boolean
  sinceUs: number
}

interface Row {
  subject_aid: number
  posts: number
  replies: number
  created_us: number
}

/** Whose posts accounts want to be told of. */
export class Subscriptions {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #kept: Cache<number, ReadonlyMap<number, Subscription>>

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#kept = new Cache(changes, ACCOUNTS_MAX)
  }

  /** All of an account, by whom they are about: a few hundred at most. */
  async of(aid: number): Promise<ReadonlyMap<number, Subscription>> {
    if (aid === 0) return NONE
    const kept = this.#kept.get(aid)
    if (kept !== undefined) return kept
    const { version } = this.#changes
    const rows = await this.#sql.all<Row>(
      'select subject_aid, posts, replies, created_us from activity_subscription where aid = ?',
      [aid],
    )
    const all = rows.length === 0 ? NONE : new Map(rows.map(subscriptionOf))
    this.#kept.fill(version, aid, all)
    return all
  }

  /** Whom they are about, the last first. */
  async page(
    aid: number,
    { cursor, limit }: { cursor: string | undefined; limit: number },
  ): Promise<{ aids: number[]; cursor: string | undefined }> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const rows = await this.#sql.all<Row>(
      `select subject_aid, created_us from activity_subscription where aid = ?
       ${from ? 'and (created_us, subject_aid) < (?, ?)' : ''}
       order by created_us desc, subject_aid desc limit ?`,
      [aid, ...(from?.numbers ?? []), limit],
    )
    const last = rows.length < limit ? undefined : rows.at(-1)
    return {
      aids: rows.map((row) => row.subject_aid),
      cursor: last && cursorOf(last.created_us, last.subject_aid, ''),
    }
  }

  /** The account has one more or one less. */
  drop(aid: number): void {
    this.#kept.drop(aid)
  }
}

/** Whether an account lets this viewer be told of its posts: what it declared, followers if nothing. */
export function mayBeTold(actor: Actor | undefined, relation: Relation | undefined): boolean {
  if (actor === undefined || relation?.following === undefined || relation.blocked) return false
  const { allowSubscriptions } = actor
  if (allowSubscriptions === 'mutuals') return relation.followedBy !== undefined
  return allowSubscriptions === 'followers'
}

function subscriptionOf(row: Row): [number, Subscription] {
  const { subject_aid: aid, posts, replies, created_us: sinceUs } = row
  return [aid, { posts: posts === 1, replies: replies === 1, sinceUs }]
}
