/**
 * A search service: indexes posts and profiles from a jetstream or a relay, and answers which of
 * them have the words asked for, in Arabic, Latin and other scripts.
 * https://atproto.com/guides/applications
 */
import type { Log, Metrics, Outside, Service, Subscribe } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { cachedDirectory, networkDirectory, type PlcUrls } from '#protocol/identity'
import { createRouter, failureLog, type HttpResponse } from '#protocol/xrpc'
import type { SearchConfig } from './config.ts'
import { Handles } from './handles/index.ts'
import { Consumer, jetstreamUpstream, relayUpstream } from './intake/index.ts'
import { methods } from './methods.ts'
import { Actors, Posts, Remains } from './records/index.ts'

export { type SearchConfig, searchConfig } from './config.ts'

/** Where the migrations of the index are. */
export const searchMigrations = new URL('./migrations/', import.meta.url)

export interface SearchDeps {
  /** Opened with `searchMigrations`. A projection of the network: it need not be fsynced. */
  sql: Sql
  outside: Outside
  subscribe: Subscribe
  log: Log
  metrics: Metrics
  version: string
  /** Local mode: directories and hosts on this machine may be asked over plain http. */
  local: boolean
}

/** Builds a search service; the index fills by its loops. One of `jetstream` and `relay` is needed. */
export async function createSearch(
  config: Omit<SearchConfig, 'plc'> & { plc: PlcUrls },
  deps: SearchDeps,
): Promise<Service> {
  const { sql, outside, log, metrics } = deps
  const directory = cachedDirectory(
    networkDirectory({
      plcUrl: config.plc,
      fetch: (url, init) => outside.fetch(url, init),
      timers: outside.timers,
      resolveTxt: outside.resolveTxt,
      localHandleHosts: () => config.pdsHosts,
      allowHttp: deps.local,
    }),
    { now: outside.now, negativeTtlMs: 10_000 },
  )
  const handles = new Handles({ sql, directory, outside, metrics, log })
  const remains = new Remains({ sql, timers: outside.timers })
  const consumer = new Consumer({
    sql,
    subscribe: deps.subscribe,
    upstream: upstreamOf(config),
    outside,
    forget: (did) => directory.forget(did),
    committed({ handlesDue, hasRemains }) {
      if (handlesDue) handles.wake()
      if (hasRemains) remains.wake()
    },
    metrics,
    log,
  })
  const answers = metrics.counter('search_answers', 'Answers by method', ['method', 'status'])
  const router = createRouter(
    methods({ actors: new Actors({ sql }), posts: new Posts({ sql }), directory }),
    {
      health: () => ({ version: deps.version }),
      onAnswer: (nsid, status) => answers.with(nsid, String(status)).add(),
      onFailure: failureLog(log),
    },
  )
  return {
    name: 'search',
    handle: (request) =>
      request.path.startsWith('/xrpc/') ? router.handle(request) : otherPath(request.path),
    loops: [consumer.loop, handles.loop, remains.loop],
    close: async () => {},
  }
}

function upstreamOf({ jetstream, relay }: Pick<SearchConfig, 'jetstream' | 'relay'>) {
  if (jetstream !== undefined) return jetstreamUpstream(jetstream)
  if (relay !== undefined) return relayUpstream(relay)
  throw new Error('a search service needs a jetstream or a relay')
}

function otherPath(path: string): HttpResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (path !== '/') return { status: 404, headers, body: 'Not found\n' }
  return { status: 200, headers, body: 'A search service of atproto. Methods are under /xrpc/\n' }
}
