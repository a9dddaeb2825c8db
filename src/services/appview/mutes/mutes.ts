import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import { type ListKey, subscriptionChanged } from '../index/list.ts'
import type { IndexWriter } from '../index/writer.ts'
import { type Room, requireRoom } from '../private-state/room.ts'
import { cursorOf, readCursor } from '../read/cursor.ts'

const ROOM: Room = {
  table: 'mute',
  max: 20_000,
  error: 'TooManyMutes',
  what: 'accounts can be muted',
}
const LIST_ROOM: Room = {
  table: 'list_mute',
  max: 100,
  error: 'TooManyMutes',
  what: 'lists can be muted',
}

/** Whom accounts do not want to hear. Kept here only: no record says it, nobody else is told. */
export class Mutes {
  readonly #sql: Sql
  readonly #writer: IndexWriter

  constructor({ sql, writer }: { sql: Sql; writer: IndexWriter }) {
    this.#sql = sql
    this.#writer = writer
  }

  /** Twice is once. Throws TooManyMutes. */
  async add(viewer: Did, subject: Did): Promise<void> {
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      const subjectAid = await batch.aidOf(subject)
      await muteAccount(batch, aid, { subjectAid, createdMs: batch.nowMs })
    })
  }

  async remove(viewer: Did, subject: Did): Promise<void> {
    await this.#writer.write(async (batch) => {
      const pair: [number, number] = [await batch.aidOf(viewer), await batch.aidOf(subject)]
      await batch.sql.run('delete from mute where aid = ? and subject_aid = ?', pair)
      batch.changed.pairs.push(pair)
    })
  }

  /** Mutes who is, or comes to be, on a list. Throws TooManyMutes. */
  async addList(viewer: Did, [listAid, rkey]: readonly [number, string]): Promise<void> {
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      await muteList(batch, aid, { aid: listAid, rkey })
    })
  }

  async removeList(viewer: Did, [listAid, rkey]: readonly [number, string]): Promise<void> {
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      const where = 'aid = ? and list_aid = ? and list_rkey = ?'
      await batch.sql.run(`delete from list_mute where ${where}`, [aid, listAid, rkey])
      await subscriptionChanged(batch, aid, { aid: listAid, rkey })
    })
  }

  /** Who is muted, the last first. */
  async page(
    aid: number,
    { cursor, limit }: { cursor: string | undefined; limit: number },
  ): Promise<{ aids: number[]; cursor: string | undefined }> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const rows = await this.#sql.all<{ subject_aid: number; created_ms: number }>(
      `select subject_aid, created_ms from mute where aid = ?
       ${from ? 'and (created_ms, subject_aid) < (?, ?)' : ''}
       order by created_ms desc, subject_aid desc limit ?`,
      [aid, ...(from?.numbers ?? []), limit],
    )
    const last = rows.length < limit ? undefined : rows.at(-1)
    return {
      aids: rows.map((row) => row.subject_aid),
      cursor: last && cursorOf(last.created_ms, last.subject_aid, ''),
    }
  }
}

/** Mutes an account within a transaction; nothing when it is. Throws TooManyMutes. */
export async function muteAccount(
  batch: Batch,
  aid: number,
  { subjectAid, createdMs }: { subjectAid: number; createdMs: number },
): Promise<void> {
  const pair: [number, number] = [aid, subjectAid]
  if (await batch.sql.get('select 1 from mute where aid = ? and subject_aid = ?', pair)) return
  await requireRoom(batch, ROOM, aid)
  await batch.sql.run('insert into mute (aid, subject_aid, created_ms) values (?, ?, ?)', [
    ...pair,
    createdMs,
  ])
  batch.changed.pairs.push(pair)
}

/** Mutes a list within a transaction; nothing when it is. Throws TooManyMutes. */
export async function muteList(batch: Batch, aid: number, list: ListKey): Promise<void> {
  const key = [aid, list.aid, list.rkey]
  const where = 'aid = ? and list_aid = ? and list_rkey = ?'
  if (await batch.sql.get(`select 1 from list_mute where ${where}`, key)) return
  await requireRoom(batch, LIST_ROOM, aid)
  await batch.sql.run('insert into list_mute (aid, list_aid, list_rkey) values (?, ?, ?)', key)
  await subscriptionChanged(batch, aid, list)
}
