import type { Sql, SqlValue } from '#platform/storage'
import { StorageError } from '#platform/storage'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Labels } from '../labels/index.ts'
import type { Takedowns } from '../takedowns/index.ts'
import type { EventRow } from './event-view.ts'
import {
  eventName,
  type Happening,
  type StatusChange,
  type SubjectRow,
  statusAfter,
} from './status.ts'
import type { Subject } from './subject.ts'

/** An event of the lexicons, `$type` included. */
export type LedgerEvent = Happening['event'] & {
  createLabelVals?: readonly string[]
  negateLabelVals?: readonly string[]
}

export interface Decision {
  subject: Subject
  event: LedgerEvent
  /** DID of who decided or reported. */
  by: string
  blobCids?: readonly string[] | undefined
  /** Names the event elsewhere: the second of the same type and subject is refused. */
  externalId?: string | undefined
}

/**
 * The history: reports and decisions are appended, never changed. An event, where its subject then
 * stands, and the labels it says are one transaction.
 */
export class Ledger {
  readonly #sql: Sql
  readonly #labels: Labels
  readonly #takedowns: Takedowns
  readonly #now: () => number
  readonly #appended: (name: string) => void

  constructor(options: {
    sql: Sql
    labels: Labels
    takedowns: Takedowns
    now: () => number
    /** Told the name of each event after its transaction. */
    appended: (name: string) => void
  }) {
    this.#sql = options.sql
    this.#labels = options.labels
    this.#takedowns = options.takedowns
    this.#now = options.now
    this.#appended = options.appended
  }

  /**
   * Appends an event. `together` runs in the same transaction, before it. Throws InvalidRequest for
   * an event that makes no sense now, DuplicateExternalId.
   */
  async append(
    decision: Decision,
    together?: (subject: SubjectRow) => Promise<EventRow | undefined>,
  ): Promise<EventRow> {
    const name = eventName(decision.event.$type)
    try {
      const row = await this.#sql.transaction(async (sql) => {
        const subject = await this.#subject(sql, decision.subject)
        const earlier = await together?.(subject)
        return earlier ?? (await this.#append(sql, subject, name, decision))
      })
      this.#appended(name)
      return row
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'Conflict')) throw error
      throw new XrpcError(400, 'DuplicateExternalId', 'An event with this external id exists')
    }
  }

  async #append(
    sql: Sql,
    subject: SubjectRow,
    name: string,
    { event, by, blobCids = [], externalId, subject: { cid } }: Decision,
  ): Promise<EventRow> {
    const nowMs = this.#now()
    const body = JSON.stringify(event)
    const blob_cids = JSON.stringify(blobCids)
    const row = await sql.get<{ id: number }>(
      `insert into event (subject_id, cid, type, body, blob_cids, created_by, created_ms, external_id)
       values (?, ?, ?, ?, ?, ?, ?, ?) returning id`,
      [subject.id, cid ?? subject.cid, name, body, blob_cids, by, nowMs, externalId ?? null],
    )
    const eventId = row!.id
    const change = statusAfter(subject, { event, eventId, blobCids, by, nowMs })
    await update(sql, subject.id, { ...change, updated_ms: nowMs })
    await this.#labels.follow({
      sql,
      subject,
      event,
      name,
      eventId,
      cid: cid ?? subject.cid,
      nowMs,
    })
    const { key, did } = subject
    if (change.carried_out === 'waiting')
      await this.#takedowns.follow(eventId, key, change.suspend_until_ms ?? null)
    const stored = { type: name, body, blob_cids, created_by: by, created_ms: nowMs }
    return { id: eventId, key, did, cid: cid ?? subject.cid, ...stored }
  }

  /** The subject's row, made when nobody spoke of it before; a newer version replaces the older. */
  async #subject(sql: Sql, { key, did, collection, cid }: Subject): Promise<SubjectRow> {
    const nowMs = this.#now()
    const row = await sql.get<SubjectRow>(
      `insert into subject (key, did, collection, cid, created_ms, updated_ms)
       values (?, ?, ?, ?, ?, ?)
       on conflict (key) do update set cid = coalesce(excluded.cid, cid) returning *`,
      [key, did, collection ?? null, cid ?? null, nowMs, nowMs],
    )
    if (row!.collection !== null && row!.cid === null)
      throw invalidRequest('Nothing is known of this record: name its CID')
    return row!
  }
}

async function update(sql: Sql, id: number, change: StatusChange): Promise<void> {
  const names = Object.keys(change)
  const values = Object.values(change) as SqlValue[]
  const set = names.map((name) => `${name} = ?`).join(', ')
  await sql.run(`update subject set ${set} where id = ?`, [...values, id])
}
