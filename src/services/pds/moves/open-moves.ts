import { createJobs, type Log, type Loop, type Metrics, type Outside } from '#platform/runtime'
import { Budgets } from './budget.ts'
import { MOVE_JOB, MOVE_PACE } from './move-work.ts'
import { Moves, type MovesDeps } from './moves.ts'
import { Visibility } from './visibility.ts'

/** Repositories and blobs take as long as they take; a host that moves no byte for so long is away. */
const SILENCE_MS = 30_000
/** What an import takes in is limited by its own setting; answers that are JSON by the client. */
const ANSWER_BYTES_MAX = 1e12

export interface MovesOptions
  extends Omit<MovesDeps, 'jobs' | 'visibility' | 'budgets' | 'outside'> {
  /** Relays that this host asks to crawl it. */
  crawlers: readonly string[]
  /** Where new accounts should be seen. */
  appview(): { url: string; did: string } | undefined
  outside: Outside
  log: Log
  metrics: Metrics
}

/** A fleet takes eight of them at most: others need not wait for it. */
const AT_ONCE = 12

/** Moves with the jobs that carry them. A move takes its time: nothing else waits for it. */
export function openMoves(options: MovesOptions): { moves: Moves; budgets: Budgets; loop: Loop } {
  const { sql, outside, log, metrics, crawlers, appview, host } = options
  const { now, random, timers } = outside
  const limits = { silenceMs: SILENCE_MS, maxResponseBytes: ANSWER_BYTES_MAX }
  const fetch = (url: string, init?: RequestInit) => outside.fetch(url, { ...init, ...limits })
  const net = { fetch, timers }
  const budgets = new Budgets({ now, timers })
  const jobs = createJobs({
    sql,
    kinds: { [MOVE_JOB]: { ...MOVE_PACE, run: (job) => moves.run(job) } },
    outside,
    log,
    metrics,
    concurrency: AT_ONCE,
  })
  const moves = new Moves({
    ...options,
    jobs: () => jobs,
    budgets,
    visibility: new Visibility({ ...net, now, publicUrl: host.publicUrl, crawlers, appview }),
    outside: { ...net, now, random },
  })
  return { moves, budgets, loop: { ...jobs.loop, name: 'moves' } }
}
