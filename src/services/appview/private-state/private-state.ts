import type { Sql } from '#platform/storage'
import type { PrivateItem } from '#protocol/account'
import type { Did } from '#protocol/syntax'
import { countBookmark } from '../bookmarks/bookmarks.ts'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'
import { pieces } from '../read/lists.ts'
import { exportPage } from './export.ts'
import { importItems } from './import.ts'

/** Items of one transaction: reads wait no longer than for a batch of events. */
const ITEMS_AT_ONCE = 100

/**
 * What is known here alone of accounts, and no event of the network brings back: taken along by its
 * owner, and gone with the account.
 */
export class PrivateState {
  readonly #sql: Sql
  readonly #writer: IndexWriter

  constructor({ sql, writer }: { sql: Sql; writer: IndexWriter }) {
    this.#sql = sql
    this.#writer = writer
  }

  /** One page; the last has no cursor, and may be empty. */
  export(
    aid: number,
    page: { cursor: string | undefined; limit: number },
  ): Promise<{ items: PrivateItem[]; cursor: string | undefined }> {
    return exportPage(this.#sql, aid, page)
  }

  /** Adds what is not there yet; how many items found no room or could not be made out. */
  async import(viewer: Did, items: readonly PrivateItem[]): Promise<number> {
    let refused = 0
    for (const piece of pieces(items, ITEMS_AT_ONCE))
      refused += await this.#writer.write(async (batch) =>
        importItems(batch, await batch.aidOf(viewer), piece),
      )
    return refused
  }
}

const TABLES = [
  'mute',
  'list_mute',
  'thread_mute',
  'draft',
  'notice_preference',
  'activity_subscription',
  'push_token',
  'seen',
]

/** Bookmarks that go in one transaction: each changes a count. */
const BOOKMARKS_AT_ONCE = 500

/**
 * Takes out what is known here alone of a deleted account. True when all of it is gone: until then it
 * has to be called again, in a transaction of its own.
 */
export async function forgetPrivateState(batch: Batch, aid: number): Promise<boolean> {
  const rows = await batch.sql.all<{ subject_aid: number; subject_rkey: string }>(
    `delete from bookmark where (aid, subject_aid, subject_rkey) in
       (select aid, subject_aid, subject_rkey from bookmark where aid = ? limit ?)
     returning subject_aid, subject_rkey`,
    [aid, BOOKMARKS_AT_ONCE],
  )
  for (const { subject_aid: subjectAid, subject_rkey: rkey } of rows)
    countBookmark(batch, aid, { subjectAid, rkey }, -1)
  if (rows.length === BOOKMARKS_AT_ONCE) return false
  for (const table of TABLES) await batch.sql.run(`delete from ${table} where aid = ?`, [aid])
  batch.changed.threadMutes.add(aid)
  batch.changed.noticePreferences.add(aid)
  batch.changed.subscriptions.add(aid)
  batch.changed.standings.add(aid)
  return true
}
