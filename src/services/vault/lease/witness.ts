import type { Log, Stopwatch } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { LeaseAnswer, LeaseRelease, LeaseRenew, LeaseTake } from '#protocol/account'
import { formatDatetime } from '#protocol/syntax'

interface Row {
  hostname: string
  epoch: number
  base: number
  begun: 0 | 1
  claim: string
  term_ms: number
  taken_ms: number
  ended: 'released' | 'ending' | null
}

/** What this process alone knows of a lease. */
interface Running {
  /** Milliseconds since the term began. */
  since: () => number
  /** The newest renewal seen; 0 when only the taking was. */
  turn: number
}

type Bare<T> = Omit<T, 'proof' | 'nonce'>
export type Verdict = Omit<LeaseAnswer, 'proof'>

/**
 * Gives the right to write to one host of each name at a time. Durable is who took it last, and that
 * it was renewed once: nobody writes before that. That it was renewed again is not written down: whoever starts a witness has it wait out a whole term
 * before anybody else may take what was held.
 */
export class Witness {
  readonly #sql: Sql
  readonly #termMs: number
  readonly #stopwatch: Stopwatch
  readonly #now: () => number
  readonly #log: Pick<Log, 'info' | 'warn'>
  /** Since this witness runs: terms of before may have begun just then. */
  readonly #sinceStart: () => number
  readonly #running = new Map<string, Running>()
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(options: {
    sql: Sql
    /** Of leases taken from now on. */
    termMs: number
    /** Never shows more than has gone by: a lease ends too late here, never too early. */
    stopwatch: Stopwatch
    now: () => number
    log: Pick<Log, 'info' | 'warn'>
  }) {
    this.#sql = options.sql
    this.#termMs = options.termMs
    this.#stopwatch = options.stopwatch
    this.#now = options.now
    this.#log = options.log
    this.#sinceStart = options.stopwatch()
  }

  /** `given`, or why not: held, ending or lapsed (to be waited for), superseded or unknown. */
  take(ask: Bare<LeaseTake>): Promise<Verdict> {
    return this.#inTurn(ask.hostname, async (row) => {
      if (row?.claim === ask.claim && row.ended === null) return this.#givenAlready(row)
      if (!row && ask.after > 0) return NOBODY
      if (row && !hasAll(row, ask.after)) return this.#verdict(row, 'superseded')
      if (row && this.#waitMs(row) > 0) return this.#verdict(row)
      return this.#give(ask, row)
    })
  }

  /** An answer was lost, and it asks again; or an ask of long ago comes late, and changes nothing. */
  #givenAlready(row: Row): Verdict {
    const running = this.#runningOf(row)
    if (running.turn > 0) return this.#verdict(row, 'superseded')
    running.since = this.#stopwatch()
    return this.#verdict(row, 'given')
  }

  async #give(
    { hostname, claim }: Pick<LeaseTake, 'hostname' | 'claim'>,
    before?: Pick<Row, 'epoch' | 'base' | 'begun'>,
  ): Promise<Verdict> {
    const epoch = (before?.epoch ?? 0) + 1
    const base = before?.begun === 0 ? before.base : (before?.epoch ?? 0)
    const row: Row = {
      ...{ hostname, epoch, base, begun: 0, claim, ended: null },
      term_ms: this.#termMs,
      taken_ms: this.#now(),
    }
    await this.#sql.run(
      `insert into lease (hostname, epoch, base, claim, term_ms, taken_ms) values (?, ?, ?, ?, ?, ?)
       on conflict (hostname) do update set epoch = excluded.epoch, base = excluded.base, begun = 0,
         claim = excluded.claim, term_ms = excluded.term_ms, taken_ms = excluded.taken_ms, ended = null`,
      [hostname, epoch, base, claim, row.term_ms, row.taken_ms],
    )
    this.#running.set(hostname, { since: this.#stopwatch(), turn: 0 })
    this.#log.info('lease taken', { hostname, epoch })
    return this.#verdict(row, 'given')
  }

  /** Held when it goes on; also after its term, while nobody took it. */
  renew(ask: Bare<LeaseRenew>): Promise<Verdict> {
    return this.#inTurn(ask.hostname, async (row) => {
      if (!row) return NOBODY
      if (row.claim !== ask.claim || row.epoch !== ask.epoch) {
        return this.#verdict(row, 'superseded')
      }
      if (row.ended !== null) return this.#verdict(row)
      if (!row.begun)
        await this.#sql.run('update lease set begun = 1 where hostname = ?', [row.hostname])
      const running = this.#runningOf(row)
      if (ask.turn > running.turn) {
        running.turn = ask.turn
        running.since = this.#stopwatch()
      }
      return this.#verdict(row)
    })
  }

  release(ask: Bare<LeaseRelease>): Promise<Verdict> {
    return this.#inTurn(ask.hostname, async (row) => {
      if (!row) return ask.claim === undefined ? this.#begin(ask) : NOBODY
      const isHolder = ask.claim === row.claim
      if (row.epoch !== ask.epoch || (ask.claim !== undefined && !isHolder)) {
        return this.#verdict(row, 'superseded')
      }
      if (row.ended === 'released') return this.#verdict(row)
      const ended = isHolder ? 'released' : 'ending'
      await this.#sql.run('update lease set ended = ? where hostname = ?', [ended, row.hostname])
      const { hostname, epoch } = row
      this.#log.warn(isHolder ? 'lease given back' : 'lease ended by an operator', {
        hostname,
        epoch,
      })
      return this.#verdict({ ...row, ended })
    })
  }

  /** A witness that lost what it knew is told where to go on; as if that epoch had just been held. */
  async #begin({ hostname, epoch }: Bare<LeaseRelease>): Promise<Verdict> {
    await this.#give({ hostname, claim: '' }, { epoch: epoch - 1, base: epoch - 1, begun: 1 })
    await this.#sql.run("update lease set begun = 1, ended = 'ending' where hostname = ?", [
      hostname,
    ])
    return this.#verdict((await this.#row(hostname))!)
  }

  look(hostname: string): Promise<Verdict> {
    return this.#inTurn(hostname, async (row) => (row ? this.#verdict(row) : NOBODY))
  }

  #verdict(row: Row, state?: LeaseAnswer['state']): Verdict {
    const waitMs = this.#waitMs(row)
    const { epoch, term_ms: termMs } = row
    const takenAt = formatDatetime(row.taken_ms)
    const own = row.ended ?? (waitMs > 0 ? 'held' : 'lapsed')
    return { state: state ?? own, epoch, termMs, waitMs, takenAt }
  }

  #waitMs(row: Row): number {
    if (row.ended === 'released') return 0
    return Math.max(0, Math.ceil(row.term_ms - this.#runningOf(row).since()))
  }

  #runningOf({ hostname }: Row): Running {
    let running = this.#running.get(hostname)
    if (!running) {
      running = { since: this.#sinceStart, turn: 0 }
      this.#running.set(hostname, running)
    }
    return running
  }

  #row(hostname: string): Promise<Row | undefined> {
    return this.#sql.get<Row>('select * from lease where hostname = ?', [hostname])
  }

  /** One call of a name after the other: what was read is still so when it is written. */
  async #inTurn<T>(hostname: string, work: (row: Row | undefined) => Promise<T>): Promise<T> {
    const before = this.#last.get(hostname) ?? Promise.resolve()
    const mine = before.then(async () => work(await this.#row(hostname)))
    const settled = mine.catch(() => {})
    this.#last.set(hostname, settled)
    try {
      return await mine
    } finally {
      if (this.#last.get(hostname) === settled) this.#last.delete(hostname)
    }
  }
}

/** Whether data of this epoch lack nothing that was written since. */
function hasAll({ epoch, base, begun }: Row, after: number): boolean {
  return after <= epoch && after >= (begun ? epoch : base)
}

const NOBODY: Verdict = { state: 'unknown', epoch: 0, termMs: 0, waitMs: 0 }
