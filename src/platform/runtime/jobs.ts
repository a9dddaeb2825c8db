/**
 * Durable jobs: a row that asks for an action, done at least once, retried a bounded number of
 * times, resumable through its saved progress. Woken when added, timed for the next due one; never
 * polled.
 */
import type { Log } from './log.ts'
import { pauseMs } from './loops.ts'
import type { Metrics } from './metrics.ts'
import type { Loop, Outside } from './shapes.ts'

/** What jobs need of a database; the storage floor's Sql fits. */
export interface JobsSql {
  all<T>(sql: string, params?: readonly (string | number | null)[]): Promise<T[]>
  get<T>(sql: string, params?: readonly (string | number | null)[]): Promise<T | undefined>
  run(sql: string, params?: readonly (string | number | null)[]): Promise<{ changes: number }>
}

/** The table, for the migrations of the store that keeps the jobs. */
export const jobsTableSql = `
create table jobs (
  kind text not null,
  key text not null,
  payload text not null,
  state text not null default 'waiting', -- waiting, done, failed
  run_at bigint not null,
  attempts integer not null default 0,
  last_error text,
  progress text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (kind, key)
);
create index jobs_due on jobs (run_at) where state = 'waiting';
`

export interface JobRun<P = unknown, G = unknown> {
  key: string
  payload: P
  /** 1 on the first try. */
  attempt: number
  /** What the last try saved, if any. */
  progress: G | undefined
  /** Saved at once; the next try starts from it. */
  saveProgress(progress: G): Promise<void>
  signal: AbortSignal
}

export interface JobKind<P = unknown, G = unknown> {
  run(job: JobRun<P, G>): Promise<void>
  /** Tries before it is left as failed, with its reason. Default 12: about three minutes of trying. */
  maxAttempts?: number
  /** Keeps the row when done, so that its progress can be read afterwards. */
  keep?: boolean
  /** Pause before the next try; default doubles from 0.2 s to 30 s. */
  pauseMs?: (failures: number) => number
}

export interface JobStatus<P = unknown, G = unknown> {
  kind: string
  key: string
  payload: P
  state: 'waiting' | 'done' | 'failed'
  runAtMs: number
  attempts: number
  lastError: string | undefined
  progress: G | undefined
}

export interface Jobs {
  /** Adds a job unless one of this kind and key exists; says whether it was added. */
  add(kind: string, key: string, payload?: unknown, runAtMs?: number): Promise<boolean>
  get<P = unknown, G = unknown>(kind: string, key: string): Promise<JobStatus<P, G> | undefined>
  list(kind: string, limit?: number): Promise<JobStatus[]>
  /** Puts a failed (or waiting) job first in line with fresh attempts. */
  retry(kind: string, key: string): Promise<boolean>
  remove(kind: string, key: string): Promise<boolean>
  /** Looks for due jobs now: for rows inserted by the caller's own SQL. */
  wake(): void
  loop: Loop
}

export interface JobsDeps {
  sql: JobsSql
  // biome-ignore lint/suspicious/noExplicitAny: each kind knows its own payload
  kinds: Record<string, JobKind<any, any>>
  outside: Pick<Outside, 'now' | 'timers' | 'random'>
  log: Log
  metrics: Metrics
  /** Jobs at work at once. Default 4. */
  concurrency?: number
}

interface Row {
  kind: string
  key: string
  payload: string
  state: JobStatus['state']
  run_at: number
  attempts: number
  last_error: string | null
  progress: string | null
}

const MAX_ATTEMPTS = 12
const CONCURRENCY = 4
/** The longest a timer sleeps; a job further away is looked for again. */
const LONGEST_SLEEP_MS = 3_600_000
const ERROR_TEXT_MAX = 2_000
/** Before a job is tried again whose last outcome the store did not take. */
const UNRECORDED_PAUSE_MS = 5_000

/** Opens the jobs of a store; they run while `loop` does. Kinds without a handler are left alone. */
export function createJobs(deps: JobsDeps): Jobs {
  return new JobTable(deps)
}

class JobTable implements Jobs {
  readonly loop: Loop = { name: 'jobs', run: (signal) => this.work(signal) }
  private readonly running = new Map<string, Promise<void>>()
  private wakeUp: (() => void) | undefined
  private awake = false
  private readonly deps: JobsDeps
  private readonly outcomes

  constructor(deps: JobsDeps) {
    this.deps = deps
    this.outcomes = deps.metrics.counter('jobs', 'Tries of jobs', ['kind', 'outcome'])
  }

  async add(kind: string, key: string, payload: unknown = null, runAtMs?: number) {
    const nowMs = this.deps.outside.now()
    const { changes } = await this.deps.sql.run(
      `insert into jobs (kind, key, payload, run_at, created_at, updated_at)
       values (?, ?, ?, ?, ?, ?) on conflict (kind, key) do nothing`,
      [kind, key, JSON.stringify(payload), runAtMs ?? nowMs, nowMs, nowMs],
    )
    if (changes > 0) this.wake()
    return changes > 0
  }

  async get<P, G>(kind: string, key: string): Promise<JobStatus<P, G> | undefined> {
    const row = await this.deps.sql.get<Row>('select * from jobs where kind = ? and key = ?', [
      kind,
      key,
    ])
    return row && (statusOf(row) as JobStatus<P, G>)
  }

  async list(kind: string, limit = 100): Promise<JobStatus[]> {
    const rows = await this.deps.sql.all<Row>(
      'select * from jobs where kind = ? order by run_at limit ?',
      [kind, limit],
    )
    return rows.map(statusOf)
  }

  async retry(kind: string, key: string): Promise<boolean> {
    const nowMs = this.deps.outside.now()
    const { changes } = await this.deps.sql.run(
      `update jobs set state = 'waiting', attempts = 0, run_at = ?, updated_at = ?
       where kind = ? and key = ? and state <> 'done'`,
      [nowMs, nowMs, kind, key],
    )
    this.wake()
    return changes > 0
  }

  async remove(kind: string, key: string): Promise<boolean> {
    const { changes } = await this.deps.sql.run('delete from jobs where kind = ? and key = ?', [
      kind,
      key,
    ])
    return changes > 0
  }

  wake(): void {
    this.awake = true
    this.wakeUp?.()
  }

  private async work(signal: AbortSignal): Promise<void> {
    const limit = this.deps.concurrency ?? CONCURRENCY
    const onAbort = () => this.wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal.aborted) {
        this.awake = false
        if (this.running.size < limit)
          for (const row of await this.due(limit - this.running.size)) this.begin(row, signal)
        await this.rest(this.running.size < limit)
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      await Promise.all(this.running.values())
    }
  }

  private kindNames(): string[] {
    return Object.keys(this.deps.kinds)
  }

  private async due(limit: number): Promise<Row[]> {
    const kinds = this.kindNames()
    const rows = await this.deps.sql.all<Row>(
      `select * from jobs where state = 'waiting' and run_at <= ?
       and kind in (${kinds.map(() => '?').join(', ')}) order by run_at limit ?`,
      [this.deps.outside.now(), ...kinds, limit + this.running.size],
    )
    return rows.filter((row) => !this.running.has(nameOf(row))).slice(0, limit)
  }

  /** Until something is added or finished, or the next row falls due. */
  private async rest(withTimer: boolean): Promise<void> {
    const { outside } = this.deps
    const nextMs = withTimer ? await this.nextRunAt() : undefined
    if (this.awake) return
    const ms = nextMs === undefined ? undefined : Math.max(0, nextMs - outside.now())
    await new Promise<void>((resolve) => {
      const timer =
        ms === undefined
          ? undefined
          : outside.timers.setTimeout(() => this.wake(), Math.min(ms, LONGEST_SLEEP_MS))
      this.wakeUp = () => {
        if (timer !== undefined) outside.timers.clearTimeout(timer)
        this.wakeUp = undefined
        resolve()
      }
    })
  }

  private async nextRunAt(): Promise<number | undefined> {
    const kinds = this.kindNames()
    const rows = await this.deps.sql.all<Row>(
      `select kind, key, run_at from jobs where state = 'waiting'
       and kind in (${kinds.map(() => '?').join(', ')}) order by run_at limit ?`,
      [...kinds, this.running.size + 1],
    )
    return rows.find((row) => !this.running.has(nameOf(row)))?.run_at
  }

  private begin(row: Row, signal: AbortSignal): void {
    const name = nameOf(row)
    const task = this.attempt(row, signal)
      .catch((error) => {
        this.deps.log.error('job could not be recorded', { job: name, error })
        // It is still due as far as anybody can read: a disk that is full must not be asked all the time.
        return this.deps.outside.timers.sleep(UNRECORDED_PAUSE_MS, signal).catch(() => {})
      })
      .finally(() => {
        this.running.delete(name)
        this.wake()
      })
    this.running.set(name, task)
  }

  private async attempt(row: Row, signal: AbortSignal): Promise<void> {
    const kind = this.deps.kinds[row.kind]!
    const { kind: name, key } = row
    const attempt = row.attempts + 1
    try {
      await kind.run({
        key,
        payload: JSON.parse(row.payload),
        attempt,
        progress: row.progress === null ? undefined : JSON.parse(row.progress),
        saveProgress: async (progress) => void (await this.set(name, key, { progress })),
        signal,
      })
      if (kind.keep) await this.set(name, key, { state: 'done', attempts: attempt })
      else await this.remove(name, key)
      this.outcomes.with(name, 'done').add()
    } catch (error) {
      if (signal.aborted) return // a stop is no failure: the next start resumes it
      await this.failed(row, kind, attempt, error)
    }
  }

  private async failed(row: Row, kind: JobKind, attempt: number, error: unknown): Promise<void> {
    const { outside, log } = this.deps
    const final = attempt >= (kind.maxAttempts ?? MAX_ATTEMPTS)
    const failures = attempt - 1
    const waitMs = kind.pauseMs?.(failures) ?? pauseMs(failures, outside.random)
    this.outcomes.with(row.kind, final ? 'failed' : 'retried').add()
    log.warn(final ? 'job failed for good' : 'job failed and will be tried again', {
      job: nameOf(row),
      attempt,
      error,
    })
    await this.set(row.kind, row.key, {
      state: final ? 'failed' : 'waiting',
      attempts: attempt,
      last_error: String(error instanceof Error ? error.message : error).slice(0, ERROR_TEXT_MAX),
      run_at: outside.now() + waitMs,
    })
  }

  private async set(
    kind: string,
    key: string,
    change: Partial<Omit<Row, 'progress'>> & { progress?: unknown },
  ): Promise<void> {
    const entries = Object.entries(change).map(([name, value]) =>
      name === 'progress' ? [name, JSON.stringify(value)] : [name, value],
    ) as [string, string | number | null][]
    await this.deps.sql.run(
      `update jobs set ${entries.map(([name]) => `${name} = ?`).join(', ')}, updated_at = ?
       where kind = ? and key = ?`,
      [...entries.map(([, value]) => value), this.deps.outside.now(), kind, key],
    )
  }
}

function nameOf(row: Pick<Row, 'kind' | 'key'>): string {
  return `${row.kind} ${row.key}`
}

function statusOf(row: Row): JobStatus {
  return {
    kind: row.kind,
    key: row.key,
    payload: JSON.parse(row.payload),
    state: row.state,
    runAtMs: row.run_at,
    attempts: row.attempts,
    lastError: row.last_error ?? undefined,
    progress: row.progress === null ? undefined : JSON.parse(row.progress),
  }
}
