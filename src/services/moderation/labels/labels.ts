import type { Sql, SqlValue } from '#platform/storage'
import type { SigningKey } from '#protocol/crypto'
import { decodeCbor, encodeCbor } from '#protocol/data'
import { type Label, type LabelClaim, signLabel, TAKEDOWN_LABEL } from '#protocol/label'
import type { Did } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'

/** What an event says in labels. */
export interface SaidLabel {
  val: string
  neg: boolean
  exp?: string | undefined
}

interface Occasion {
  sql: Sql
  subject: { key: string; collection: string | null }
  event: {
    createLabelVals?: readonly string[]
    negateLabelVals?: readonly string[]
    durationInHours?: number
  }
  /** `modEventLabel`, … */
  name: string
  eventId: number
  /** The version of the record that was meant. */
  cid: string | null
  nowMs: number
}

const VALUES_MAX = 20
const PATTERNS_MAX = 50
const HOUR_MS = 3_600_000

/**
 * The labels of this service: each one signed and kept for ever, the newest of its subject and
 * value marked. They are said in the transaction of the event that says them.
 */
export class Labels {
  readonly #sql: Sql
  readonly #did: Did
  readonly #key: SigningKey
  readonly #now: () => number

  constructor(options: { sql: Sql; did: Did; key: SigningKey; now: () => number }) {
    this.#sql = options.sql
    this.#did = options.did
    this.#key = options.key
    this.#now = options.now
  }

  /** Says what an event says. Throws InvalidRequest for values that cannot be. */
  async follow(occasion: Occasion): Promise<void> {
    const { sql, subject, eventId, name, nowMs } = occasion
    for (const { val, neg, exp } of labelsOf(occasion)) {
      const isInForce = await this.#isInForce(sql, subject.key, val)
      if (neg && !isInForce) continue
      // What is taken down stays down through edits; other labels speak of the version they saw.
      const cid = name === 'modEventLabel' ? (occasion.cid ?? undefined) : undefined
      const cts = new Date(nowMs).toISOString()
      const claim: LabelClaim = { src: this.#did, uri: subject.key, cid, val, neg, cts, exp }
      await this.#say(sql, eventId, claim)
    }
  }

  async #isInForce(sql: Sql, uri: string, val: string): Promise<boolean> {
    const row = await sql.get<{ neg: number; exp_ms: number | null }>(
      'select neg, exp_ms from label where uri = ? and val = ? and newest = 1',
      [uri, val],
    )
    return row?.neg === 0 && (row.exp_ms === null || row.exp_ms > this.#now())
  }

  async #say(sql: Sql, eventId: number, claim: LabelClaim): Promise<void> {
    const { uri, val, neg, exp } = claim
    const bytes = encodeCbor(signLabel(claim, this.#key))
    await sql.run('update label set newest = 0 where uri = ? and val = ? and newest = 1', [
      uri,
      val,
    ])
    await sql.run(
      'insert into label (event_id, uri, val, neg, exp_ms, bytes) values (?, ?, ?, ?, ?, ?)',
      [eventId, uri, val, neg ? 1 : 0, exp === undefined ? null : Date.parse(exp), bytes],
    )
  }

  /** Labels in force of one subject, but the takedown. */
  async valuesOf(uri: string): Promise<string[]> {
    const rows = await this.#sql.all<{ val: string }>(
      `select val from label where uri = ? and newest = 1 and neg = 0 and val <> ?
         and (exp_ms is null or exp_ms > ?) order by val`,
      [uri, TAKEDOWN_LABEL, this.#now()],
    )
    return rows.map(({ val }) => val)
  }

  /**
   * Labels in force on subjects that match any of the patterns: a whole URI, or a beginning with
   * `*` at its end. The cursor is the last id. Throws InvalidRequest.
   */
  async query(options: {
    patterns: readonly string[]
    sources?: readonly string[] | undefined
    limit: number
    cursor?: string | undefined
  }): Promise<{ labels: Label[]; cursor: string | undefined }> {
    const { patterns, sources, limit, cursor } = options
    if (patterns.length > PATTERNS_MAX) throw invalidRequest(`At most ${PATTERNS_MAX} patterns`)
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) throw invalidRequest('Malformed cursor')
    if (sources?.length && !sources.includes(this.#did)) return { labels: [], cursor: undefined }
    const conditions = patterns.map(patternCondition)
    const rows = await this.#sql.all<{ id: number; bytes: Uint8Array }>(
      `select id, bytes from label
       where newest = 1 and neg = 0 and (exp_ms is null or exp_ms > ?) and id > ?
         and (${conditions.map(({ text }) => text).join(' or ')})
       order by id limit ?`,
      [this.#now(), Number(cursor ?? 0), ...conditions.flatMap(({ values }) => values), limit],
    )
    const last = rows.length === limit ? rows.at(-1) : undefined
    return {
      labels: rows.map(({ bytes }) => decodeCbor(bytes) as Label),
      cursor: last && String(last.id),
    }
  }
}

/** What an event says, checked. */
function labelsOf({ name, event, nowMs }: Occasion): SaidLabel[] {
  const hours = event.durationInHours
  const exp = hours ? new Date(nowMs + hours * HOUR_MS).toISOString() : undefined
  if (name === 'modEventTakedown') return [{ val: TAKEDOWN_LABEL, neg: false, exp }]
  if (name === 'modEventReverseTakedown') return [{ val: TAKEDOWN_LABEL, neg: true }]
  if (name !== 'modEventLabel') return []
  const made = new Set(event.createLabelVals)
  const taken = new Set(event.negateLabelVals)
  if (made.size + taken.size === 0) throw invalidRequest('A label event names at least one value')
  if (made.size + taken.size > VALUES_MAX) throw invalidRequest(`At most ${VALUES_MAX} values`)
  for (const val of [...made, ...taken]) checkValue(val)
  for (const val of made)
    if (taken.has(val)) throw invalidRequest(`${val} cannot be said and taken back at once`)
  return [
    ...Array.from(made, (val) => ({ val, neg: false, exp })),
    ...Array.from(taken, (val) => ({ val, neg: true })),
  ]
}

/** https://atproto.com/specs/label#label-values */
function checkValue(val: string): void {
  if (val === TAKEDOWN_LABEL) throw invalidRequest('Take the subject down instead')
  if (!/^!?[a-z](?:[a-z-]{0,98}[a-z])?$/.test(val))
    throw invalidRequest(`Not a label value: ${JSON.stringify(val.slice(0, 100))}`)
}

function patternCondition(pattern: string): { text: string; values: SqlValue[] } {
  if (!pattern.endsWith('*')) return { text: 'uri = ?', values: [pattern] }
  const prefix = pattern.slice(0, -1)
  if (prefix.includes('*')) throw invalidRequest('A pattern has its * at its end')
  // U+10FFFF sorts behind every URI that begins so.
  return { text: '(uri >= ? and uri < ?)', values: [prefix, `${prefix}\u{10ffff}`] }
}
