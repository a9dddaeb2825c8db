import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { listOf } from '../index/list.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import type { ListItem, ListKey } from './user-lists.ts'

export const STARTER_PACK = 'app.bsky.graph.starterpack'

/** People and feeds for somebody to begin with. */
export interface StarterPack {
  aid: number
  /** Of who made it. */
  did: Did
  rkey: string
  cid: string
  name: string
  description: string
  /** The record as it was written. */
  body: string
  indexedMs: number
  /** Its people are on this list of the same account. */
  list: ListKey
  /** AT-URIs of its feeds. */
  feeds: string[]
  joined: number
  /** Of the last seven days; not counted beyond JOINED_WEEK_MAX. */
  joinedWeek: number
  itemCount: number
}

interface Row {
  aid: number
  did: Did
  rkey: string
  cid: Uint8Array
  body: string
  indexed_ms: number
  joined: number | null
  joined_week: number
}

interface PageOf {
  cursor: string | undefined
  limit: number
}

const WEEK_US = 7 * 86_400_000_000
const JOINED_WEEK_MAX = 10_000
/** People shown of a pack. */
export const SAMPLE_MAX = 12
/** Lists of one query. */
const SAMPLES_AT_ONCE = 16
const FEEDS_MAX = 3
const RKEY_END = '\x7f'
const SAMPLE = `select * from (select i.aid, i.list_rkey, i.rkey, i.subject_aid,
    exists (select 1 from list_opt_out o where o.list_aid = i.aid and o.list_rkey = i.list_rkey
      and o.aid = i.subject_aid) as opted_out
  from list_item i where i.aid = ? and i.list_rkey = ? order by i.rkey desc limit ${SAMPLE_MAX}) part`

/** Starter packs: found by key, by who made them, by how many came by them. */
export class StarterPacks {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /** Those that are there, in the order asked for. */
  async byKeys(keys: readonly ListKey[]): Promise<StarterPack[]> {
    const found = new Map<string, StarterPack>()
    for (const piece of pieces(keys)) {
      const rows = await this.#sql.all<Row>(
        `select r.aid, a.did, r.rkey, r.cid, r.body, r.indexed_ms,
           (select c.items from item_count c where c.aid = r.aid
             and c.subject = 'app.bsky.graph.starterpack/' || r.rkey) as joined,
           (select count(*) from (select 1 from pack_join j where j.pack_aid = r.aid
             and j.pack_rkey = r.rkey and j.sort_us > ? limit ${JOINED_WEEK_MAX}) part) as joined_week
         from record r join actor a on a.aid = r.aid
         where r.collection = ? and (r.aid, r.rkey) in (${pairMarks(piece.length)})`,
        [this.#now() * 1000 - WEEK_US, STARTER_PACK, ...paddedPairs(piece)],
      )
      const packs = rows.map(packOf)
      const counts = await this.#itemCounts(packs.map(({ list }) => list))
      for (const pack of packs) {
        const itemCount = counts.get(pack.list.join('/')) ?? 0
        found.set(`${pack.aid}/${pack.rkey}`, { ...pack, itemCount })
      }
    }
    return keys.map((key) => found.get(key.join('/'))).filter((pack) => pack !== undefined)
  }

  /** Packs of one account, the last made first. */
  async of(aid: number, { cursor, limit }: PageOf) {
    const rows = await this.#sql.all<{ rkey: string }>(
      `select rkey from record where aid = ? and collection = ? and rkey < ?
       order by rkey desc limit ?`,
      [aid, STARTER_PACK, cursor ?? RKEY_END, limit],
    )
    const packs = await this.byKeys(rows.map(({ rkey }) => [aid, rkey] as const))
    return { packs, cursor: rows.length < limit ? undefined : rows.at(-1)!.rkey }
  }

  /** Packs by which most people came first; a cursor may follow any of them. */
  async mostJoined({ cursor, limit }: PageOf) {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const [items = Number.MAX_SAFE_INTEGER, aid = 0] = from?.numbers ?? []
    const rows = await this.#sql.all<{ aid: number; subject: string; items: number }>(
      `select aid, subject, items from item_count
       where subject >= 'app.bsky.graph.starterpack/' and subject < 'app.bsky.graph.starterpack0'
         and items <= ?1 and not (items = ?1 and (aid, subject) <= (?2, ?3))
       order by items desc, aid, subject limit ?4`,
      [items, aid, from ? `${STARTER_PACK}/${from.text}` : '', limit],
    )
    const keys = rows.map((row) => [row.aid, row.subject.slice(STARTER_PACK.length + 1)] as const)
    const last = rows.length < limit ? undefined : rows.at(-1)
    const cursors = new Map(keys.map((key, i) => [key.join('/'), cursorOf(rows[i]!.items, ...key)]))
    return {
      packs: await this.byKeys(keys),
      cursor: last && cursors.get(keys.at(-1)!.join('/')),
      cursorAt: ({ aid, rkey }: StarterPack) => cursors.get(`${aid}/${rkey}`),
    }
  }

  /** The people of lists who came on them last, by list key. */
  async samples(lists: readonly ListKey[]): Promise<Map<string, ListItem[]>> {
    const found = new Map<string, ListItem[]>()
    for (let i = 0; i < lists.length; i += SAMPLES_AT_ONCE) {
      const some = lists.slice(i, i + SAMPLES_AT_ONCE)
      const nobody = Array(SAMPLES_AT_ONCE - some.length).fill([0, '']) as ListKey[]
      const rows = await this.#sql.all<{
        aid: number
        list_rkey: string
        rkey: string
        subject_aid: number
        opted_out: number
      }>(Array(SAMPLES_AT_ONCE).fill(SAMPLE).join(' union all '), [...some, ...nobody].flat())
      for (const row of rows) {
        const key = `${row.aid}/${row.list_rkey}`
        const items = found.get(key)
        const item = { aid: row.subject_aid, rkey: row.rkey, isOptedOut: row.opted_out === 1 }
        if (items === undefined) found.set(key, [item])
        else items.push(item)
      }
    }
    return found
  }

  async #itemCounts(lists: readonly ListKey[]): Promise<Map<string, number>> {
    if (lists.length === 0) return new Map()
    const keys = lists.map(([aid, rkey]) => [aid, `app.bsky.graph.list/${rkey}`] as const)
    const rows = await this.#sql.all<{ aid: number; subject: string; items: number }>(
      `select aid, subject, items from item_count where (aid, subject) in (${pairMarks(keys.length)})`,
      paddedPairs(keys),
    )
    const rkeyOf = (subject: string) => subject.slice('app.bsky.graph.list/'.length)
    return new Map(rows.map((row) => [`${row.aid}/${rkeyOf(row.subject)}`, row.items]))
  }
}

function packOf(row: Row): StarterPack {
  // Records were checked when they were indexed.
  const record = JSON.parse(row.body) as {
    list: string
    name: string
    description?: string
    feeds?: { uri: string }[]
  }
  return {
    aid: row.aid,
    did: row.did,
    rkey: row.rkey,
    cid: cidText(row.cid as never),
    name: record.name,
    description: record.description ?? '',
    body: row.body,
    indexedMs: row.indexed_ms,
    list: [row.aid, listOf(record.list)?.rkey ?? ''],
    feeds: (record.feeds ?? []).slice(0, FEEDS_MAX).map(({ uri }) => uri),
    joined: row.joined ?? 0,
    joinedWeek: row.joined_week,
    itemCount: 0,
  }
}
