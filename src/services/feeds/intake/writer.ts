import type { Sql } from '#platform/storage'
import { type Did, datetimeMs, isDatetime, isDid } from '#protocol/syntax'
import { postOf, type RecordEvent, type StandingEvent } from './events.ts'

/** Six hours later weighs as much as twice the likes. */
const HALF_LIFE_MS = 6 * 3_600_000

/**
 * The rank of a post: likes fade with time, told so that no row changes as time goes by. Compare
 * `log2(likes) - age / half life`: all ages grow alike, so the birth date can stand for the age.
 */
export const rankOf = (likes: number, sortMs: number): number =>
  Math.log2(likes) + sortMs / HALF_LIFE_MS

/** Writes events of one batch into the tables; the caller opens the transaction. */
export class Writer {
  readonly #sql: Sql
  readonly #oldestMs: number
  readonly #aids = new Map<Did, number>()

  constructor(sql: Sql, oldestMs: number) {
    this.#sql = sql
    this.#oldestMs = oldestMs
  }

  /** Idempotent: the same event again changes nothing. Returns what became of it. */
  async write(
    event: RecordEvent | StandingEvent,
  ): Promise<'taken' | 'unwanted' | 'invalid' | 'old'> {
    if (event.kind === 'standing') return this.#standing(event.did, event.active)
    switch (event.collection) {
      case 'app.bsky.graph.follow':
        return this.#follow(event)
      case 'app.bsky.feed.post':
        return this.#post(event)
      case 'app.bsky.feed.like':
        return this.#like(event)
      default:
        return 'unwanted'
    }
  }

  async #aid(did: Did): Promise<number> {
    const known = this.#aids.get(did)
    if (known !== undefined) return known
    const row = await this.#sql.get<{ aid: number }>(
      'INSERT INTO actors (did) VALUES (?) ON CONFLICT (did) DO UPDATE SET did = did RETURNING aid',
      [did],
    )
    this.#aids.set(did, row!.aid)
    return row!.aid
  }

  async #standing(did: Did, active: boolean) {
    const aid = await this.#aid(did)
    await this.#sql.run('UPDATE actors SET active = ? WHERE aid = ?', [active ? 1 : 0, aid])
    return 'taken' as const
  }

  async #follow({ did, rkey, record }: RecordEvent) {
    const aid = await this.#aid(did)
    if (!record) {
      await this.#sql.run('DELETE FROM follows WHERE aid = ? AND rkey = ?', [aid, rkey])
      return 'taken' as const
    }
    const { subject } = record
    if (!isDid(subject)) return 'invalid' as const
    await this.#sql.run('INSERT OR REPLACE INTO follows (aid, rkey, subject) VALUES (?, ?, ?)', [
      aid,
      rkey,
      await this.#aid(subject),
    ])
    return 'taken' as const
  }

  async #post({ did, rkey, record, timeUs }: RecordEvent) {
    const aid = await this.#aid(did)
    if (!record) {
      await this.#sql.run('DELETE FROM posts WHERE aid = ? AND rkey = ?', [aid, rkey])
      return 'taken' as const
    }
    const sortMs = sortTime(record, timeUs)
    if (sortMs === undefined) return 'invalid' as const
    if (sortMs < this.#oldestMs) return 'old' as const
    await this.#sql.run(
      `INSERT INTO posts (aid, rkey, sort_ms, has_images, is_reply) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (aid, rkey) DO UPDATE SET
         has_images = excluded.has_images, is_reply = excluded.is_reply`,
      [aid, rkey, sortMs, hasImages(record) ? 1 : 0, record.reply ? 1 : 0],
    )
    // Likes may have come before their post.
    await this.#count(aid, rkey)
    return 'taken' as const
  }

  async #like({ did, rkey, record, timeUs }: RecordEvent) {
    const aid = await this.#aid(did)
    if (!record) return this.#unlike(aid, rkey)
    const post = postOf((record.subject as { uri?: unknown } | undefined)?.uri)
    const sortMs = sortTime(record, timeUs)
    if (!post || sortMs === undefined) return 'invalid' as const
    if (sortMs < this.#oldestMs) return 'old' as const
    const postAid = await this.#aid(post.did)
    await this.#sql.run(
      `INSERT OR REPLACE INTO likes (aid, rkey, post_aid, post_rkey, sort_ms)
       VALUES (?, ?, ?, ?, ?)`,
      [aid, rkey, postAid, post.rkey, sortMs],
    )
    await this.#count(postAid, post.rkey)
    return 'taken' as const
  }

  async #unlike(aid: number, rkey: string) {
    const row = await this.#sql.get<{ post_aid: number; post_rkey: string }>(
      'DELETE FROM likes WHERE aid = ? AND rkey = ? RETURNING post_aid, post_rkey',
      [aid, rkey],
    )
    if (row) await this.#count(row.post_aid, row.post_rkey)
    return 'taken' as const
  }

  /** People who like a post, each once; exact however often an event comes. */
  async #count(aid: number, rkey: string): Promise<void> {
    const post = await this.#sql.get<{ sort_ms: number }>(
      'SELECT sort_ms FROM posts WHERE aid = ? AND rkey = ?',
      [aid, rkey],
    )
    if (!post) return
    const { n } = (await this.#sql.get<{ n: number }>(
      'SELECT count(DISTINCT aid) AS n FROM likes WHERE post_aid = ? AND post_rkey = ?',
      [aid, rkey],
    ))!
    await this.#sql.run('UPDATE posts SET likes = ?, rank = ? WHERE aid = ? AND rkey = ?', [
      n,
      n > 0 ? rankOf(n, post.sort_ms) : null,
      aid,
      rkey,
    ])
  }
}

/** When something was written, never later than when it was heard of; undefined for no date. */
function sortTime(record: Record<string, unknown>, timeUs: number): number | undefined {
  const { createdAt } = record
  if (typeof createdAt !== 'string' || !isDatetime(createdAt)) return undefined
  return Math.min(datetimeMs(createdAt), Math.floor(timeUs / 1000))
}

function hasImages(record: Record<string, unknown>): boolean {
  const embed = record.embed as { $type?: unknown; media?: { $type?: unknown } } | undefined
  const type = embed?.$type === 'app.bsky.embed.recordWithMedia' ? embed.media?.$type : embed?.$type
  return type === 'app.bsky.embed.images'
}
