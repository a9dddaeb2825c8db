import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import { cursorOf, readCursor } from './cursor.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'

export const LIST = 'app.bsky.graph.list'

/** A list of accounts, as its owner describes it. */
export interface UserList {
  aid: number
  rkey: string
  cid: string
  record: Record<string, unknown>
  indexedMs: number
  itemCount: number
  /** The viewer mutes it. */
  isMuted: boolean
}

interface Row {
  aid: number
  rkey: string
  cid: Uint8Array
  body: string
  indexed_ms: number
  item_count: number
  is_muted: number
}

interface PageOf {
  cursor: string | undefined
  limit: number
}

const COLUMNS = `r.aid, r.rkey, r.cid, r.body, r.indexed_ms,
  (select count(*) from list_item i where i.aid = r.aid and i.list_rkey = r.rkey) as item_count,
  exists (select 1 from list_mute m where m.aid = ? and m.list_aid = r.aid and m.list_rkey = r.rkey)
    as is_muted`
const RKEY_END = '\x7f'

/** Lists that people make of accounts. */
export class UserLists {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  async byKeys(
    keys: readonly (readonly [aid: number, rkey: string])[],
    viewerAid: number,
  ): Promise<UserList[]> {
    const found: UserList[] = []
    for (const piece of pieces(keys)) {
      const rows = await this.#sql.all<Row>(
        `select ${COLUMNS} from record r
         where r.collection = ? and (r.aid, r.rkey) in (${pairMarks(piece.length)})`,
        [viewerAid, LIST, ...paddedPairs(piece)],
      )
      found.push(...rows.map(listOf))
    }
    return found
  }

  /** Lists of one account, the last made first. */
  async of(aid: number, { cursor, limit }: PageOf, viewerAid: number) {
    const rows = await this.#sql.all<Row>(
      `select ${COLUMNS} from record r
       where r.aid = ? and r.collection = ? and r.rkey < ? order by r.rkey desc limit ?`,
      [viewerAid, aid, LIST, cursor ?? RKEY_END, limit],
    )
    const next = rows.length < limit ? undefined : rows.at(-1)!.rkey
    return { lists: rows.map(listOf), cursor: next }
  }

  /** Who is on a list, the last added first. */
  async items(aid: number, listRkey: string, { cursor, limit }: PageOf) {
    const items = await this.#sql.all<{ rkey: string; subject_aid: number }>(
      `select rkey, subject_aid from list_item
       where aid = ? and list_rkey = ? and rkey < ? order by rkey desc limit ?`,
      [aid, listRkey, cursor ?? RKEY_END, limit],
    )
    const next = items.length < limit ? undefined : items.at(-1)!.rkey
    return {
      items: items.map(({ rkey, subject_aid }) => ({ rkey, aid: subject_aid })),
      cursor: next,
    }
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
    const next = last && cursorOf(...last)
    return { keys, cursor: next }
  }
}

function listOf(row: Row): UserList {
  return {
    aid: row.aid,
    rkey: row.rkey,
    cid: cidText(row.cid),
    record: JSON.parse(row.body),
    indexedMs: row.indexed_ms,
    itemCount: row.item_count,
    isMuted: row.is_muted === 1,
  }
}
