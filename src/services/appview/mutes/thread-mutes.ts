import type { Did } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'
import { type Room, requireRoom } from '../private-state/room.ts'

const ROOM: Room = {
  table: 'thread_mute',
  max: 10_000,
  error: 'TooManyMutes',
  what: 'threads can be muted',
}

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
  const key = [aid, rootAid, rkey]
  const where = 'aid = ? and root_aid = ? and root_rkey = ?'
  if (await batch.sql.get(`select 1 from thread_mute where ${where}`, key)) return
  await requireRoom(batch, ROOM, aid)
  await batch.sql.run('insert into thread_mute (aid, root_aid, root_rkey) values (?, ?, ?)', key)
  batch.changed.threadMutes.add(aid)
}
