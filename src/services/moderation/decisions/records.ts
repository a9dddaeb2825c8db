import type { Sql, SqlValue } from '#platform/storage'
import { invalidRequest } from '#protocol/xrpc'
import type { EventRow } from './event-view.ts'
import type { ReviewState, SubjectRow } from './status.ts'

export interface StatusFilter {
  /** Key of one subject. */
  subject?: string | undefined
  /** Also every record of the subject's account. */
  allOfAccount?: boolean | undefined
  subjectType?: string | undefined
  collections?: readonly string[] | undefined
  reviewState?: ReviewState | undefined
  appealed?: boolean | undefined
  takendown?: boolean | undefined
  lastReviewedBy?: string | undefined
  sortField: 'lastReportedAt' | 'lastReviewedAt'
  ascending: boolean
  limit: number
  cursor?: string | undefined
}

export interface EventFilter {
  subject?: string | undefined
  allOfAccount?: boolean | undefined
  types?: readonly string[] | undefined
  createdBy?: string | undefined
  ascending: boolean
  limit: number
  cursor?: string | undefined
}

export interface Page<T> {
  rows: T[]
  cursor: string | undefined
}

const EVENT_COLUMNS = `e.id, s.key, s.did, e.cid, e.type, e.body, e.blob_cids, e.created_by, e.created_ms`

/** Reads where subjects stand, and their history. */
export class Records {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  subject(key: string): Promise<SubjectRow | undefined> {
    return this.#sql.get('select * from subject where key = ?', [key])
  }

  /** What was decided about an account and its records, newest first. */
  ofAccount(did: string, limit: number): Promise<SubjectRow[]> {
    const sql = 'select * from subject where did = ? order by updated_ms desc, id desc limit ?'
    return this.#sql.all(sql, [did, limit])
  }

  event(id: number): Promise<EventRow | undefined> {
    const from = 'from event e join subject s on s.id = e.subject_id'
    return this.#sql.get(`select ${EVENT_COLUMNS} ${from} where e.id = ?`, [id])
  }

  /** Reports by one account since an instant. */
  async reportsBy(did: string, sinceMs: number): Promise<number> {
    const row = await this.#sql.get<{ count: number }>(
      `select count(*) as count from event
       where created_by = ? and type = 'modEventReport' and created_ms > ?`,
      [did, sinceMs],
    )
    return row!.count
  }

  /** The same report by the same account since an instant. */
  sameReport(
    subjectId: number,
    by: string,
    body: string,
    sinceMs: number,
  ): Promise<EventRow | undefined> {
    return this.#sql.get(
      `select ${EVENT_COLUMNS} from event e join subject s on s.id = e.subject_id
       where e.created_by = ? and e.type = 'modEventReport' and e.created_ms > ?
         and e.subject_id = ? and e.body = ? limit 1`,
      [by, sinceMs, subjectId, body],
    )
  }

  async statuses(filter: StatusFilter): Promise<Page<SubjectRow>> {
    const column = filter.sortField === 'lastReviewedAt' ? 'last_reviewed_ms' : 'last_reported_ms'
    const where = statusConditions(filter)
    if (filter.cursor !== undefined) {
      const order = filter.ascending ? '>' : '<'
      where.add(`(${column}, id) ${order} (?, ?)`, ...pairCursor(filter.cursor))
    }
    const direction = filter.ascending ? 'asc' : 'desc'
    const rows = await this.#sql.all<SubjectRow>(
      `select * from subject ${where.text} order by ${column} ${direction}, id ${direction} limit ?`,
      [...where.values, filter.limit],
    )
    const last = rows.length === filter.limit ? rows.at(-1) : undefined
    return { rows, cursor: last && `${last[column]}:${last.id}` }
  }

  async events(filter: EventFilter): Promise<Page<EventRow>> {
    const where = new Conditions()
    addSubject(where, filter, 's.')
    if (filter.types?.length) where.addIn('e.type', filter.types)
    if (filter.createdBy !== undefined) where.add('e.created_by = ?', filter.createdBy)
    if (filter.cursor !== undefined)
      where.add(`e.id ${filter.ascending ? '>' : '<'} ?`, natural(filter.cursor))
    const rows = await this.#sql.all<EventRow>(
      `select ${EVENT_COLUMNS} from event e join subject s on s.id = e.subject_id ${where.text}
       order by e.id ${filter.ascending ? 'asc' : 'desc'} limit ?`,
      [...where.values, filter.limit],
    )
    const last = rows.length === filter.limit ? rows.at(-1) : undefined
    return { rows, cursor: last && String(last.id) }
  }
}

class Conditions {
  readonly values: SqlValue[] = []
  readonly #parts: string[] = []

  add(condition: string, ...values: SqlValue[]): void {
    this.#parts.push(condition)
    this.values.push(...values)
  }

  addIn(column: string, values: readonly string[]): void {
    this.add(`${column} in (${values.map(() => '?').join(', ')})`, ...values)
  }

  get text(): string {
    return this.#parts.length === 0 ? '' : `where ${this.#parts.join(' and ')}`
  }
}

function addSubject(
  where: Conditions,
  { subject, allOfAccount }: { subject?: string | undefined; allOfAccount?: boolean | undefined },
  table = '',
): void {
  if (subject === undefined) return
  if (allOfAccount) {
    const did = subject.startsWith('at://') ? subject.split('/')[2]! : subject
    where.add(`${table}did = ?`, did)
  } else where.add(`${table}key = ?`, subject)
}

function statusConditions(filter: StatusFilter): Conditions {
  const where = new Conditions()
  addSubject(where, filter)
  const { subjectType, collections, reviewState, appealed, takendown, lastReviewedBy } = filter
  if (subjectType === 'account') where.add('collection is null')
  if (subjectType === 'record') where.add('collection is not null')
  if (collections?.length && subjectType !== 'account') where.addIn('collection', collections)
  if (reviewState !== undefined) where.add('review_state = ?', reviewState)
  if (appealed !== undefined) where.add('appealed = ?', appealed ? 1 : 0)
  if (takendown !== undefined) where.add('takendown = ?', takendown ? 1 : 0)
  if (lastReviewedBy !== undefined) where.add('last_reviewed_by = ?', lastReviewedBy)
  return where
}

function natural(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw invalidRequest('Malformed cursor')
  return Number(text)
}

function pairCursor(text: string): [number, number] {
  const [sort, id, ...more] = text.split(':')
  if (id === undefined || more.length > 0) throw invalidRequest('Malformed cursor')
  return [natural(sort!), natural(id)]
}
