import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'

/** Each of them is looked at whenever notifications are read. */
const SUBSCRIPTIONS_MAX = 200

/** Takes whose posts accounts want to be told of. */
export class ActivitySubscriptions {
  readonly #writer: IndexWriter

  constructor({ writer }: { writer: IndexWriter }) {
    this.#writer = writer
  }

  /** Neither posts nor replies ends it. Throws TooManySubscriptions. */
  async put(
    viewer: Did,
    subjectAid: number,
    { posts, replies }: { posts: boolean; replies: boolean },
  ): Promise<void> {
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      const sinceUs = batch.nowMs * 1000
      if (posts || replies)
        await putSubscription(batch, aid, { subjectAid, posts, replies, sinceUs })
      else
        await batch.sql.run('delete from activity_subscription where aid = ? and subject_aid = ?', [
          aid,
          subjectAid,
        ])
      batch.changed.subscriptions.add(aid)
    })
  }
}

/** Adds or changes a subscription within a transaction; its beginning stays. Throws TooManySubscriptions. */
export async function putSubscription(
  batch: Batch,
  aid: number,
  one: { subjectAid: number; posts: boolean; replies: boolean; sinceUs: number },
): Promise<void> {
  await batch.sql.run(
    `insert into activity_subscription (aid, subject_aid, posts, replies, created_us)
     values (?, ?, ?, ?, ?) on conflict (aid, subject_aid) do update
     set posts = excluded.posts, replies = excluded.replies`,
    [aid, one.subjectAid, Number(one.posts), Number(one.replies), one.sinceUs],
  )
  const row = await batch.sql.get<{ count: number }>(
    'select count(*) as count from activity_subscription where aid = ?',
    [aid],
  )
  if (row!.count > SUBSCRIPTIONS_MAX)
    throw new XrpcError(
      400,
      'TooManySubscriptions',
      `At most ${SUBSCRIPTIONS_MAX} accounts can be subscribed to`,
    )
  batch.changed.subscriptions.add(aid)
}
