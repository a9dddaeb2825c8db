import type { Frame, FrameBatch, Log, Loop, Metrics, Subscribe } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { EventIndexer, Upstream } from './apply.ts'

/** What one transaction takes: enough to share its cost, little enough that reads wait briefly. */
const BATCH_EVENTS_MAX = 200
const BATCH_BYTES_MAX = 512 * 1024
/** How soon an upstream that closed the stream is asked again. */
const RECONNECT_MS = 1_000

export interface ConsumerParts {
  sql: Sql
  subscribe: Subscribe
  indexer: EventIndexer
  upstream: Upstream
  timers: { sleep(ms: number, signal?: AbortSignal): Promise<void> }
  metrics: Metrics
  log: Log
}

/**
 * Follows one upstream's `com.atproto.sync.subscribeRepos`, from where the index stands. Effect and
 * cursor are saved together, so a stop at any instant loses nothing and doubles nothing.
 */
export function createConsumer(parts: ConsumerParts): Loop {
  const { source } = parts.upstream
  return {
    name: `index ${source}`,
    async run(signal) {
      while (!signal.aborted) {
        const error = await follow(parts, signal)
        if (signal.aborted) return
        if (error !== undefined) parts.log.warn('upstream ended the stream', { source, error })
        // The upstream has fewer events than we have seen: it began anew, and so do we.
        if (error === 'FutureCursor') await setCursor(parts, 0)
        await parts.timers.sleep(RECONNECT_MS, signal).catch(() => {})
      }
    },
  }
}

/** Reads one connection to its end; resolves to the error the upstream gave, if any. */
async function follow(parts: ConsumerParts, signal: AbortSignal): Promise<string | undefined> {
  const { subscribe, indexer, timers, upstream } = parts
  const url = `${upstream.source.replace(/^http/, 'ws')}/xrpc/com.atproto.sync.subscribeRepos`
  const connected = parts.metrics.gauge('appview_upstream_connected', 'Open streams', ['upstream'])
  const gauge = connected.with(upstream.source)
  const cursor = await readCursor(parts)
  let busy = 0
  try {
    for await (const frames of subscribe(`${url}?cursor=${cursor}`, { signal })) {
      gauge.set(1)
      for (const { batch, isFull } of batchesOf(frames)) {
        const { error } = await indexer.apply(batch, upstream)
        if (error !== undefined) return error
        busy += batch.length
        if (!isFull && busy < BATCH_EVENTS_MAX) continue
        // A store in this process answers without leaving the loop: let requests in between.
        await timers.sleep(0, signal).catch(() => {})
        busy = 0
        if (signal.aborted) return undefined
      }
    }
    return undefined
  } finally {
    gauge.set(0)
  }
}

function* batchesOf(frames: FrameBatch): Generator<{ batch: Frame[]; isFull: boolean }> {
  let batch: Frame[] = []
  let bytes = 0
  for (const frame of frames) {
    batch.push(frame)
    bytes += frame.length
    if (batch.length < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX) continue
    yield { batch, isFull: true }
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield { batch, isFull: false }
}

async function readCursor({ sql, upstream }: ConsumerParts): Promise<number> {
  const row = await sql.get<{ seq: number }>('select seq from cursor where source = ?', [
    upstream.source,
  ])
  return row?.seq ?? 0
}

async function setCursor({ sql, upstream }: ConsumerParts, seq: number): Promise<void> {
  await sql.run(
    `insert into cursor (source, seq) values (?, ?)
     on conflict (source) do update set seq = excluded.seq`,
    [upstream.source, seq],
  )
}
