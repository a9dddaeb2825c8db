import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { IndexWriter } from '../index/writer.ts'
import { exportPage } from '../private-state/export.ts'
import { importItems } from '../private-state/import.ts'
import { forgetPrivateState } from '../private-state/private-state.ts'

const TABLES = [
  ...['activity_subscription', 'bookmark', 'draft', 'list_mute', 'mute', 'notice_preference'],
  ...['push_token', 'seen', 'thread_mute'],
]
const ACCOUNTS_AT_ONCE = 500
const ITEMS_AT_ONCE = 100
const TOUCHED = 'private_touched'

/**
 * Brings what is known of accounts in one index alone into another: all of them once, and then those
 * whose state changed since. Who changed it is noted by the database of the serving index, in a table
 * that goes with its connection.
 */
export class PrivateCopy {
  readonly #from: Sql
  readonly #to: IndexWriter

  constructor({ from, to }: { from: Sql; to: IndexWriter }) {
    this.#from = from
    this.#to = to
  }

  /** From here on changes are noted. */
  async watch(): Promise<void> {
    const from = this.#from
    await from.run(`create temp table if not exists ${TOUCHED} (aid integer primary key)`)
    await from.run(`delete from ${TOUCHED}`)
    for (const table of TABLES)
      for (const [event, row] of [
        ['insert', 'new'],
        ['update', 'new'],
        ['delete', 'old'],
      ])
        await from.run(
          `create temp trigger if not exists ${TOUCHED}_${table}_${event} after ${event}
           on main.${table} begin insert or ignore into ${TOUCHED} values (${row}.aid); end`,
        )
  }

  /** Everybody's, a few accounts at a time. */
  async all(signal: AbortSignal): Promise<void> {
    const some = TABLES.map((table) => `select aid from ${table} where aid > ?`).join(' union ')
    for (let after = 0; !signal.aborted; ) {
      const rows = await this.#from.all<{ aid: number }>(
        `${some} order by aid limit ${ACCOUNTS_AT_ONCE}`,
        TABLES.map(() => after),
      )
      for (const { aid } of rows) await this.#copy(aid)
      if (rows.length < ACCOUNTS_AT_ONCE) return
      after = rows.at(-1)!.aid
    }
  }

  /** Of those that changed since it was last asked. How many they were. */
  async touched(): Promise<number> {
    const rows = await this.#from.all<{ aid: number }>(`delete from ${TOUCHED} returning aid`)
    for (const { aid } of rows) await this.#copy(aid)
    return rows.length
  }

  async #copy(fromAid: number): Promise<void> {
    const to = this.#to
    const account = await this.#from.get<{ did: Did }>('select did from actor where aid = ?', [
      fromAid,
    ])
    if (account === undefined) return
    const { did } = account
    while (!(await to.write(async (batch) => forgetPrivateState(batch, await batch.aidOf(did)))));
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
      const page = await exportPage(this.#from, fromAid, { cursor, limit: ITEMS_AT_ONCE })
      await to.write(async (batch) => importItems(batch, await batch.aidOf(did), page.items))
      cursor = page.cursor
    }
    await this.#copyDevices(fromAid, did)
  }

  /** They stay at this service, so nobody takes them along elsewhere. */
  async #copyDevices(fromAid: number, did: Did): Promise<void> {
    const columns = 'platform, app_id, token, age_restricted, created_ms'
    const devices = await this.#from.all<Record<string, string | number>>(
      `select ${columns} from push_token where aid = ?`,
      [fromAid],
    )
    if (devices.length === 0) return
    await this.#to.write(async (batch) => {
      const aid = await batch.aidOf(did)
      await batch.sql.runMany(
        `insert into push_token (aid, ${columns}) values (?, ?, ?, ?, ?, ?) on conflict do nothing`,
        devices.map((row) => [aid, ...columns.split(', ').map((name) => row[name]!)]),
      )
    })
  }
}
