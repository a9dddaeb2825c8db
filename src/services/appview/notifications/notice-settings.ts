import type { Did } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'
import type { Preferences } from '../read/notice-preferences.ts'

/** What an account set; what it did not is undefined. */
export interface NoticeSetting {
  priority?: boolean | undefined
  preferences?: Partial<Preferences> | undefined
}

/** Takes what accounts want to be told. */
export class NoticeSettings {
  readonly #writer: IndexWriter

  constructor({ writer }: { writer: IndexWriter }) {
    this.#writer = writer
  }

  /** Changes what is named and leaves the rest. */
  async change(viewer: Did, setting: NoticeSetting): Promise<void> {
    await this.#writer.write(async (batch) =>
      changeNoticeSetting(batch, await batch.aidOf(viewer), setting),
    )
  }
}

/** Changes what an account wants to be told, within a transaction. */
export async function changeNoticeSetting(
  batch: Batch,
  aid: number,
  { priority, preferences = {} }: NoticeSetting,
): Promise<void> {
  const row = await batch.sql.get<{ priority: number; body: string }>(
    'select priority, body from notice_preference where aid = ?',
    [aid],
  )
  const before = row ? JSON.parse(row.body) : {}
  await batch.sql.run(
    `insert into notice_preference (aid, priority, body) values (?, ?, ?)
     on conflict (aid) do update set priority = excluded.priority, body = excluded.body`,
    [
      aid,
      priority === undefined ? (row?.priority ?? 0) : Number(priority),
      JSON.stringify({ ...before, ...preferences }),
    ],
  )
  batch.changed.noticePreferences.add(aid)
}
