import type { Sql } from '#platform/storage'
import type { Label } from '#protocol/label'
import type { Did } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'

/** Labels of one labeler that are kept. */
const LABELS_MAX = 1_000_000

/** Brings labels into the index, with how far their labeler was read. */
export class LabelStore {
  readonly #sql: Sql
  readonly #writer: IndexWriter
  readonly #counts = new Map<Did, number>()

  constructor({ sql, writer }: { sql: Sql; writer: IndexWriter }) {
    this.#sql = sql
    this.#writer = writer
  }

  async cursor(did: Did): Promise<number> {
    const row = await this.#sql.get<{ cursor: number }>(
      'select cursor from labeler where did = ?',
      [did],
    )
    return row?.cursor ?? 0
  }

  /** Labels in their order, checked, and the cursor after them, in one transaction. */
  async apply(
    did: Did,
    labels: readonly Label[],
    cursor: number,
  ): Promise<{ applied: number; over: number }> {
    let count = this.#counts.get(did) ?? (await this.#countOf(did))
    let over = 0
    await this.#writer.write(async (batch) => {
      for (const label of labels) {
        const change = label.neg ? await remove(batch, label) : await put(batch, label, count)
        if (change === undefined) over++
        else count += change
      }
      await batch.sql.run(
        `insert into labeler (did, cursor) values (?, ?)
         on conflict (did) do update set cursor = excluded.cursor`,
        [did, cursor],
      )
    })
    this.#counts.set(did, count)
    return { applied: labels.length - over, over }
  }

  async #countOf(did: Did): Promise<number> {
    const row = await this.#sql.get<{ count: number }>(
      'select count(*) as count from label where src = ?',
      [did],
    )
    return row!.count
  }
}

async function remove(batch: Batch, { uri, src, val }: Label): Promise<number> {
  const sql = 'delete from label where uri = ? and src = ? and val = ?'
  const { changes } = await batch.sql.run(sql, [uri, src, val])
  if (changes > 0) batch.changed.labels.add(uri)
  return -changes
}

/** How many more there are; undefined when there may be no more. */
async function put(batch: Batch, label: Label, count: number): Promise<number | undefined> {
  const { uri, src, val, cid, exp } = label
  const find = 'select 1 from label where uri = ? and src = ? and val = ?'
  const isKnown = (await batch.sql.get(find, [uri, src, val])) !== undefined
  if (!isKnown && count >= LABELS_MAX) return undefined
  await batch.sql.run(
    `insert into label (uri, src, val, cid, exp_ms, json) values (?, ?, ?, ?, ?, ?)
     on conflict (uri, src, val) do update
     set cid = excluded.cid, exp_ms = excluded.exp_ms, json = excluded.json`,
    [uri, src, val, cid ?? null, exp === undefined ? null : Date.parse(exp), JSON.stringify(label)],
  )
  batch.changed.labels.add(uri)
  return isKnown ? 0 : 1
}
