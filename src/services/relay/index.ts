/**
 * A relay. Owns the verified, merged event stream of many hosts. Holds no repositories: what it
 * keeps of each is who hosts it, its rev and its tree's root.
 */

import type { Log, Metrics, Outside, Service, Subscribe } from '#platform/runtime'
import type { Sql, Streams } from '#platform/storage'
import { cachedDirectory, Identities, networkDirectory, type PlcUrls } from '#protocol/identity'
import { createRouter, encodeErrorFrame, failureLog } from '#protocol/xrpc'
import type { RelayConfig } from './config.ts'
import { hostUrlReader } from './host-url.ts'
import { Crawl, Hosts, Resync } from './hosts/index.ts'
import { Ingest, Judge, Projection, RepoStates, rebuildStates } from './ingest/index.ts'
import { methods } from './methods.ts'
import type { Relay } from './parts.ts'

export { type RelayConfig, relayConfig } from './config.ts'

/** Where the migrations of the relay's database are. */
export const relayMigrations = new URL('./migrations/', import.meta.url)

export interface RelayDeps {
  /** Opened with `relayMigrations`; a projection of the stream, so normal synchronisation is enough. */
  sql: Sql
  streams: Streams
  outside: Outside
  subscribe: Subscribe
  log: Log
  metrics: Metrics
  version: string
  /** Local mode: hosts on this machine may ask to be read. */
  local: boolean
}

/** Builds a relay and brings its state up to its stream. */
export async function createRelay(
  config: Omit<RelayConfig, 'plc'> & { plc: PlcUrls },
  deps: RelayDeps,
): Promise<Service> {
  const { sql, outside, subscribe, log, metrics, local } = deps
  const { now, timers } = outside
  const projection = new Projection({ sql, timers, log })
  const states = new RepoStates({ sql, projection })
  const stream = await deps.streams.open('events', {
    // A stream that was lost goes on above what was sent from it.
    floor: Math.max(config.firstSeq, (await projection.appliedSeq()) + 1),
    onFailed: () => states.reset(),
  })
  const rebuilt = await rebuildStates(stream, states, projection)
  if (rebuilt > 0) log.info('state rebuilt from the stream', { entries: rebuilt })

  const directory = cachedDirectory(
    networkDirectory({
      plcUrl: config.plc,
      fetch: (url, init) => outside.fetch(url, init),
      timers: outside.timers,
      resolveTxt: outside.resolveTxt,
      allowHttp: local,
    }),
    { now, negativeTtlMs: 10_000 },
  )
  const identities = new Identities({ directory, now })
  const judge = new Judge({ now, lenient: config.lenient })
  const resync = new Resync({ states, identities, ingest: () => ingest, outside, log })
  const ingest = new Ingest({
    stream,
    states,
    projection,
    identities,
    judge,
    metrics,
    log,
    broken: (state) => resync.add(state),
  })
  const hosts = new Hosts({ sql, projection, now, max: config.hostsMax })
  const [named, trusted] = [config.pdsHosts, config.trustedRelay].map((urls) =>
    urls.map((url) => new URL(url).origin),
  ) as [string[], string[]]
  await hosts.configure(named, trusted)
  const lasting = [...named, ...trusted]
  const crawl = new Crawl({ hosts, ingest, subscribe, outside, log, lasting })
  metrics.gauge('relay_hosts_reading', 'Hosts being read.', [], () => crawl.readingCount)
  metrics.gauge('relay_mending', 'Repositories to be mended.', [], () => resync.waitingCount)
  metrics.gauge('relay_newest_seq', 'Newest event.', [], () => stream.bounds().last)

  const hostUrl = hostUrlReader({ local })
  const relay: Relay = { stream, hosts, crawl, states, hostUrl, openCrawl: config.openCrawl }
  const router = createRouter(methods(relay), {
    health: () => ({ version: deps.version }),
    onFailure: failureLog(log),
  })
  return {
    name: 'relay',
    handle: (request) => router.handle(request),
    subscribe: (request) => router.subscribe(request),
    tooSlowFrame: encodeErrorFrame('ConsumerTooSlow', 'The stream was read too slowly'),
    loops: [
      crawl.loop,
      resync.loop,
      projection.loop,
      {
        name: 'retention',
        async run(signal) {
          while (!signal.aborted) {
            const beforeMs = now() - config.retentionHours * 3_600_000
            await stream.trim({ beforeMs, beforeSeq: await projection.appliedSeq() })
            await outside.timers.sleep(3_600_000, signal).catch(() => {})
          }
        },
      },
    ],
    async close() {
      await stream.close()
      await projection.flush()
    },
  }
}
