import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { subscriptionChanged } from '../index/list.ts'
import type { IndexWriter } from '../index/writer.ts'
import { cursorOf, readCursor } from '../read/cursor.ts'

/** Accounts one account may mute. */
const MUTES_MAX = 20_000
const LISTS_MAX = 100

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
      const row = await batch.sql.get<{ count: number }>(
        'select count(*) as count from mute where aid = ?',
        [aid],
      )
      if (row!.count >= MUTES_MAX)
        throw new XrpcError(400, 'TooManyMutes', `At most ${MUTES_MAX} accounts can be muted`)
      await batch.sql.run(
        `insert into mute (aid, subject_aid, created_ms) values (?, ?, ?)
         on conflict (aid, subject_aid) do nothing`,
        [aid, subjectAid, batch.nowMs],
      )
      batch.changed.pairs.push([aid, subjectAid])
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
      const row = await batch.sql.get<{ count: number }>(
        'select count(*) as count from list_mute where aid = ?',
        [aid],
      )
      if (row!.count >= LISTS_MAX)
        throw new XrpcError(400, 'TooManyMutes', `At most ${LISTS_MAX} lists can be muted`)
      await batch.sql.run(
        `insert into list_mute (aid, list_aid, list_rkey) values (?, ?, ?)
         on conflict (aid, list_aid, list_rkey) do nothing`,
        [aid, listAid, rkey],
      )
      await subscriptionChanged(batch, aid, { aid: listAid, rkey })
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
