import { type CidBytes, equalBytes } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import type { Batch } from './batch.ts'
import {
  type CollectionIndex,
  type IndexedRecord,
  rkeysOf,
  sortUsOf,
  UnusableRecord,
} from './collection.ts'

/** One edge from an account to an account or a record, as its row says it. */
export interface Edge {
  aid: number
  rkey: string
  subjectAid: number
  /** Record key of a post, collection/rkey of another record, empty for an account. */
  subject: string
  cid: CidBytes
  sortUs: number
  /** The repost by which its author came to the subject, as the author says. */
  via?: { did: Did; rkey: string } | undefined
}

/** What a sort of edge does besides being an edge. */
export interface EdgeKind<R extends { createdAt: string }> {
  collection: CollectionIndex['collection']
  table: 'feed_like' | 'repost' | 'follow' | 'block'
  /** Whether subjects are records; else they are accounts. */
  toRecords: boolean
  /** Where the edge points to; undefined when it cannot be indexed. */
  subjectOf(record: R): { did: Did; subject: string; cid: string } | undefined
  /** The repost that led to it. Edges to records have one, and then their body is stored. */
  viaOf?(record: R): Edge['via']
  /** The record as its columns tell it: the body is stored only where it says more. */
  plain(record: R): object
  /** The edge is the first of its pair, and counts. */
  added(batch: Batch, edge: Edge): Promise<void> | void
  /** The edge was the one that counted. */
  removed(batch: Batch, edge: Edge): Promise<void> | void
}

interface EdgeRow {
  subject_aid: number
  subject?: string
  cid: Uint8Array
  sort_us: number
  counted: number
}

interface PromotedRow {
  rkey: string
  cid: Uint8Array
  sort_us: number
  body: string | null
}

/** Indexes a collection of edges: two edges of one pair are both kept, and one of them counts. */
export function edgeIndex<R extends { createdAt: string }>(kind: EdgeKind<R>): CollectionIndex {
  const { table, toRecords } = kind
  const pair = toRecords
    ? 'aid = ? and subject_aid = ? and subject = ?'
    : 'aid = ? and subject_aid = ?'
  const columns = toRecords ? 'subject_aid, subject, subject_cid' : 'subject_aid'
  const returning = toRecords
    ? 'subject_aid, subject, cid, sort_us, counted'
    : 'subject_aid, cid, sort_us, counted'
  const insertSql = `insert into ${table} (aid, rkey, cid, created_at, sort_us, body, ${columns}, counted)
    values (?, ?, ?, ?, ?, ?, ${toRecords ? '?, ?, ?' : '?'},
      case when exists (select 1 from ${table} where ${pair} and counted = 1) then 0 else 1 end)
    on conflict (aid, rkey) do nothing returning counted`
  const deleteSql = `delete from ${table} where aid = ? and rkey = ? returning ${returning}`
  const promoteSql = `update ${table} set counted = 1 where aid = ? and rkey =
    (select rkey from ${table} where ${pair} and counted = 0 limit 1)
    returning rkey, cid, sort_us, body`
  const pairOf = (aid: number, subjectAid: number, subject: string) =>
    toRecords ? [aid, subjectAid, subject] : [aid, subjectAid]

  async function insert(batch: Batch, record: IndexedRecord): Promise<boolean> {
    const { aid, rkey, cid, seenMs } = record
    const value = record.value as R
    const to = kind.subjectOf(value)
    if (to === undefined) throw new UnusableRecord('an edge to something that is not indexed')
    const { createdAt } = value
    const sortUs = sortUsOf(createdAt, seenMs)
    const subjectAid = await batch.aidOf(to.did)
    const body = JSON.stringify(value)
    const row = await batch.sql.get<{ counted: number }>(insertSql, [
      aid,
      rkey,
      cid,
      createdAt,
      sortUs,
      body === JSON.stringify(kind.plain(value)) ? null : body,
      subjectAid,
      ...(toRecords ? [to.subject, to.cid] : []),
      ...pairOf(aid, subjectAid, to.subject),
    ])
    if (row?.counted === 1)
      await kind.added(batch, {
        aid,
        rkey,
        subjectAid,
        subject: to.subject,
        cid,
        sortUs,
        via: kind.viaOf?.(value),
      })
    return row !== undefined
  }

  const index: CollectionIndex = {
    collection: kind.collection,
    async put(batch, record) {
      if (await insert(batch, record)) return
      const row = await batch.sql.get<{ cid: Uint8Array }>(
        `select cid from ${table} where aid = ? and rkey = ?`,
        [record.aid, record.rkey],
      )
      if (row !== undefined && equalBytes(row.cid, record.cid)) return
      await index.remove(batch, record.aid, record.rkey)
      await insert(batch, record)
    },
    async remove(batch, aid, rkey) {
      const row = await batch.sql.get<EdgeRow>(deleteSql, [aid, rkey])
      if (row === undefined || row.counted === 0) return
      const { subject_aid: subjectAid, subject = '', cid, sort_us: sortUs } = row
      await kind.removed(batch, { aid, rkey, subjectAid, subject, cid, sortUs })
      const next = await batch.sql.get<PromotedRow>(promoteSql, [
        aid,
        ...pairOf(aid, subjectAid, subject),
      ])
      if (next === undefined) return
      const via = next.body === null ? undefined : kind.viaOf?.(JSON.parse(next.body) as R)
      const promoted = { rkey: next.rkey, cid: next.cid, sortUs: next.sort_us, via }
      await kind.added(batch, { aid, subjectAid, subject, ...promoted })
    },
    rkeys: (...args) => rkeysOf(table, ...args),
  }
  return index
}
