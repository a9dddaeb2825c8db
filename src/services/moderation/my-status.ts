import type { Sql } from '#platform/storage'
import type { MyDecision } from '#protocol/account'
import { invalidRequest } from '#protocol/xrpc'
import { type SubjectRow, time } from './decisions/index.ts'

interface Row extends SubjectRow {
  labels: string
  reason: string | null
}

/** What an account's owner is told of the decisions about it. */
export class MyStatus {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /**
   * Decisions in force about an account and its records. The reason is the comment of the newest
   * takedown or label; comments of other events are for moderators only.
   */
  async of(
    did: string,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<{ decisions: MyDecision[]; cursor: string | undefined }> {
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) throw invalidRequest('Malformed cursor')
    const rows = await this.#sql.all<Row>(
      `select s.*,
         (select json_group_array(val) from label l where l.uri = s.key and l.newest = 1 and l.neg = 0
            and l.val <> '!takedown' and (l.exp_ms is null or l.exp_ms > ?1)) as labels,
         (select json_extract(e.body, '$.comment') from event e where e.subject_id = s.id
            and e.type in ('modEventTakedown', 'modEventLabel') order by e.id desc limit 1) as reason
       from subject s
       where s.did = ?2 and s.id < ?3 and (s.takendown = 1 or exists (
         select 1 from label l where l.uri = s.key and l.newest = 1 and l.neg = 0
           and (l.exp_ms is null or l.exp_ms > ?1)))
       order by s.id desc limit ?4`,
      [this.#now(), did, cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor), limit],
    )
    const last = rows.length === limit ? rows.at(-1) : undefined
    return { decisions: rows.map(decisionOf), cursor: last && String(last.id) }
  }
}

function decisionOf(row: Row): MyDecision {
  const { suspend_until_ms: untilMs } = row
  const appeal = row.appealed ? 'waiting' : 'answered'
  return {
    subject: row.key,
    cid: row.cid ?? undefined,
    takendown: row.takendown === 1,
    until: untilMs === null ? undefined : time(untilMs),
    labels: JSON.parse(row.labels) as string[],
    reason: row.reason ?? undefined,
    decidedAt: time(row.last_reviewed_ms),
    appeal: row.last_appealed_ms === null ? undefined : appeal,
  }
}
