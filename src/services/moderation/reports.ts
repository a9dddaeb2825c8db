import { invalidRequest, XrpcError } from '#protocol/xrpc'
import {
  type EventRow,
  isAppeal,
  isReason,
  type Ledger,
  type Records,
  type Subject,
} from './decisions/index.ts'

export interface Report {
  subject: Subject
  reasonType: string
  reason: string | undefined
  /** DID of the account. */
  by: string
}

const HOUR_MS = 3_600_000

/** Takes reports in: known reasons, a number of them an hour, the same one only once an hour. */
export class Reports {
  readonly #ledger: Ledger
  readonly #records: Records
  readonly #now: () => number
  readonly #perHour: number

  constructor(options: { ledger: Ledger; records: Records; now: () => number; perHour: number }) {
    this.#ledger = options.ledger
    this.#records = options.records
    this.#now = options.now
    this.#perHour = options.perHour
  }

  /** The report's event. Throws InvalidRequest, Forbidden, RateLimitExceeded. */
  async add({ subject, reasonType, reason, by }: Report): Promise<EventRow> {
    if (!isReason(reasonType)) throw invalidRequest(`Unknown reason: ${reasonType.slice(0, 100)}`)
    if (isAppeal(reasonType) && subject.did !== by)
      throw new XrpcError(403, 'Forbidden', 'Only its author can appeal')
    // Hosts let them call for this: who was sent away speaks for themselves, not against others.
    if (!isAppeal(reasonType) && (await this.#records.subject(by))?.takendown === 1)
      throw new XrpcError(403, 'Forbidden', 'An account that was taken down can only appeal')
    const sinceMs = this.#now() - HOUR_MS
    const event = {
      $type: 'tools.ozone.moderation.defs#modEventReport',
      reportType: reasonType,
      ...(reason !== undefined && { comment: reason }),
    }
    return this.#ledger.append({ subject, event, by }, async ({ id }) => {
      const same = await this.#records.sameReport(id, by, JSON.stringify(event), sinceMs)
      if (same) return same
      if ((await this.#records.reportsBy(by, sinceMs)) < this.#perHour) return undefined
      const headers = { 'retry-after': '3600' }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many reports in an hour', { headers })
    })
  }
}
