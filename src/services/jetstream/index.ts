/**
 * A jetstream: a relay's events as plain JSON, live and replayed, filtered for each reader. Owns
 * its archive; verifies nothing (its relay did). https://docs.bsky.app/blog/jetstream
 */

import type { Log, Metrics, Outside, Service, Subscribe } from '#platform/runtime'
import type { Streams } from '#platform/storage'
import { errorResponse, type HttpResponse, toXrpcError } from '#protocol/xrpc'
import { Archive } from './archive/index.ts'
import type { JetstreamConfig } from './config.ts'
import { subscribe } from './subscribe/index.ts'

export { type JetstreamConfig, jetstreamConfig } from './config.ts'

export interface JetstreamDeps {
  streams: Streams
  outside: Outside
  subscribe: Subscribe
  log: Log
  metrics: Metrics
  version: string
}

const HOUR_MS = 3_600_000

/** Builds a jetstream; its archive goes on where it ended. */
export async function createJetstream(
  config: JetstreamConfig & { relay: string },
  deps: JetstreamDeps,
): Promise<Service> {
  const { outside, log, metrics, version } = deps
  const stream = await deps.streams.open('events')
  const archive = new Archive({
    stream,
    relay: config.relay,
    subscribe: deps.subscribe,
    outside,
    log,
    metrics,
  })
  await archive.resume()
  metrics.gauge('jetstream_newest_seq', 'Newest event.', [], () => stream.bounds().last)
  return {
    name: 'jetstream',
    handle: ({ path }) => answer(path, version),
    subscribe(request) {
      if (request.path !== '/subscribe') return { status: 404 }
      try {
        return subscribe(stream, request)
      } catch (error) {
        return errorResponse(toXrpcError(error))
      }
    },
    loops: [
      archive.loop,
      {
        name: 'retention',
        async run(signal) {
          while (!signal.aborted) {
            // The newest event stays: it says where to read on.
            const { last: beforeSeq } = stream.bounds()
            const beforeMs = outside.now() - config.retentionHours * HOUR_MS
            await stream.trim({ beforeMs, beforeSeq })
            await outside.timers.sleep(HOUR_MS, signal).catch(() => {})
          }
        },
      },
    ],
    close: () => stream.close(),
  }
}

function answer(path: string, version: string): HttpResponse {
  const json = { 'content-type': 'application/json', 'access-control-allow-origin': '*' }
  const text = { 'content-type': 'text/plain; charset=utf-8' }
  switch (path) {
    case '/xrpc/_health':
      return { status: 200, headers: json, body: JSON.stringify({ version }) }
    case '/subscribe':
      return { status: 426, headers: { ...text, upgrade: 'websocket' }, body: 'Open a WebSocket\n' }
    case '/':
      return { status: 200, headers: text, body: 'A jetstream: open a WebSocket at /subscribe\n' }
    default:
      return { status: 404, headers: text, body: 'Not found\n' }
  }
}
