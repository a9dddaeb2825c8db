import type { Log, Loop, Metrics, Outside } from '#platform/runtime'
import type { Did } from '#protocol/syntax'
import { type Damaged, type InTurn, type KeptAccount, NotKept } from '../kept/index.ts'
import { type Practised, type PractiseParts, practise } from './practise.ts'

export interface DrillsParts extends Omit<PractiseParts, 'chance'> {
  inTurn: InTurn
  outside: Outside
  everyHours: number
  /** How many accounts each. */
  sample: number
  /** What is found damaged is to be mended. */
  damaged(account: KeptAccount, damage: Damaged): void
  metrics: Metrics
  log: Log
}

/** A drill that was held. */
export interface Drill {
  id: number
  startedMs: number
  endedMs: number
  accounts: number
  /** Of them, those that could not be given back. */
  failed: number
  records: number
  blobs: number
}

/** One account of a drill. */
export interface DrillAccount {
  did: Did
  rev: string
  timeMs: number
  records: number
  blobs: number
  problem: string | null
}

const HOUR_MS = 3_600_000
/** The first one, when a vault has just begun. */
const FIRST_MS = 300_000
const KEPT = 200
const COLUMNS =
  'id, started_ms as "startedMs", ended_ms as "endedMs", accounts, failed, records, blobs'

/** Gives a random sample of accounts back to itself, on a schedule, and remembers how it went. */
export class Drills {
  readonly #parts: DrillsParts

  constructor(parts: DrillsParts) {
    this.#parts = parts
    const { metrics } = parts
    this.#held = metrics.counter('vault_drilled_accounts', 'Accounts by outcome', ['outcome'])
    this.#newest = metrics.gauge('vault_drill_timestamp_seconds', 'When a drill last succeeded')
    this.#failed = metrics.gauge(
      'vault_drill_failed',
      'Accounts the last drill could not give back',
    )
  }

  readonly #held
  readonly #newest
  readonly #failed

  readonly loop: Loop = {
    name: 'drills',
    run: async (signal) => {
      const { outside, everyHours } = this.#parts
      this.#show(await this.last())
      while (!signal.aborted) {
        const last = await this.last()
        const nowMs = outside.now()
        const dueMs = last ? last.startedMs + everyHours * HOUR_MS : nowMs + FIRST_MS
        await outside.timers.sleep(Math.max(0, dueMs - nowMs), signal).catch(() => {})
        if (!signal.aborted) await this.hold(signal)
      }
    },
  }

  /** Holds one now. */
  async hold(signal: AbortSignal): Promise<Drill> {
    const { sql, outside, inTurn, log } = this.#parts
    const startedMs = outside.now()
    const results: ({ did: Did } & Practised)[] = []
    for (const account of await this.#sample()) {
      if (signal.aborted) break
      const result = await inTurn
        .run(account.aid, () => practise(this.#practiseParts(), account))
        .catch((error) => {
          if (error instanceof NotKept) return undefined
          throw error
        })
      if (result === undefined) continue
      results.push({ did: account.did, ...result })
      this.#held.with(result.problem === undefined ? 'whole' : 'failed').add()
      if (result.problem !== undefined)
        log.error('a drill could not give an account back', { did: account.did, ...result })
      if (result.damage) this.#parts.damaged(account, result.damage)
    }
    const sum = (of: (one: Practised) => number) => results.reduce((all, one) => all + of(one), 0)
    const drill = {
      startedMs,
      endedMs: outside.now(),
      accounts: results.length,
      failed: sum(({ problem }) => (problem === undefined ? 0 : 1)),
      records: sum(({ records }) => records),
      blobs: sum(({ blobs }) => blobs),
    }
    const id = await sql.transaction(async (sql) => {
      const row = await sql.get<{ id: number }>(
        `insert into drill (started_ms, ended_ms, accounts, failed, records, blobs)
         values (?, ?, ?, ?, ?, ?) returning id`,
        [startedMs, drill.endedMs, drill.accounts, drill.failed, drill.records, drill.blobs],
      )
      await sql.runMany(
        `insert into drill_account (id, did, rev, time_ms, records, blobs, problem)
         values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
        results.map(({ did, rev, timeMs, records, blobs, problem }) => [
          ...[row!.id, did, rev, timeMs, records, blobs, problem ?? null],
        ]),
      )
      for (const table of ['drill', 'drill_account'])
        await sql.run(`delete from ${table} where id <= ?`, [row!.id - KEPT])
      return row!.id
    })
    this.#show({ id, ...drill })
    log.info('drill held', drill)
    return { id, ...drill }
  }

  async last(): Promise<Drill | undefined> {
    return (await this.list(1))[0]
  }

  /** Newest first. */
  async list(limit: number): Promise<Drill[]> {
    return this.#parts.sql.all<Drill>(`select ${COLUMNS} from drill order by id desc limit ?`, [
      limit,
    ])
  }

  async accountsOf(id: number): Promise<DrillAccount[]> {
    return this.#parts.sql.all<DrillAccount>(
      `select did, rev, time_ms as "timeMs", records, blobs, problem
       from drill_account where id = ? order by did`,
      [id],
    )
  }

  #show(drill: Drill | undefined): void {
    if (!drill) return
    this.#failed.set(drill.failed)
    if (drill.failed === 0) this.#newest.set(drill.endedMs / 1_000)
  }

  #practiseParts(): PractiseParts {
    return { ...this.#parts, chance: (below) => this.#chance(below) }
  }

  /** Nobody who could change the store knows what will be looked at. */
  #chance(below: number): number {
    const word = new DataView(this.#parts.outside.random(4).buffer).getUint32(0)
    return Math.floor((word / 2 ** 32) * below)
  }

  async #sample(): Promise<KeptAccount[]> {
    const { sql, accounts, sample } = this.#parts
    const where = `from account where key is not null and rev is not null`
    const row = await sql.get<{ count: number }>(`select count(*) as count ${where}`)
    const chosen = new Map<Did, KeptAccount>()
    for (let tries = 0; tries < 4 * sample && chosen.size < Math.min(sample, row!.count); tries++) {
      const one = await sql.get<{ did: Did }>(`select did ${where} order by aid limit 1 offset ?`, [
        this.#chance(row!.count),
      ])
      const account = one && (await accounts.get(one.did))
      if (account) chosen.set(account.did, account)
    }
    return [...chosen.values()]
  }
}
