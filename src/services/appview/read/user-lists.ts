import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { LIST_PURPOSES } from '../index/list.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'

export { LIST } from '../index/list.ts'

export type ListKey = readonly [aid: number, rkey: string]

/** A list of accounts, as its owner describes it. */
export interface UserList {
  aid: number
  /** Of its owner. */
  did: Did
  rkey: string
  cid: string
  record: Record<string, unknown>
  indexedMs: number
  itemCount: number
  /** The viewer mutes it. */
  isMuted: boolean
  /** Record key of the viewer's block of it. */
  block: string | undefined
  /** Record key of the viewer's wish not to be shown on it. */
  optOut: string | undefined
}

export interface ListItem {
  aid: number
  rkey: string
  /** The account does not want to be shown on it. */
  isOptedOut: boolean
}

interface Row {
  aid: number
  did: Did
  rkey: string
  cid: Uint8Array
  body: string
  indexed_ms: number
  item_count: number | null
  is_muted: number
  block: string | null
  opt_out: string | null
}

interface PageOf {
  cursor: string | undefined
  limit: number
}

const COLUMNS = `r.aid, a.did, r.rkey, r.cid, r.body, r.indexed_ms,
  (select items from item_count c where c.aid = r.aid
    and c.subject = 'app.bsky.graph.list/' || r.rkey) as item_count,
  exists (select 1 from list_mute m where m.aid = ? and m.list_aid = r.aid and m.list_rkey = r.rkey)
    as is_muted,
  (select b.rkey from list_block b where b.aid = ? and b.list_aid = r.aid and b.list_rkey = r.rkey
    limit 1) as block,
  (select o.rkey from list_opt_out o where o.list_aid = r.aid and o.list_rkey = r.rkey and o.aid = ?
    limit 1) as opt_out`
const RKEY_END = '\x7f'
const OF_ONE_PURPOSE = `select * from (select rkey from user_list
  where aid = ? and purpose = ? and rkey < ? order by rkey desc limit ?) part`

/** Purposes by the names that callers use; without any, those that are lists by themselves. */
function purposesOf(names: readonly string[] | undefined): number[] {
  const wanted = names ?? ['modlist', 'curatelist']
  return LIST_PURPOSES.flatMap((name, i) => (i > 0 && wanted.includes(name) ? [i] : []))
}

/** Lists that people make of accounts. */
export class UserLists {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** Those that are there, in the order asked for. */
  async byKeys(keys: readonly ListKey[], viewerAid: number): Promise<UserList[]> {
    const found = new Map<string, UserList>()
    for (const piece of pieces(keys)) {
      const rows = await this.#sql.all<Row>(
        `select ${COLUMNS} from record r join actor a on a.aid = r.aid
         where r.collection = 'app.bsky.graph.list' and (r.aid, r.rkey) in (${pairMarks(piece.length)})`,
        [viewerAid, viewerAid, viewerAid, ...paddedPairs(piece)],
      )
      for (const row of rows) found.set(`${row.aid}/${row.rkey}`, listOf(row))
    }
    return keys.map((key) => found.get(key.join('/'))).filter((list) => list !== undefined)
  }

  /** Lists of one account, the last made first. */
  async of(
    aid: number,
    { cursor, limit, purposes }: PageOf & { purposes?: readonly string[] | undefined },
    viewerAid: number,
  ) {
    const wanted = purposesOf(purposes)
    if (wanted.length === 0) return { lists: [], cursor: undefined }
    const rows = await this.#sql.all<{ rkey: string }>(
      wanted.map(() => OF_ONE_PURPOSE).join(' union all '),
      wanted.flatMap((purpose) => [aid, purpose, cursor ?? RKEY_END, limit]),
    )
    const rkeys = rows.map((row) => row.rkey).sort((a, b) => (a < b ? 1 : -1))
    const page = rkeys.slice(0, limit)
    const lists = await this.byKeys(
      page.map((rkey) => [aid, rkey]),
      viewerAid,
    )
    return { lists, cursor: page.length < limit ? undefined : page.at(-1) }
  }

  /** Who is on a list, the last added first. */
  async items(
    [aid, listRkey]: ListKey,
    { cursor, limit }: PageOf,
  ): Promise<{ items: ListItem[]; cursor: string | undefined }> {
    const items = await this.#sql.all<{ rkey: string; subject_aid: number; opted_out: number }>(
      `select i.rkey, i.subject_aid, exists (select 1 from list_opt_out o
         where o.list_aid = i.aid and o.list_rkey = i.list_rkey and o.aid = i.subject_aid) as opted_out
       from list_item i
       where i.aid = ? and i.list_rkey = ? and i.rkey < ? order by i.rkey desc limit ?`,
      [aid, listRkey, cursor ?? RKEY_END, limit],
    )
    return {
      items: items.map(({ rkey, subject_aid, opted_out }) => ({
        rkey,
        aid: subject_aid,
        isOptedOut: opted_out === 1,
      })),
      cursor: items.length < limit ? undefined : items.at(-1)!.rkey,
    }
  }

  /** Of these lists, those an account is on: the item's record key by list key. */
  async memberships(lists: readonly ListKey[], aid: number): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const piece of pieces(lists)) {
      const rows = await this.#sql.all<{ aid: number; list_rkey: string; rkey: string }>(
        `select aid, list_rkey, rkey from list_item
         where subject_aid = ? and (aid, list_rkey) in (${pairMarks(piece.length)})`,
        [aid, ...paddedPairs(piece)],
      )
      for (const row of rows) found.set(`${row.aid}/${row.list_rkey}`, row.rkey)
    }
    return found
  }

  /** Keys of the lists an account mutes. */
  async mutedBy(aid: number, { cursor, limit }: PageOf) {
    const { numbers, text } = readCursor(cursor ?? '0:', 1)
    const rows = await this.#sql.all<{ list_aid: number; list_rkey: string }>(
      `select list_aid, list_rkey from list_mute
       where aid = ? and (list_aid, list_rkey) > (?, ?) order by list_aid, list_rkey limit ?`,
      [aid, ...numbers, text, limit],
    )
    const keys = rows.map(({ list_aid, list_rkey }) => [list_aid, list_rkey] as const)
    const last = rows.length < limit ? undefined : keys.at(-1)
    return { keys, cursor: last && cursorOf(...last) }
  }

  /** Keys of the lists an account blocks, the last blocked first; each once. */
  async blockedBy(aid: number, { cursor, limit }: PageOf) {
    const rows = await this.#sql.all<{ rkey: string; list_aid: number; list_rkey: string }>(
      `select b.rkey, b.list_aid, b.list_rkey from list_block b where b.aid = ? and b.rkey < ?
         and not exists (select 1 from list_block n where n.aid = b.aid
           and n.list_aid = b.list_aid and n.list_rkey = b.list_rkey and n.rkey > b.rkey)
       order by b.rkey desc limit ?`,
      [aid, cursor ?? RKEY_END, limit],
    )
    const keys = rows.map(({ list_aid, list_rkey }) => [list_aid, list_rkey] as const)
    return { keys, cursor: rows.length < limit ? undefined : rows.at(-1)!.rkey }
  }
}

function listOf(row: Row): UserList {
  return {
    aid: row.aid,
    did: row.did,
    rkey: row.rkey,
    cid: cidText(row.cid),
    record: JSON.parse(row.body),
    indexedMs: row.indexed_ms,
    itemCount: row.item_count ?? 0,
    isMuted: row.is_muted === 1,
    block: row.block ?? undefined,
    optOut: row.opt_out ?? undefined,
  }
}
