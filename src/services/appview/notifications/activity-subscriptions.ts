import type { Did } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'
import { type Room, requireRoom } from '../private-state/room.ts'

/** Each of them is looked at whenever notifications are read. */
const ROOM: Room = {
  table: 'activity_subscription',
  max: 200,
  error: 'TooManySubscriptions',
  what: 'accounts can be subscribed to',
}

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
  const key = [aid, one.subjectAid]
  const known = await batch.sql.get(
    'select 1 from activity_subscription where aid = ? and subject_aid = ?',
    key,
  )
  if (known === undefined) await requireRoom(batch, ROOM, aid)
  await batch.sql.run(
    `insert into activity_subscription (aid, subject_aid, posts, replies, created_us)
     values (?, ?, ?, ?, ?) on conflict (aid, subject_aid) do update
     set posts = excluded.posts, replies = excluded.replies`,
    [...key, Number(one.posts), Number(one.replies), one.sinceUs],
  )
  batch.changed.subscriptions.add(aid)
}
