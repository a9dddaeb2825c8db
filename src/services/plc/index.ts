/** The PLC directory: keeps the operations of did:plc identities, and shows what they add up to. */
import type {
  FrameBatch,
  HttpRequest,
  HttpResponse,
  Log,
  Loop,
  Metrics,
  Outside,
  Service,
  Subscribe,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { PlcJudge } from '#protocol/identity'
import { refusal } from './answers.ts'
import type { PlcConfig } from './config.ts'
import { Follower } from './follower.ts'
import { Held } from './held.ts'
import { Operations } from './operations.ts'
import { asProblem, Problem } from './problem.ts'
import { followedUpstream, ReplicaLog } from './replica-log.ts'
import { naturalIn, type Parts, route } from './routes.ts'
import { Tail } from './tail.ts'

export { type PlcConfig, plcConfig } from './config.ts'

/** Where the directory's migrations are. */
export const plcMigrations = new URL('./migrations/', import.meta.url)

export interface PlcDeps {
  outside: Pick<Outside, 'now' | 'fetch' | 'timers'>
  /** How a replica reads the stream it follows; a directory of its own needs none. */
  subscribe?: Subscribe
  log: Log
  metrics: Metrics
  /** Opened with `plcMigrations` and full synchronisation: an accepted operation must be on disk. */
  sql: Sql
  version?: string
}

/**
 * Builds the directory; with `replicaOf`, a replica of another one. Closing it closes `sql`. Throws
 * when `sql` is a replica's and no longer to be one, or the other way round.
 */
export async function createPlc(config: PlcConfig, deps: PlcDeps): Promise<Service> {
  const { log, metrics, sql } = deps
  const operations = new Operations(config, { sql, now: () => deps.outside.now() })
  const made = await replicaOf(config, deps, operations)
  const newestSeq = await operations.newestSeq()
  const tail = new Tail(operations, Math.max(newestSeq, made?.log.cursor.seq ?? 0))
  const replica = made && following(config, deps, { ...made, operations, tail })
  const parts: Parts = { operations, tail, version: deps.version ?? '0.0.0', replica }
  const refused = metrics.counter('plc_refused', 'Requests refused', ['status'])
  metrics.gauge('plc_newest_seq', 'Operations accepted so far', [], () => tail.newestSeq)

  const failed = (thrown: unknown, request: HttpRequest): HttpResponse => {
    const problem = asProblem(thrown)
    if (problem === undefined)
      log.error('request failed', { request: request.id, path: request.path, error: thrown })
    const shown = problem ?? new Problem(500, `Internal Server Error, request ${request.id}`)
    refused.with(String(shown.status)).add()
    return refusal(shown)
  }

  return {
    name: 'plc',
    async handle(request) {
      try {
        return await route(parts, request)
      } catch (thrown) {
        return failed(thrown, request)
      }
    },
    subscribe(request) {
      try {
        return stream(tail, request)
      } catch (thrown) {
        return failed(thrown, request)
      }
    },
    loops: replica ? [replica.loop] : [],
    close: () => sql.close(),
  }
}

/** What a replica keeps; undefined for a directory of its own. */
async function replicaOf(
  config: PlcConfig,
  { sql, outside }: PlcDeps,
  operations: Operations,
): Promise<{ log: ReplicaLog; held: Held } | undefined> {
  const upstream = config.replicaOf
  if (upstream === undefined) {
    const followed = await followedUpstream(sql)
    if (followed === undefined) return undefined
    throw new Error(`this folder holds a replica of ${followed}: start it with --replica-of`)
  }
  const held = await Held.open(sql)
  const judge = new PlcJudge()
  const parts = { sql, operations, held, judge, now: () => outside.now() }
  return { log: await ReplicaLog.open(upstream, parts), held }
}

function following(
  config: PlcConfig,
  { outside, subscribe, log, metrics }: PlcDeps,
  parts: { log: ReplicaLog; held: Held; operations: Operations; tail: Tail },
): NonNullable<Parts['replica']> & { loop: Loop } {
  if (subscribe === undefined) throw new Error('a replica needs a way to read a stream')
  const { held, operations, tail } = parts
  const upstream = config.replicaOf!
  const stream = config.replicaStream ?? new URL('/export/stream', upstream).href
  const follower = new Follower(
    { upstream, stream },
    { replica: parts.log, held, tail, outside, subscribe, log, metrics },
  )
  const forwards = config.replicaForwards
  return {
    follower,
    held,
    forwarding: { upstream, forwards, operations, follower, outside },
    loop: { name: 'follow-upstream', run: (signal) => follower.run(signal) },
  }
}

/** Without a cursor the stream begins with what comes next. */
function stream(tail: Tail, { path, query, signal }: HttpRequest): AsyncIterable<FrameBatch> {
  if (path !== '/export/stream') throw new Problem(404, 'Not found')
  const cursor = naturalIn(new URLSearchParams(query), 'cursor') ?? tail.newestSeq
  if (cursor > tail.newestSeq) throw new Problem(400, 'FutureCursor')
  return tail.after(cursor, signal)
}
