import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { Languages } from './languages.ts'
import type { LetterPurpose } from './words.ts'

/** 'kept' here for the operator, 'waiting' to be delivered, 'sent', or 'failed' for good. */
export type LetterState = 'kept' | 'waiting' | 'sent' | 'failed'

/** A letter of the outbox. */
export interface Letter {
  id: number
  did: Did | undefined
  recipient: string
  purpose: LetterPurpose
  subject: string
  languages: Languages
  /** Sealed; undefined once the letter is delivered or its contents are worth nothing. */
  contents: Uint8Array | undefined
  state: LetterState
  attempts: number
  /** What stood in the way last. */
  reason: string | undefined
  messageId: string
  createdMs: number
  triedMs: number | undefined
  sentMs: number | undefined
  expiresMs: number
}

export type NewLetter = Pick<
  Letter,
  | 'did'
  | 'recipient'
  | 'purpose'
  | 'subject'
  | 'languages'
  | 'state'
  | 'messageId'
  | 'createdMs'
  | 'expiresMs'
> & { contents: Uint8Array }

export interface LetterFilter {
  state?: LetterState | undefined
  /** An address, or a DID. */
  recipient?: string | undefined
  /** Only letters before this one. */
  before?: number | undefined
  limit: number
}

/** Rows that are kept; the oldest go first. */
const LETTERS_MAX = 10_000

interface LetterRow {
  id: number
  did: Did | null
  recipient: string
  purpose: LetterPurpose
  subject: string
  languages: string
  contents: Uint8Array | null
  state: LetterState
  attempts: number
  reason: string | null
  message_id: string
  created_ms: number
  tried_ms: number | null
  sent_ms: number | null
  expires_ms: number
}

/** The table of letters, newest last. */
export class Outbox {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Adds a letter and runs `together` in the same transaction; the oldest beyond 10,000 go. */
  async add(letter: NewLetter, together: (id: number) => Promise<void>): Promise<number> {
    return this.#sql.transaction(async (sql) => {
      await sql.run(
        `INSERT INTO letters (did, recipient, purpose, subject, languages, contents, state,
           message_id, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          letter.did ?? null,
          letter.recipient,
          letter.purpose,
          letter.subject,
          letter.languages.join(','),
          letter.contents,
          letter.state,
          letter.messageId,
          letter.createdMs,
          letter.expiresMs,
        ],
      )
      const { id } = (await sql.get<{ id: number }>('SELECT max(id) AS id FROM letters'))!
      await sql.run('DELETE FROM letters WHERE id <= ?', [id - LETTERS_MAX])
      await together(id)
      return id
    })
  }

  async get(id: number): Promise<Letter | undefined> {
    const row = await this.#sql.get<LetterRow>('SELECT * FROM letters WHERE id = ?', [id])
    return row && letterOf(row)
  }

  /** Newest first. */
  async list({ state, recipient, before, limit }: LetterFilter): Promise<Letter[]> {
    const conditions: [sql: string, value: string | number][] = []
    if (state) conditions.push(['state = ?', state])
    if (recipient?.startsWith('did:')) conditions.push(['did = ?', recipient])
    else if (recipient) conditions.push(['recipient = ?', recipient.toLowerCase()])
    if (before !== undefined) conditions.push(['id < ?', before])
    const where = conditions.map(([sql]) => sql).join(' AND ') || '1 = 1'
    const rows = await this.#sql.all<LetterRow>(
      `SELECT * FROM letters WHERE ${where} ORDER BY id DESC LIMIT ?`,
      [...conditions.map(([, value]) => value), limit],
    )
    return rows.map(letterOf)
  }

  /** How many letters are in which state; states without any are left out. */
  async counts(): Promise<Partial<Record<LetterState, number>>> {
    const rows = await this.#sql.all<{ state: LetterState; count: number }>(
      'SELECT state, count(*) AS count FROM letters GROUP BY state',
    )
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
  }

  /** Letters with codes to an address since then, and when the first of them was written. */
  async codesTo(recipient: string, sinceMs: number): Promise<{ count: number; firstMs: number }> {
    const row = await this.#sql.get<{ count: number; first: number | null }>(
      `SELECT count(*) AS count, min(created_ms) AS first FROM letters
       WHERE recipient = ? AND created_ms > ? AND purpose <> 'message' AND purpose NOT LIKE 'notice-%'`,
      [recipient, sinceMs],
    )
    return { count: row?.count ?? 0, firstMs: row?.first ?? sinceMs }
  }

  /** The mail server took it: only that it went is kept. */
  async sent(id: number, nowMs: number): Promise<void> {
    await this.#sql.run(
      `UPDATE letters SET state = 'sent', contents = NULL, reason = NULL, sent_ms = ?1,
         tried_ms = ?1, attempts = attempts + 1 WHERE id = ?2`,
      [nowMs, id],
    )
  }

  /** It did not go: waiting for the next try, or failed for good. */
  async tried(id: number, state: 'waiting' | 'failed', reason: string, nowMs: number) {
    await this.#sql.run(
      `UPDATE letters SET state = ?, reason = ?, tried_ms = ?, attempts = attempts + 1
       WHERE id = ? AND state = 'waiting'`,
      [state, reason, nowMs, id],
    )
  }

  async setState(id: number, state: LetterState, reason?: string): Promise<void> {
    await this.#sql.run('UPDATE letters SET state = ?, reason = ? WHERE id = ?', [
      state,
      reason ?? null,
      id,
    ])
  }

  /** Blanks what is worth nothing any more, and drops rows written before `beforeMs`. */
  async tidy(nowMs: number, beforeMs: number): Promise<void> {
    await this.#sql.run(
      'UPDATE letters SET contents = NULL WHERE contents IS NOT NULL AND expires_ms <= ?',
      [nowMs],
    )
    // Ids rise with time: the first that is young enough ends it.
    await this.#sql.run(
      `DELETE FROM letters WHERE created_ms <= ?1
       AND id < coalesce((SELECT min(id) FROM letters WHERE created_ms > ?1), 9007199254740991)`,
      [beforeMs],
    )
  }
}

function letterOf(row: LetterRow): Letter {
  return {
    id: row.id,
    did: row.did ?? undefined,
    recipient: row.recipient,
    purpose: row.purpose,
    subject: row.subject,
    languages: row.languages === 'en,ar' ? ['en', 'ar'] : ['ar', 'en'],
    contents: row.contents ?? undefined,
    state: row.state,
    attempts: row.attempts,
    reason: row.reason ?? undefined,
    messageId: row.message_id,
    createdMs: row.created_ms,
    triedMs: row.tried_ms ?? undefined,
    sentMs: row.sent_ms ?? undefined,
    expiresMs: row.expires_ms,
  }
}
