import type { Sql } from '#platform/storage'
import { paddedPairs, pairMarks, pieces } from './lists.ts'

/** What people did to a record that is no post: a feed, a labeler. */
export interface RecordMarks {
  likes: number
  /** Record key of the viewer's own like. */
  like: string | undefined
}

/** Names a record: its account, and its collection/rkey. */
export type RecordKey = readonly [aid: number, path: string]

const UNTOUCHED: RecordMarks = { likes: 0, like: undefined }

/** Likes of records and the viewer's own (0: nobody's), in the order of the keys. */
export async function recordMarks(
  sql: Sql,
  keys: readonly RecordKey[],
  viewerAid: number,
): Promise<RecordMarks[]> {
  const found = new Map<string, RecordMarks>()
  for (const piece of pieces(keys)) {
    const rows = await sql.all<{ aid: number; subject: string; likes: number; own: string | null }>(
      `select c.aid, c.subject, c.likes, (select l.rkey from feed_like l where l.aid = ?
         and l.counted = 1 and l.subject_aid = c.aid and l.subject = c.subject limit 1) as own
       from subject_count c where (c.aid, c.subject) in (${pairMarks(piece.length)})`,
      [viewerAid, ...paddedPairs(piece)],
    )
    for (const { aid, subject, likes, own } of rows)
      found.set(`${aid}/${subject}`, { likes, like: own ?? undefined })
  }
  return keys.map((key) => found.get(key.join('/')) ?? UNTOUCHED)
}
