import type { Log, Loop, Outside, Subscribe } from '#platform/runtime'
import { decodeFrame } from '#protocol/xrpc'
import type { Ingest } from '../ingest/index.ts'
import type { Host, Hosts } from './hosts.ts'

const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 60_000
const PAGE = 500

/**
 * Reads every known host's events, each from its cursor, with growing pauses while one does not
 * answer. Hosts added later join at once. Reading is back-pressure: the next batch is asked for when
 * the one before is durable.
 */
export class Crawl {
  readonly #hosts: Hosts
  readonly #ingest: Ingest
  readonly #subscribe: Subscribe
  readonly #outside: Outside
  readonly #log: Log
  readonly #reading = new Map<string, Promise<void>>()
  #signal: AbortSignal | undefined

  constructor(options: {
    hosts: Hosts
    ingest: Ingest
    subscribe: Subscribe
    outside: Outside
    log: Log
  }) {
    this.#hosts = options.hosts
    this.#ingest = options.ingest
    this.#subscribe = options.subscribe
    this.#outside = options.outside
    this.#log = options.log
  }

  get readingCount(): number {
    return this.#reading.size
  }

  readonly loop: Loop = {
    name: 'crawl',
    run: async (signal) => {
      this.#signal = signal
      let cursor: string | undefined
      do {
        const page = await this.#hosts.list({ limit: PAGE, cursor })
        for (const host of page) if (host.status !== 'banned') this.start(host)
        cursor = page.length === PAGE ? page.at(-1)!.url : undefined
      } while (cursor !== undefined)
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.all(this.#reading.values())
    },
  }

  /** Begins to read a host, unless it is being read, or the relay is not running yet. */
  start(host: Pick<Host, 'url' | 'trusted'>): void {
    const signal = this.#signal
    if (!signal || signal.aborted || this.#reading.has(host.url)) return
    const reading = this.#read(host, signal).finally(() => this.#reading.delete(host.url))
    this.#reading.set(host.url, reading)
  }

  async #read(host: Pick<Host, 'url' | 'trusted'>, signal: AbortSignal): Promise<void> {
    let pauseMs = PAUSE_MIN_MS
    while (!signal.aborted) {
      let heard = false
      try {
        for await (const frames of await this.#open(host.url, signal)) {
          if (!heard) await this.#hosts.setStatus(host.url, 'active')
          heard = true
          if (await this.#begunAnew(host.url, frames)) break
          await this.#ingest.take(frames, { host: host.url, trusted: host.trusted })
        }
        heard = true
      } catch (error) {
        if (!signal.aborted) this.#log.info('host went away', { host: host.url, error })
      }
      if (signal.aborted) return
      if (!heard) await this.#hosts.setStatus(host.url, 'offline')
      pauseMs = heard ? PAUSE_MIN_MS : Math.min(pauseMs * 2, PAUSE_MAX_MS)
      const jitter = 0.75 + this.#outside.random(1)[0]! / 512
      await this.#outside.timers.sleep(pauseMs * jitter, signal).catch(() => {})
    }
  }

  /** A new host is read from its oldest event: its first posts count too. */
  async #open(url: string, signal: AbortSignal) {
    const host = await this.#hosts.get(url)
    const address = `${url}/xrpc/com.atproto.sync.subscribeRepos?cursor=${host?.cursor ?? 0}`
    return this.#subscribe(address, { signal })
  }

  /** A host that says our cursor is in its future was set back: revs keep old events out. */
  async #begunAnew(url: string, frames: readonly (Uint8Array | string)[]): Promise<boolean> {
    const [first] = frames
    if (typeof first === 'string' || !first || frames.length > 1 || first.byteLength > 512) {
      return false
    }
    try {
      const frame = decodeFrame(first)
      if ('type' in frame || frame.error !== 'FutureCursor') return false
    } catch {
      return false
    }
    this.#log.warn('host was set back: reading it from its start', { host: url })
    await this.#hosts.resetCursor(url)
    return true
  }
}
