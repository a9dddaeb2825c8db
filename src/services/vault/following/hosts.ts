import type { Log, Loop, Metrics, Outside, Subscribe } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { ask, LIST_JOB } from '../ask.ts'
import { DirectoryAway, type Intake, type Upstream } from './intake.ts'

/** What one transaction takes: enough to share its cost, little enough that others wait briefly. */
const BATCH_EVENTS_MAX = 200
const BATCH_BYTES_MAX = 1024 * 1024
const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 30_000
/** What is asked for is looked at again so often, whatever the streams say. */
const LOOK_AGAIN_MS = 24 * 3_600_000

export interface HostsParts {
  sql: Sql
  intake: Intake
  subscribe: Subscribe
  outside: Outside
  metrics: Metrics
  log: Log
  asked(): void
}

/** The hosts that are followed, each from its cursor; those added later at once. */
export class Hosts {
  readonly #parts: HostsParts
  readonly #connected
  readonly #reading = new Map<string, Promise<void>>()
  #signal: AbortSignal | undefined

  constructor(parts: HostsParts) {
    this.#parts = parts
    const { metrics } = parts
    this.#connected = metrics.gauge('vault_host_connected', 'Open streams', ['host'])
  }

  /** What the operator names is followed whole; what was, and is not any more, account by account. */
  async configure(urls: readonly string[]): Promise<void> {
    await this.#parts.sql.transaction(async (sql) => {
      await sql.run('update host set whole = 0')
      await sql.runMany(
        `insert into host (url, whole) values (?, 1)
         on conflict (url) do update set whole = 1`,
        urls.map((url) => [url]),
      )
      await sql.run(
        `delete from host where whole = 0 and not exists
           (select 1 from account where account.host = host.url and state not in ('left', 'erased'))`,
      )
    })
  }

  /** Follows the host of an account. */
  async add(url: string): Promise<void> {
    await this.#parts.sql.run('insert into host (url) values (?) on conflict do nothing', [url])
    this.#start({ url, whole: false })
  }

  readonly loop: Loop = {
    name: 'follow',
    run: async (signal) => {
      this.#signal = signal
      const select = 'select url, whole from host'
      const rows = await this.#parts.sql.all<{ url: string; whole: number }>(select)
      for (const { url, whole } of rows) this.#start({ url, whole: whole === 1 })
      await this.#lookAgain(signal)
      await Promise.all(this.#reading.values())
    },
  }

  async #lookAgain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.outside.timers.sleep(LOOK_AGAIN_MS, signal).catch(() => {})
      if (!signal.aborted) for (const url of this.#reading.keys()) await this.#list(url)
    }
  }

  #start(upstream: Upstream): void {
    const signal = this.#signal
    if (!signal || signal.aborted || this.#reading.has(upstream.url)) return
    const done = this.#read(upstream, signal).finally(() => this.#reading.delete(upstream.url))
    this.#reading.set(upstream.url, done)
  }

  async #read(upstream: Upstream, signal: AbortSignal): Promise<void> {
    const { outside, log } = this.#parts
    let pauseMs = PAUSE_MIN_MS
    while (!signal.aborted) {
      try {
        const error = await this.#follow(upstream, signal, () => {
          pauseMs = PAUSE_MIN_MS
        })
        if (error !== undefined) log.warn('host ended its stream', { host: upstream.url, error })
        // It has fewer events than were seen: it began anew, and so is this.
        if (error === 'FutureCursor') await this.#setCursor(upstream.url, 0)
      } catch (error) {
        const what = error instanceof DirectoryAway ? 'host has to wait' : 'host went away'
        if (!signal.aborted) log.info(what, { host: upstream.url, error })
      }
      if (signal.aborted) return
      await outside.timers.sleep(pauseMs, signal).catch(() => {})
      pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)
    }
  }

  /** Reads one connection to its end. */
  async #follow(
    upstream: Upstream,
    signal: AbortSignal,
    took: () => void,
  ): Promise<string | undefined> {
    const { sql, intake, subscribe } = this.#parts
    const { url } = upstream
    const row = await sql.get<{ seq: number }>('select seq from host where url = ?', [url])
    const cursor = row?.seq ? `?cursor=${row.seq}` : ''
    const address = `${url.replace(/^http/, 'ws')}/xrpc/com.atproto.sync.subscribeRepos${cursor}`
    const stop = new AbortController()
    const connected = this.#connected.with(url)
    try {
      const stream = subscribe(address, { signal: AbortSignal.any([signal, stop.signal]) })
      // Whoever is there already is looked up once the stream is open, so that nothing lies between.
      // With a cursor the stream itself tells, every state one by one.
      if (cursor === '') await this.#list(url)
      for await (const frames of stream) {
        connected.set(1)
        for (const batch of batchesOf(frames)) {
          const { error, info } = await intake.take(batch, upstream)
          took()
          if (info === 'OutdatedCursor') await this.#list(url)
          if (error !== undefined) return error
          // A store in this process answers without leaving the loop: let others in between.
          await this.#parts.outside.timers.sleep(0, signal).catch(() => {})
          if (signal.aborted) return undefined
        }
      }
      return undefined
    } finally {
      stop.abort()
      connected.set(0)
    }
  }

  async #list(url: string): Promise<void> {
    await ask(this.#parts.sql, LIST_JOB, [url], this.#parts.outside.now())
    this.#parts.asked()
  }

  async #setCursor(url: string, seq: number): Promise<void> {
    await this.#parts.sql.run('update host set seq = ? where url = ?', [seq, url])
  }
}

function* batchesOf<F extends Uint8Array | string>(frames: readonly F[]): Generator<F[]> {
  let batch: F[] = []
  let bytes = 0
  for (const frame of frames) {
    batch.push(frame)
    bytes += frame.length
    if (batch.length < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}
