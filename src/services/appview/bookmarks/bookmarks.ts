import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'
import { type Room, requireRoom } from '../private-state/room.ts'
import { cursorOf, readCursor } from '../read/cursor.ts'
import type { Resolver } from '../read/resolver.ts'
import type { PostRef } from '../views/post.ts'

const ROOM: Room = {
  table: 'bookmark',
  max: 20_000,
  error: 'TooManyBookmarks',
  what: 'posts can be put aside',
}

/** A post that an account put aside. */
export interface Bookmark {
  ref: PostRef
  /** The version that was put aside. */
  cid: string
  createdUs: number
}

interface Row {
  did: Did
  subject_aid: number
  subject_rkey: string
  subject_cid: string
  created_us: number
}

/** Posts that accounts put aside for themselves: known here only, but for their number. */
export class Bookmarks {
  readonly #sql: Sql
  readonly #writer: IndexWriter
  readonly #resolver: Resolver

  constructor(parts: { sql: Sql; writer: IndexWriter; resolver: Resolver }) {
    this.#sql = parts.sql
    this.#writer = parts.writer
    this.#resolver = parts.resolver
  }

  /** Twice is once. Errors: UnsupportedCollection, TooManyBookmarks. */
  async add(viewer: Did, uri: string, cid: string): Promise<void> {
    const { did, rkey } = await this.#postOf(uri)
    await this.#writer.write(async (batch) => {
      await putBookmark(batch, await batch.aidOf(viewer), {
        subjectAid: await batch.aidOf(did),
        rkey,
        cid,
        createdUs: batch.nowMs * 1000,
      })
    })
  }

  /** Errors: UnsupportedCollection. */
  async remove(viewer: Did, uri: string): Promise<void> {
    const { did, rkey } = await this.#postOf(uri)
    await this.#writer.write(async (batch) => {
      const [aid, subjectAid] = [await batch.aidOf(viewer), await batch.aidOf(did)]
      const where = 'aid = ? and subject_aid = ? and subject_rkey = ?'
      const { changes } = await batch.sql.run(`delete from bookmark where ${where}`, [
        aid,
        subjectAid,
        rkey,
      ])
      if (changes > 0) countBookmark(batch, aid, { subjectAid, rkey }, -1)
    })
  }

  /** The last put aside first. */
  async page(
    aid: number,
    { cursor, limit }: { cursor: string | undefined; limit: number },
  ): Promise<{ bookmarks: Bookmark[]; cursor: string | undefined }> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const rows = await this.#sql.all<Row>(
      `select a.did, b.subject_aid, b.subject_rkey, b.subject_cid, b.created_us
       from bookmark b cross join actor a where a.aid = b.subject_aid and b.aid = ?
       ${from ? 'and (b.created_us, b.subject_aid, b.subject_rkey) < (?, ?, ?)' : ''}
       order by b.created_us desc, b.subject_aid desc, b.subject_rkey desc limit ?`,
      [aid, ...(from ? [...from.numbers, from.text] : []), limit],
    )
    const last = rows.length < limit ? undefined : rows.at(-1)
    return {
      bookmarks: rows.map(bookmarkOf),
      cursor: last && cursorOf(last.created_us, last.subject_aid, last.subject_rkey),
    }
  }

  async #postOf(uri: string): Promise<{ did: Did; rkey: string }> {
    const post = await this.#resolver.postName(uri)
    if (post !== undefined) return post
    throw new XrpcError(400, 'UnsupportedCollection', 'Only posts can be put aside')
  }
}

function bookmarkOf({ did, subject_aid: aid, subject_rkey: rkey, ...row }: Row): Bookmark {
  const uri = `at://${did}/app.bsky.feed.post/${rkey}`
  const ref = { key: `${aid}/${rkey}`, aid, uri }
  return { ref, cid: row.subject_cid, createdUs: row.created_us }
}

interface Subject {
  subjectAid: number
  rkey: string
}

/** Puts a post aside within a transaction; nothing when it is. Throws TooManyBookmarks. */
export async function putBookmark(
  batch: Batch,
  aid: number,
  { subjectAid, rkey, cid, createdUs }: Subject & { cid: string; createdUs: number },
): Promise<void> {
  const known = await batch.sql.get(
    'select 1 from bookmark where aid = ? and subject_aid = ? and subject_rkey = ?',
    [aid, subjectAid, rkey],
  )
  if (known !== undefined) return
  await requireRoom(batch, ROOM, aid)
  await batch.sql.run(
    `insert into bookmark (aid, subject_aid, subject_rkey, subject_cid, created_us)
     values (?, ?, ?, ?, ?)`,
    [aid, subjectAid, rkey, cid, createdUs],
  )
  countBookmark(batch, aid, { subjectAid, rkey }, 1)
}

/** A bookmark came or went. */
export function countBookmark(
  batch: Batch,
  aid: number,
  { subjectAid, rkey }: Subject,
  delta: 1 | -1,
): void {
  batch.countSubject(subjectAid, rkey, 'bookmarks', delta)
  batch.changed.marks.push([aid, `${subjectAid}/${rkey}`])
}
