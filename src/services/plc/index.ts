/** The PLC directory: keeps the operations of did:plc identities, and shows what they add up to. */
import type {
  FrameBatch,
  HttpRequest,
  HttpResponse,
  Log,
  Metrics,
  Outside,
  Service,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { refusal } from './answers.ts'
import type { PlcConfig } from './config.ts'
import { Operations } from './operations.ts'
import { asProblem, Problem } from './problem.ts'
import { naturalIn, type Parts, route } from './routes.ts'
import { Tail } from './tail.ts'

export { type PlcConfig, plcConfig } from './config.ts'

/** Where the directory's migrations are. */
export const plcMigrations = new URL('./migrations/', import.meta.url)

export interface PlcDeps {
  outside: Pick<Outside, 'now'>
  log: Log
  metrics: Metrics
  /** Opened with `plcMigrations` and full synchronisation: an accepted operation must be on disk. */
  sql: Sql
  version?: string
}

/** Builds the directory. Closing it closes `sql`. */
export async function createPlc(config: PlcConfig, deps: PlcDeps): Promise<Service> {
  const { log, metrics, sql } = deps
  const operations = new Operations(config, { sql, now: () => deps.outside.now() })
  const tail = new Tail(operations, await operations.newestSeq())
  const parts: Parts = { operations, tail, version: deps.version ?? '0.0.0' }
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
    loops: [],
    close: () => sql.close(),
  }
}

/** Without a cursor the stream begins with what comes next. */
function stream(tail: Tail, { path, query, signal }: HttpRequest): AsyncIterable<FrameBatch> {
  if (path !== '/export/stream') throw new Problem(404, 'Not found')
  const cursor = naturalIn(new URLSearchParams(query), 'cursor') ?? tail.newestSeq
  if (cursor > tail.newestSeq) throw new Problem(400, 'FutureCursor')
  return tail.after(cursor, signal)
}
