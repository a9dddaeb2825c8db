import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import { cursorOf, readCursor } from './cursor.ts'
import { marks, padded, paddedPairs, pairMarks, pieces } from './lists.ts'

/** An account at the other end of an edge. */
export interface EdgeEnd {
  aid: number
  createdAt: string
  sortUs: number
}

export interface EdgePage {
  ends: EdgeEnd[]
  cursor: string | undefined
}

interface PageOf {
  cursor: string | undefined
  limit: number
}

interface Row {
  aid: number
  rkey: string
  created_at: string
  sort_us: number
}

export interface RepostEnd {
  cid: string
  /** Key of the post. */
  post: string
  sortMs: number
}

interface RepostRow {
  aid: number
  rkey: string
  cid: Uint8Array
  subject_aid: number
  subject: string
  sort_us: number
}

/** Follows looked at for those known to somebody. */
const KNOWN_AT_ONCE = 1_000

/** Lists of edges: who follows, who likes, whom somebody follows or blocks. */
export class Edges {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** Followers, those who came last first. */
  followers(aid: number, page: PageOf): Promise<EdgePage> {
    return this.#inward('follow', 'subject_aid = ?', [aid], page)
  }

  /** Who liked a post, given by account and record key. */
  likers(aid: number, subject: string, page: PageOf): Promise<EdgePage> {
    return this.#inward('feed_like', 'subject_aid = ? and subject = ?', [aid, subject], page)
  }

  reposters(aid: number, subject: string, page: PageOf): Promise<EdgePage> {
    return this.#inward('repost', 'subject_aid = ? and subject = ?', [aid, subject], page)
  }

  /** Whom an account follows. Record keys are timestamps, so their order is that of following. */
  follows(aid: number, page: PageOf): Promise<EdgePage> {
    return this.#outward('follow', aid, page)
  }

  blocks(aid: number, page: PageOf): Promise<EdgePage> {
    return this.#outward('block', aid, page)
  }

  /** Posts an account liked, as keys, the last liked first. */
  async liked(aid: number, { cursor, limit }: PageOf) {
    const rows = await this.#sql.all<{ rkey: string; post: string }>(
      `select rkey, subject_aid || '/' || subject as post from feed_like
       where aid = ? and rkey < ? and counted = 1 and subject not like '%/%'
       order by rkey desc limit ?`,
      [aid, cursor ?? RKEY_END, limit],
    )
    const last = rows.length < limit ? undefined : rows[rows.length - 1]!.rkey
    return { posts: rows.map((row) => row.post), cursor: last }
  }

  /** Keys of the posts that quote a post, the newest first. */
  async quotes(aid: number, rkey: string, { cursor, limit }: PageOf) {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const rows = await this.#sql.all<{ aid: number; rkey: string; sort_us: number }>(
      `select aid, rkey, sort_us from post
       where quote_aid is not null and quote_aid = ? and quote_rkey = ?
       ${from ? 'and (sort_us, aid, rkey) < (?, ?, ?)' : ''}
       order by sort_us desc, aid desc, rkey desc limit ?`,
      [aid, rkey, ...(from ? [...from.numbers, from.text] : []), limit],
    )
    const last = rows.length < limit ? undefined : rows[rows.length - 1]
    return {
      posts: rows.map((row) => `${row.aid}/${row.rkey}`),
      cursor: last && cursorOf(last.sort_us, last.aid, last.rkey),
    }
  }

  /** Reposts by `aid/rkey`. */
  async reposts(keys: readonly (readonly [number, string])[]): Promise<Map<string, RepostEnd>> {
    const found = new Map<string, RepostEnd>()
    for (const piece of pieces(keys)) {
      const rows = await this.#sql.all<RepostRow>(
        `select aid, rkey, cid, subject_aid, subject, sort_us from repost
         where (aid, rkey) in (${pairMarks(piece.length)})`,
        paddedPairs(piece),
      )
      for (const { aid, rkey, cid, subject_aid, subject, sort_us } of rows) {
        const post = `${subject_aid}/${subject}`
        found.set(`${aid}/${rkey}`, { cid: cidText(cid), post, sortMs: Math.floor(sort_us / 1000) })
      }
    }
    return found
  }

  /**
   * Of those a viewer follows, who follows an account: whom it followed last, first. Looks at so many
   * follows in one go and no more; a page may be short and go on.
   */
  async knownFollowers(
    viewerAid: number,
    subject: number,
    { cursor, limit }: PageOf,
  ): Promise<EdgePage> {
    const followed = await this.#outward('follow', viewerAid, {
      cursor,
      limit: KNOWN_AT_ONCE,
    })
    const known = new Set<number>()
    for (const piece of pieces(followed.rows)) {
      const rows = await this.#sql.all<{ aid: number }>(
        `select aid from follow
         where counted = 1 and subject_aid = ? and aid in (${marks(piece.length)})`,
        [subject, ...padded(piece.map(({ aid }) => aid))],
      )
      for (const { aid } of rows) known.add(aid)
    }
    const found = followed.rows.filter(({ aid }) => known.has(aid))
    const page = found.slice(0, limit)
    const isAll = page.length === found.length
    return { ends: endsOf(page), cursor: isAll ? followed.cursor : page.at(-1)!.rkey }
  }

  async #inward(
    table: string,
    subject: string,
    params: (number | string)[],
    { cursor, limit }: PageOf,
  ): Promise<EdgePage> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const rows = await this.#sql.all<Row>(
      `select aid, rkey, created_at, sort_us from ${table} where ${subject} and counted = 1
       ${from ? 'and (sort_us, aid, rkey) < (?, ?, ?)' : ''}
       order by sort_us desc, aid desc, rkey desc limit ?`,
      [...params, ...(from ? [...from.numbers, from.text] : []), limit],
    )
    const last = rows.length < limit ? undefined : rows[rows.length - 1]
    return { ends: endsOf(rows), cursor: last && cursorOf(last.sort_us, last.aid, last.rkey) }
  }

  async #outward(table: string, aid: number, { cursor, limit }: PageOf): Promise<OutwardPage> {
    const rows = await this.#sql.all<Row>(
      `select subject_aid as aid, rkey, created_at, sort_us from ${table}
       where aid = ? and rkey < ? and counted = 1 order by rkey desc limit ?`,
      [aid, cursor ?? RKEY_END, limit],
    )
    const last = rows.length < limit ? undefined : rows[rows.length - 1]!.rkey
    return { ends: endsOf(rows), rows, cursor: last }
  }
}

interface OutwardPage extends EdgePage {
  rows: Row[]
}

/** After every record key. */
const RKEY_END = '\x7f'

function endsOf(rows: readonly Row[]): EdgeEnd[] {
  return rows.map(({ aid, created_at, sort_us }) => ({
    aid,
    createdAt: created_at,
    sortUs: sort_us,
  }))
}
