import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'

/** Threads one account may mute. */
const THREADS_MAX = 10_000

/** A post as its author and its record key. */
export interface PostName {
  did: Did
  rkey: string
}

/** Threads that accounts do not want to hear of, named by the post each began with. */
export class ThreadMutes {
  readonly #writer: IndexWriter

  constructor({ writer }: { writer: IndexWriter }) {
    this.#writer = writer
  }

  /** Twice is once. Throws TooManyMutes. */
  async add(viewer: Did, root: PostName): Promise<void> {
    await this.#writer.write(async (batch) =>
      muteThread(batch, await batch.aidOf(viewer), [await batch.aidOf(root.did), root.rkey]),
    )
  }

  async remove(viewer: Did, root: PostName): Promise<void> {
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      await batch.sql.run(
        'delete from thread_mute where aid = ? and root_aid = ? and root_rkey = ?',
        [aid, await batch.aidOf(root.did), root.rkey],
      )
      batch.changed.threadMutes.add(aid)
    })
  }
}

/** Mutes a thread within a transaction. Throws TooManyMutes. */
export async function muteThread(
  batch: Batch,
  aid: number,
  [rootAid, rkey]: readonly [number, string],
): Promise<void> {
  const row = await batch.sql.get<{ count: number }>(
    'select count(*) as count from thread_mute where aid = ?',
    [aid],
  )
  const { changes } = await batch.sql.run(
    `insert into thread_mute (aid, root_aid, root_rkey) values (?, ?, ?)
     on conflict (aid, root_aid, root_rkey) do nothing`,
    [aid, rootAid, rkey],
  )
  if (changes > 0 && row!.count >= THREADS_MAX)
    throw new XrpcError(400, 'TooManyMutes', `At most ${THREADS_MAX} threads can be muted`)
  batch.changed.threadMutes.add(aid)
}
