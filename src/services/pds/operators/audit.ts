import type { Sql } from '#platform/storage'
import type { AuditEntry, OperatorRole } from '#protocol/account'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Operator } from './operators.ts'

/** What an operator asks for. */
export interface Act {
  operator: Operator
  method: string
  params: unknown
  input: unknown
}

interface AuditRow {
  id: number
  at_ms: number
  operator: string
  role: OperatorRole
  method: string
  subject: string | null
  detail: string | null
  outcome: string | null
}

const ENTRIES_MAX = 1_000_000
/** The oldest are dropped once in so many entries. */
const TRIM_EVERY = 1_000
const SUBJECT_MAX = 512
const DETAIL_MAX = 512

/** What operators did: written before it is done, and again with how it ended. */
export class Audit {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /** Does what is asked for, on record: what cannot be recorded is not done. */
  async record<T>(act: Act, work: () => T | Promise<T>): Promise<T> {
    const id = await this.#begin(act)
    try {
      const result = await work()
      await this.#end(id, 'ok')
      return result
    } catch (error) {
      await this.#end(id, error instanceof XrpcError ? error.error : 'InternalServerError')
      throw error
    }
  }

  /** An operator asked for what their role may not. */
  async refused(operator: Operator, method: string, outcome: string): Promise<void> {
    await this.#end(
      await this.#begin({ operator, method, params: undefined, input: undefined }),
      outcome,
    )
  }

  async #begin({ operator, method, params, input }: Act): Promise<number> {
    const asked = [input, params].filter(isObject)
    const row = await this.#sql.get<{ id: number }>(
      `INSERT INTO audit (at_ms, operator, role, method, subject, detail)
       VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
      [
        this.#now(),
        operator.name,
        operator.role,
        method,
        first(asked, subjectOf)?.slice(0, SUBJECT_MAX) ?? null,
        first(asked, detailOf)?.slice(0, DETAIL_MAX) ?? null,
      ],
    )
    if (!row) throw new Error('an audit entry was not kept')
    if (row.id % TRIM_EVERY === 0) {
      await this.#sql.run('DELETE FROM audit WHERE id <= ?', [row.id - ENTRIES_MAX])
    }
    return row.id
  }

  async #end(id: number, outcome: string): Promise<void> {
    await this.#sql.run('UPDATE audit SET outcome = ? WHERE id = ?', [outcome, id])
  }

  /** Newest first; `subject` is what the subject begins with. Throws InvalidRequest. */
  async list(options: {
    operator?: string | undefined
    method?: string | undefined
    subject?: string | undefined
    limit: number
    cursor?: string | undefined
  }): Promise<{ entries: AuditEntry[]; cursor?: string | undefined }> {
    const { operator, method, subject, limit, cursor } = options
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) throw invalidRequest('Malformed cursor')
    const conditions: [sql: string, params: string[]][] = [
      ...(operator ? [['operator = ?', [operator]] as [string, string[]]] : []),
      ...(method ? [['method = ?', [method]] as [string, string[]]] : []),
      ...(subject
        ? [
            ['(subject = ? OR subject LIKE ? OR subject LIKE ?)', subjectForms(subject)] as [
              string,
              string[],
            ],
          ]
        : []),
    ]
    const rows = await this.#sql.all<AuditRow>(
      `SELECT * FROM audit WHERE ${['id < ?', ...conditions.map(([sql]) => sql)].join(' AND ')}
       ORDER BY id DESC LIMIT ?`,
      [
        cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor),
        ...conditions.flatMap(([, params]) => params),
        limit,
      ],
    )
    const last = rows.length === limit ? rows.at(-1) : undefined
    return { entries: rows.map(view), ...(last && { cursor: String(last.id) }) }
  }
}

/** An account is asked for with its records and blobs. */
function subjectForms(subject: string): string[] {
  const escaped = subject.replaceAll(/[%_]/g, '_')
  return [subject, `${escaped} %`, `at://${escaped}/%`]
}

const view = (row: AuditRow): AuditEntry => ({
  id: row.id,
  at: new Date(row.at_ms).toISOString(),
  operator: row.operator,
  role: row.role,
  method: row.method,
  ...(row.subject !== null && { subject: row.subject }),
  ...(row.detail !== null && { detail: row.detail }),
  ...(row.outcome !== null && { outcome: row.outcome }),
})

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null

function first(asked: readonly Fields[], read: (fields: Fields) => string | undefined) {
  for (const fields of asked) {
    const found = read(fields)
    if (found) return found
  }
  return undefined
}

/** Names under which methods say whom or what they are about, the most telling first. */
const SUBJECTS = ['did', 'account', 'recipientDid', 'uri', 'name', 'handle', 'id']
const SUBJECT_LISTS = ['dids', 'accounts', 'codes', 'forAccounts', 'forAccount']

function subjectOf(fields: Fields): string | undefined {
  const { subject } = fields
  if (isObject(subject)) return refOf(subject)
  if (typeof fields.blob === 'string') return `${fields.did} ${fields.blob}`
  const one = SUBJECTS.find((name) => isPlain(fields[name]))
  if (one) return String(fields[one])
  const many = SUBJECT_LISTS.map((name) => fields[name]).find((value) => value !== undefined)
  return many === undefined ? undefined : [many].flat().map(String).join(' ') || undefined
}

function refOf({ uri, did, cid }: Fields): string | undefined {
  if (typeof uri === 'string') return uri
  return cid === undefined ? String(did) : `${did} ${cid}`
}

/** What may be remembered of a call: no secret, no address, no letter. */
const DETAILS = [
  'takedown',
  'deactivated',
  'until',
  'ref',
  'handle',
  'role',
  'note',
  'comment',
  'signingKey',
]
const COUNTS = ['codeCount', 'useCount']

function detailOf(fields: Fields): string | undefined {
  const kept = [...DETAILS, ...COUNTS].filter((name) => fields[name] !== undefined)
  if (kept.length === 0) return undefined
  return JSON.stringify(Object.fromEntries(kept.map((name) => [name, fields[name]])))
}

const isPlain = (value: unknown) => typeof value === 'string' || typeof value === 'number'
