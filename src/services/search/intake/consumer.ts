import type { Frame, FrameBatch, Log, Loop, Metrics, Outside, Subscribe } from '#platform/runtime'
import { type Sql, StorageError } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { type Applied, applyChanges } from './apply.ts'
import type { Change, Taken } from './change.ts'
import { Tally } from './tally.ts'
import type { Upstream } from './upstream.ts'

/** What one transaction takes: enough to share its cost, little enough that reads wait briefly. */
const BATCH_FRAMES_MAX = 250
const BATCH_LENGTH_MAX = 512 * 1024
const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 5_000 // there is one upstream: to ask again costs little

export interface ConsumerParts {
  sql: Sql
  subscribe: Subscribe
  upstream: Upstream
  outside: Pick<Outside, 'now' | 'timers'>
  /** An #identity event: what is remembered of the DID is out of date. */
  forget(did: Did): void
  /** Told after each commit. */
  committed(applied: Applied): void
  metrics: Metrics
  log: Log
}

/**
 * Follows one upstream from where the index stands. Effect and cursor are saved together, so a stop
 * at any instant loses nothing and doubles nothing.
 */
export class Consumer {
  readonly #parts: ConsumerParts
  readonly #connected
  readonly #lag
  #pauseMs = PAUSE_MIN_MS

  constructor(parts: ConsumerParts) {
    this.#parts = parts
    const { metrics, upstream } = parts
    this.#connected = metrics
      .gauge('search_upstream_connected', 'Open streams', ['upstream'])
      .with(upstream.source)
    this.#lag = metrics.gauge('search_lag_seconds', 'Age of the newest record when indexed')
  }

  readonly loop: Loop = {
    name: 'intake',
    run: async (signal) => {
      const { log, outside, upstream } = this.#parts
      while (!signal.aborted) {
        try {
          const error = await this.#follow(signal)
          // The upstream has fewer events than we have seen: it began anew, and so do we.
          if (error === 'FutureCursor') await this.#savePosition(this.#parts.sql, 0)
          if (error !== undefined) log.warn('upstream ended the stream', { error })
        } catch (error) {
          if (isStoreFailure(error)) throw error
          if (!signal.aborted) log.info('upstream went away', { source: upstream.source, error })
        }
        if (signal.aborted) return
        await outside.timers.sleep(this.#pauseMs, signal).catch(() => {})
        this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MAX_MS)
      }
    },
  }

  /** Reads one connection to its end; resolves to the error the upstream gave, if any. */
  async #follow(signal: AbortSignal): Promise<string | undefined> {
    const { subscribe, upstream, outside } = this.#parts
    const address = upstream.address(await this.#position())
    try {
      for await (const frames of subscribe(address, { signal })) {
        this.#connected.set(1)
        this.#pauseMs = PAUSE_MIN_MS
        for (const batch of batchesOf(frames)) {
          const error = await this.take(batch)
          if (error !== undefined) return error
          // A store in this process answers without leaving the loop: let requests in between.
          if (batch.length === BATCH_FRAMES_MAX)
            await outside.timers.sleep(0, signal).catch(() => {})
          if (signal.aborted) return undefined
        }
      }
      return undefined
    } finally {
      this.#connected.set(0)
    }
  }

  /** Indexes frames in order. Resolves to the error the upstream ended with; throws when storage fails. */
  async take(frames: readonly Frame[]): Promise<string | undefined> {
    const { upstream, outside, forget, metrics } = this.#parts
    const nowMs = outside.now()
    const tally = new Tally()
    const taken = frames.map((frame) => upstream.take(frame, nowMs, tally))
    for (const { changes } of taken)
      for (const change of changes) if (change.kind === 'identity') forget(change.did)
    try {
      await this.#write(taken, nowMs, tally)
    } catch (error) {
      if (isStoreFailure(error)) throw error
      // One event that no rule foresaw must not stop the ones around it.
      for (const one of taken) await this.#writeAlone(one, nowMs, tally)
    }
    tally.report(metrics)
    return taken.findLast(({ error }) => error !== undefined)?.error
  }

  async #write(taken: readonly Taken[], nowMs: number, tally: Tally): Promise<void> {
    const { sql, committed } = this.#parts
    const changes = taken.flatMap((one) => one.changes)
    const position = taken.findLast((one) => one.position !== undefined)?.position
    if (changes.length === 0 && position === undefined) return
    const verdicts = new Tally()
    const applied = await sql.transaction(async (inside) => {
      const result = await applyChanges(inside, changes, nowMs, verdicts)
      if (position !== undefined) await this.#savePosition(inside, position)
      return result
    })
    tally.join(verdicts)
    committed(applied)
    this.#reportLag(changes, nowMs)
  }

  async #writeAlone(taken: Taken, nowMs: number, tally: Tally): Promise<void> {
    try {
      await this.#write([taken], nowMs, tally)
    } catch (error) {
      if (isStoreFailure(error)) throw error
      this.#parts.log.error('event could not be indexed', { did: taken.changes[0]?.did, error })
      tally.event('other', 'failed')
    }
  }

  async #position(): Promise<number | undefined> {
    const { sql, upstream } = this.#parts
    const row = await sql.get<{ position: number }>(
      'select position from cursor where source = ?',
      [upstream.source],
    )
    return row?.position
  }

  async #savePosition(sql: Sql, position: number): Promise<void> {
    await sql.run(
      `insert into cursor (source, position) values (?, ?)
       on conflict (source) do update set position = excluded.position`,
      [this.#parts.upstream.source, position],
    )
  }

  #reportLag(changes: readonly Change[], nowMs: number): void {
    const last = changes.findLast((change) => change.kind === 'record')
    if (last?.kind === 'record') this.#lag.set(Math.max(0, nowMs - last.seenMs) / 1_000)
  }
}

function* batchesOf(frames: FrameBatch): Generator<Frame[]> {
  let batch: Frame[] = []
  let length = 0
  for (const frame of frames) {
    batch.push(frame)
    length += frame.length
    if (batch.length < BATCH_FRAMES_MAX && length < BATCH_LENGTH_MAX) continue
    yield batch
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch
}

/** A row in conflict is the fault of an event; everything else that storage says stops the loop. */
function isStoreFailure(error: unknown): boolean {
  return error instanceof StorageError && error.code !== 'Conflict'
}
