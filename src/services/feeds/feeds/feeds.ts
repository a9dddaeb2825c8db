/** The three feeds: what each shows, and in which order. */
import type { Sql, SqlValue } from '#platform/storage'
import type { AtUri, Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'

export interface FeedItem {
  uri: AtUri
  /** Why it is here, in one word, for whoever asks. */
  because: string
}

export interface FeedPage {
  items: FeedItem[]
  cursor: string | undefined
}

export interface Feed {
  rkey: string
  /** Arabic first. */
  displayName: string
  description: string
  /** It depends on who asks. */
  isPersonal: boolean
  page(
    sql: Sql,
    options: { viewer: Did | undefined; limit: number; cursor: string | undefined },
  ): Promise<FeedPage>
}

interface Row {
  did: Did
  aid: number
  rkey: string
  key: number
  because?: string
}

/** People whose posts one page looks at. */
const NEIGHBOURS_MAX = 5_000

export const feeds: readonly Feed[] = [
  {
    rkey: 'network',
    displayName: 'قريب منك · Near you',
    description:
      'أحدث ما كتبه من تتابعهم ومن يتابعونهم، بترتيب الزمن وحده.\n' +
      'The latest by people you follow and by people they follow, by time alone.',
    isPersonal: true,
    async page(sql, { viewer, limit, cursor }) {
      if (!viewer) throw new XrpcError(401, 'AuthenticationRequired', 'This feed is made for you')
      const at = readCursor(cursor)
      const rows = await sql.all<Row>(
        `WITH me AS (SELECT aid FROM actors WHERE did = ?),
           near AS (SELECT DISTINCT subject AS aid FROM follows WHERE aid IN me),
           far AS (SELECT DISTINCT subject AS aid FROM follows WHERE aid IN near),
           people AS (
             SELECT aid, 'followed' AS because FROM near
             UNION ALL
             SELECT aid, 'followed by people you follow' FROM far
               WHERE aid NOT IN near AND aid NOT IN me
             LIMIT ${NEIGHBOURS_MAX})
         SELECT a.did, p.aid, p.rkey, p.sort_ms AS key, n.because FROM posts p
           JOIN people n ON n.aid = p.aid JOIN actors a ON a.aid = p.aid
         WHERE a.active = 1 AND p.is_reply = 0 AND (p.sort_ms, p.aid, p.rkey) < (?, ?, ?)
         ORDER BY p.sort_ms DESC, p.aid DESC, p.rkey DESC LIMIT ?`,
        [viewer, ...at, limit],
      )
      return pageOf(rows, limit, 'followed')
    },
  },
  {
    rkey: 'liked',
    displayName: 'محبوب · Liked today',
    description:
      'أكثر ما أعجب الناس في هذه الأيام؛ ما مضى عليه ست ساعات يحتاج ضعف الإعجابات ليبقى.\n' +
      'What people like most these days; six hours later a post needs twice the likes to stay.',
    isPersonal: false,
    async page(sql, { limit, cursor }) {
      const rows = await sql.all<Row>(
        `SELECT a.did, p.aid, p.rkey, p.rank AS key FROM posts p JOIN actors a ON a.aid = p.aid
         WHERE p.rank IS NOT NULL AND a.active = 1 AND (p.rank, p.aid, p.rkey) < (?, ?, ?)
         ORDER BY p.rank DESC, p.aid DESC, p.rkey DESC LIMIT ?`,
        [...readCursor(cursor), limit],
      )
      return pageOf(rows, limit, 'liked by many')
    },
  },
  {
    rkey: 'photos',
    displayName: 'صور · Photos',
    description: 'كل منشور فيه صورة، الأحدث أولًا.\nEvery post with a picture, the newest first.',
    isPersonal: false,
    async page(sql, { limit, cursor }) {
      const rows = await sql.all<Row>(
        `SELECT a.did, p.aid, p.rkey, p.sort_ms AS key FROM posts p JOIN actors a ON a.aid = p.aid
         WHERE p.has_images = 1 AND p.is_reply = 0 AND a.active = 1
           AND (p.sort_ms, p.aid, p.rkey) < (?, ?, ?)
         ORDER BY p.sort_ms DESC, p.aid DESC, p.rkey DESC LIMIT ?`,
        [...readCursor(cursor), limit],
      )
      return pageOf(rows, limit, 'a picture')
    },
  },
]

function pageOf(rows: readonly Row[], limit: number, because: string): FeedPage {
  const items = rows.map((row) => ({
    uri: `at://${row.did}/app.bsky.feed.post/${row.rkey}` as AtUri,
    because: row.because ?? because,
  }))
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items, cursor: last && `${last.key}:${last.aid}:${last.rkey}` }
}

/** Where the last page ended. Throws InvalidRequest for what no page gave. */
function readCursor(cursor: string | undefined): [SqlValue, SqlValue, SqlValue] {
  if (cursor === undefined) return [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, '~']
  const [key, aid, rkey, ...rest] = cursor.split(':')
  const isNumber = (text: string | undefined) => text !== undefined && /^-?\d+(\.\d+)?$/.test(text)
  if (!isNumber(key) || !isNumber(aid) || !rkey || rest.length > 0) {
    throw invalidRequest('invalid cursor')
  }
  return [Number(key), Number(aid), rkey]
}
