import type { FrameBatch, Log, Loop, Outside, Subscribe } from '#platform/runtime'
import { Bell } from '../bell.ts'
import { DirectoryAway, type Ingest } from '../ingest/index.ts'
import type { Host, Hosts } from './hosts.ts'

const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 60_000
/** A stream that is silent for so long is open all the same. */
const OPEN_AFTER_MS = 15_000
/** While the directory is away, all hosts wait for one other: it is asked again this soon. */
const DIRECTORY_PAUSE_MS = 4_000
/** A host that asked to be read and never answered is forgotten after so many tries: half an hour. */
const TRIES_MAX = 40
const PAGE = 500

type Named = Pick<Host, 'url' | 'trusted'>

/** A host being read. */
interface Reading {
  done: Promise<void>
  /** Rung, it ends the pause between two tries. */
  bell: Bell
}

/**
 * Reads every known host's events, each from its cursor, with growing pauses while one does not
 * answer. Hosts added later join at once. Reading is back-pressure: one batch is judged while the one
 * before becomes durable, and no third is asked for.
 */
export class Crawl {
  readonly #hosts: Hosts
  readonly #ingest: Ingest
  readonly #subscribe: Subscribe
  readonly #outside: Outside
  readonly #log: Log
  readonly #lasting: ReadonlySet<string>
  readonly #reading = new Map<string, Reading>()
  #signal: AbortSignal | undefined

  constructor(options: {
    hosts: Hosts
    ingest: Ingest
    subscribe: Subscribe
    outside: Outside
    log: Log
    /** Origins that are never given up. */
    lasting: readonly string[]
  }) {
    this.#hosts = options.hosts
    this.#ingest = options.ingest
    this.#subscribe = options.subscribe
    this.#outside = options.outside
    this.#log = options.log
    this.#lasting = new Set(options.lasting)
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
      await aborted(signal)
      await Promise.all([...this.#reading.values()].map(({ done }) => done))
    },
  }

  /** Begins to read a host, or tries again at once; nothing while the relay does not run. */
  start(host: Named): void {
    const signal = this.#signal
    if (!signal || signal.aborted) return
    const known = this.#reading.get(host.url)
    if (known) {
      known.bell.ring()
      return
    }
    const reading: Reading = { done: Promise.resolve(), bell: new Bell(this.#outside.timers) }
    this.#reading.set(host.url, reading)
    reading.done = this.#read(host, signal, reading.bell).finally(() =>
      this.#reading.delete(host.url),
    )
  }

  async #read(host: Named, signal: AbortSignal, bell: Bell): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const outcome = await this.#try(host, signal)
      if (signal.aborted) return
      failures = outcome === 'progress' ? 0 : failures + 1
      const mayEnd = outcome === 'nothing' && failures > TRIES_MAX && !this.#lasting.has(host.url)
      if (mayEnd && (await this.#giveUp(host.url))) return
      const pauseMs = this.#pauseMs(failures)
      await bell.wait(signal, outcome === 'held' ? Math.min(pauseMs, DIRECTORY_PAUSE_MS) : pauseMs)
    }
  }

  /** Reads until the stream ends, or is held up by the directory. Never throws. */
  async #try(host: Named, signal: AbortSignal): Promise<'progress' | 'nothing' | 'held'> {
    const { timers } = this.#outside
    const progress = { made: false }
    let isHeld = false
    const isOpen = timers.setTimeout(() => this.#note(host.url, 'idle'), OPEN_AFTER_MS)
    try {
      await this.#follow(host, signal, () => {
        if (!progress.made) this.#note(host.url, 'active')
        progress.made = true
      })
    } catch (error) {
      isHeld = error instanceof DirectoryAway
      const what = isHeld ? 'host has to wait for the directory' : 'host went away'
      if (!signal.aborted) this.#log.info(what, { host: host.url, error })
    } finally {
      timers.clearTimeout(isOpen)
    }
    if (progress.made) return 'progress'
    if (isHeld) return 'held'
    if (!signal.aborted) this.#note(host.url, 'offline')
    return 'nothing'
  }

  async #follow(host: Named, signal: AbortSignal, onProgress: () => void): Promise<void> {
    let kept: Promise<void> = Promise.resolve()
    for await (const frames of await this.#open(host.url, signal)) {
      const before = kept
      const taken = await this.#ingest.take(frames, host)
      kept = taken.kept
      await before
      if (taken.error === 'FutureCursor') return this.#beginAnew(host.url)
      if (taken.count > 0) onProgress()
    }
    await kept
  }

  /** A new host is read from its oldest event: its first posts count too. */
  async #open(url: string, signal: AbortSignal): Promise<AsyncIterable<FrameBatch>> {
    const cursor = (await this.#hosts.get(url))?.cursor ?? 0
    const address = `${url}/xrpc/com.atproto.sync.subscribeRepos?cursor=${cursor}`
    return this.#subscribe(address, { signal })
  }

  /** A host that says our cursor is in its future was set back: revs keep old events out. */
  #beginAnew(url: string): void {
    this.#log.warn('host was set back: reading it from its start', { host: url })
    this.#hosts.resetCursor(url)
  }

  async #giveUp(url: string): Promise<boolean> {
    const host = await this.#hosts.get(url).catch(() => undefined)
    if (!host || host.cursor > 0) return false
    this.#log.info('host never answered and is forgotten', { host: url })
    await this.#hosts.forget(url).catch(() => {})
    return true
  }

  /** What others are shown; nothing depends on it. */
  #note(url: string, status: 'active' | 'idle' | 'offline'): void {
    this.#hosts
      .setStatus(url, status)
      .catch((error) => this.#log.warn('the status of a host could not be kept', { error }))
  }

  /** Doubles from a quarter of a second to a minute, give or take a quarter of itself. */
  #pauseMs(failures: number): number {
    const ms = Math.min(PAUSE_MIN_MS * 2 ** Math.min(failures, 20), PAUSE_MAX_MS)
    return ms * (0.75 + this.#outside.random(1)[0]! / 512)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
