import {
  type HttpRequest,
  type HttpResponse,
  type Log,
  type Loop,
  type Metrics,
  type Outside,
  type RunningLoops,
  superviseLoops,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { XrpcError } from '#protocol/xrpc'
import type { IndexWriter } from '../index/writer.ts'
import type { IndexFiles } from './index-files.ts'
import { PrivateCopy } from './private-copy.ts'
import { cursorOf, handlesAreKnown, isSeeded, type Progress, progressOf, seed } from './seed.ts'

/** One index with all that fills it and answers from it. */
export interface Generation {
  sql: Sql
  writer: IndexWriter
  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse>
  loops: readonly Loop[]
  /** Resolves after the next transaction. */
  news(): Promise<void>
}

export interface RebuildStatus extends Partial<Progress> {
  isRunning: boolean
  startedMs?: number
  /** Events that the new index is behind the serving one. */
  behind?: number
}

/** What is kept of a rebuild that was asked for, in the index that serves. */
interface Wish {
  name: string
  startedMs: number
}

/** The generation that answers, and who reads from it. */
interface Place {
  name: string
  generation: Generation
  calls: number
  /** Of these, those that may write. */
  writes: number
  stop(): Promise<unknown>
  /** Told whenever a call ends. */
  ended: (() => void) | undefined
}

/** A new index that has everything. */
interface Ready {
  generation: Generation
  wish: Wish
  copy: PrivateCopy
  stop(): Promise<unknown>
}

export interface RebuildParts {
  files: IndexFiles
  serving: Generation
  /** Puts an index together that nobody reads yet. */
  make(sql: Sql): Promise<Generation>
  /** The upstream whose cursor says how far an index is. */
  source: string
  hasScope: boolean
  outside: Pick<Outside, 'now' | 'timers' | 'random'>
  metrics: Metrics
  log: Log
}

const SETTING = 'rebuild'
/** A new index is about as large as the old one, and its write-ahead file comes on top. */
const ROOM_SHARE = 1.25
const ROOM_MIN_BYTES = 64 * 1024 * 1024
/** How long writes of people are kept waiting at most; then the switch is put off. */
const HOLD_MS = 10_000
/** Between two looks at how far it is. */
const LOOK_MS = 250
const LOOK_MS_MAX = 5_000
/** Readers of the old index that have not ended by then are cut off. */
const READERS_MS = 60_000

/**
 * Makes the index anew while the one that is there goes on serving: another file is filled from the
 * repositories that the upstream lists and, from the place noted before, from its stream; what is
 * known here alone is carried over; then it takes the place of the old one, between two requests. A
 * stop at any instant leaves the old one serving, and the start after it goes on.
 */
export class Rebuild {
  readonly #parts: RebuildParts
  #place: Place
  #building: { sql: Sql; wish: Wish; cancel: AbortController } | undefined
  /** Writes of people wait for it while indexes change places. */
  #gate: Promise<void> | undefined
  #wakeUp: (() => void) | undefined
  #left

  constructor(parts: RebuildParts) {
    this.#parts = parts
    const { generation, stop } = stoppable(parts.serving)
    const name = parts.files.current
    this.#place = { name, generation, calls: 0, writes: 0, stop, ended: undefined }
    const help = 'Repositories that an index being made anew has not tried to fetch yet'
    this.#left = parts.metrics.gauge('appview_rebuild_left', help, [])
    parts.metrics.gauge('appview_rebuild_running', 'Whether an index is being made anew', [], () =>
      this.#building ? 1 : 0,
    )
  }

  /** Those of the index that served at the start, and the one that makes another. */
  get loops(): readonly Loop[] {
    const own: Loop = { name: 'rebuild', run: (signal) => this.#run(signal) }
    return [...this.#place.generation.loops, own]
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const writes = request.method === 'GET' ? 0 : 1
    if (writes > 0) while (this.#gate !== undefined) await this.#gate
    const place = this.#place
    place.calls++
    place.writes += writes
    try {
      return await place.generation.handle(request)
    } finally {
      place.calls--
      place.writes -= writes
      place.ended?.()
    }
  }

  /** Asks for it; nothing happens where it was asked for already. Throws where there is no room. */
  async start(): Promise<void> {
    const { files, outside } = this.#parts
    if ((await this.#wish()) !== undefined) return
    const { bytes, freeBytes } = await files.room(this.#place.name)
    const needed = Math.ceil(bytes * ROOM_SHARE) + ROOM_MIN_BYTES
    if (freeBytes < needed)
      throw new XrpcError(
        400,
        'NoRoom',
        `A second index needs ${needed} bytes, and ${freeBytes} are free`,
      )
    const startedMs = outside.now()
    const wish: Wish = { name: `appview-${startedMs}.sqlite`, startedMs }
    await this.#sql.run(
      'insert into setting (name, value) values (?, ?) on conflict (name) do nothing',
      [SETTING, JSON.stringify(wish)],
    )
    this.#wakeUp?.()
  }

  /** Gives it up; what was filled goes. */
  async cancel(): Promise<void> {
    await this.#sql.run('delete from setting where name = ?', [SETTING])
    this.#building?.cancel.abort()
  }

  async status(): Promise<RebuildStatus> {
    const { source, hasScope } = this.#parts
    const wish = await this.#wish()
    const building = this.#building
    if (wish === undefined) return { isRunning: false }
    if (building === undefined) return { isRunning: true, startedMs: wish.startedMs }
    const progress = await progressOf(building.sql, source, hasScope)
    const behind = (await cursorOf(this.#sql, source)) - (await cursorOf(building.sql, source))
    return { isRunning: true, startedMs: wish.startedMs, ...progress, behind: Math.max(0, behind) }
  }

  /** The index that serves now. */
  get sql(): Sql {
    return this.#sql
  }

  get #sql(): Sql {
    return this.#place.generation.sql
  }

  async #wish(): Promise<Wish | undefined> {
    const row = await this.#sql.get<{ value: string }>('select value from setting where name = ?', [
      SETTING,
    ])
    return row && (JSON.parse(row.value) as Wish)
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const wish = await this.#wish()
        // Left over by a stop between the switch and this, or by one that was given up.
        await this.#parts.files.keepOnly([this.#place.name, ...(wish ? [wish.name] : [])])
        if (wish === undefined) await this.#woken(signal)
        else await this.#build(wish, signal)
      }
    } finally {
      if (signal.aborted) await this.#place.stop()
    }
  }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#wakeUp = undefined
        resolve()
      }
      this.#wakeUp = wake
      signal.addEventListener('abort', wake)
    })
  }

  async #build(wish: Wish, stopping: AbortSignal): Promise<void> {
    const { log, make, outside, metrics } = this.#parts
    const cancel = new AbortController()
    const signal = AbortSignal.any([stopping, cancel.signal])
    const sql = await this.#open(wish)
    let running: RunningLoops | undefined
    let generation: Generation | undefined
    const isServing = () => this.#place.generation === generation
    try {
      generation = await make(sql)
      this.#building = { sql, wish, cancel }
      const loops = generation.loops.map((loop) => ({
        ...loop,
        name: `${loop.name} of ${wish.name}`,
      }))
      running = superviseLoops(loops, { outside, log, metrics })
      log.info('an index is being made anew', { file: wish.name })
      const copy = new PrivateCopy({ from: this.#sql, to: generation.writer })
      while (!signal.aborted && !isServing()) {
        await this.#caughtUp(generation, signal)
        await copy.watch()
        await copy.all(signal)
        const { stop } = running
        if (!signal.aborted) await this.#switch({ generation, wish, copy, stop }, signal)
      }
    } finally {
      this.#building = undefined
      this.#left.set(0)
      if (!isServing()) {
        generation?.writer.hurry()
        await running?.stop()
        await sql.close()
      }
    }
  }

  /** The new index, with what it begins with. One that was left half seeded is begun again. */
  async #open({ name }: Wish): Promise<Sql> {
    const { files, source, outside } = this.#parts
    const found = await files.open(name)
    if (await isSeeded(found)) return found
    await found.close()
    await files.keepOnly([this.#place.name])
    const made = await files.open(name)
    await seed(this.#sql, made, { source, nowMs: outside.now() })
    return made
  }

  /** Until everything was fetched that could be, and the stream is as far as here. */
  async #caughtUp(next: Generation, signal: AbortSignal): Promise<void> {
    const { source, hasScope, outside } = this.#parts
    while (!signal.aborted) {
      const news = next.news()
      const { isListed, left } = await progressOf(next.sql, source, hasScope)
      this.#left.set(left)
      const isRead = (await cursorOf(next.sql, source)) >= (await cursorOf(this.#sql, source))
      if (isListed && left === 0 && isRead && (await handlesAreKnown(next.sql, outside.now())))
        return
      await this.#rest(news, signal)
    }
  }

  /** Until something happened to the new index, or a while at most: a host that fails is no news. */
  async #rest(news: Promise<void>, signal: AbortSignal): Promise<void> {
    const { timers } = this.#parts.outside
    const patience = new AbortController()
    const either = AbortSignal.any([signal, patience.signal])
    await Promise.race([news, timers.sleep(LOOK_MS_MAX, either).catch(() => {})])
    patience.abort()
    await timers.sleep(LOOK_MS, signal).catch(() => {})
  }

  /** Puts the new index in the place of the old; false where that took too long, and all is as before. */
  async #switch(
    { generation, wish: { name }, copy, stop }: Ready,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { files, log } = this.#parts
    const old = this.#place
    let open = () => {}
    this.#gate = new Promise<void>((resolve) => (open = resolve))
    const patience = new AbortController()
    const late = this.#over(HOLD_MS, AbortSignal.any([patience.signal, signal]))
    try {
      if (!(await this.#isQuiet(old, 'writes', late))) return false
      generation.writer.hurry()
      const hold = await old.generation.writer.hold()
      let isDone = false
      try {
        if (!(await this.#reaches(generation, late))) return false
        await copy.touched()
        // What is known here alone has to be on the disk before the old file goes.
        await generation.sql.all('pragma wal_checkpoint(full)')
        await files.choose(name)
        this.#place = { name, generation, calls: 0, writes: 0, stop, ended: undefined }
        isDone = true
      } finally {
        if (isDone) hold.retire()
        else hold.release()
      }
    } finally {
      patience.abort()
      this.#gate = undefined
      open()
    }
    log.info('an index made anew serves', { file: name })
    await this.#leave(old, signal).catch((error) =>
      log.warn('the old index could not be closed', { error }),
    )
    return true
  }

  /** Whether calls of an index end in time: those that may write, or all. */
  async #isQuiet(place: Place, which: 'calls' | 'writes', late: Promise<true>): Promise<boolean> {
    while (place[which] > 0) {
      const ended = new Promise<false>((resolve) => (place.ended = () => resolve(false)))
      if (await Promise.race([ended, late])) return false
    }
    return true
  }

  /** Whether the new index gets as far as the old one, which stands still. */
  async #reaches(next: Generation, late: Promise<true>): Promise<boolean> {
    const { source } = this.#parts
    const seq = await cursorOf(this.#sql, source)
    for (;;) {
      const news = next.news()
      if ((await cursorOf(next.sql, source)) >= seq) return true
      if ((await Promise.race([news.then(() => false), late])) === true) return false
    }
  }

  /** Resolves after a while, or when the signal aborts. */
  async #over(ms: number, signal: AbortSignal): Promise<true> {
    await this.#parts.outside.timers.sleep(ms, signal).catch(() => {})
    return true
  }

  /** Readers of the old index finish; then it goes. */
  async #leave(old: Place, signal: AbortSignal): Promise<void> {
    const { files } = this.#parts
    await old.stop()
    const patience = new AbortController()
    const late = this.#over(READERS_MS, AbortSignal.any([patience.signal, signal]))
    await this.#isQuiet(old, 'calls', late)
    patience.abort()
    await old.generation.sql.close()
    await files.keepOnly([this.#place.name])
  }
}

/** A generation whose loops end when it is left, though whoever supervises them goes on. */
function stoppable(generation: Generation): { generation: Generation; stop(): Promise<void> } {
  const left = new AbortController()
  const running = new Set<Promise<void>>()
  const loops = generation.loops.map(
    (loop): Loop => ({
      name: loop.name,
      async run(signal) {
        const run = loop.run(AbortSignal.any([signal, left.signal])).catch((error) => {
          // Retired writes fail; that is no reason to start again.
          if (!left.signal.aborted) throw error
        })
        running.add(run)
        await run.finally(() => running.delete(run))
      },
    }),
  )
  return {
    generation: { ...generation, loops },
    async stop() {
      left.abort()
      await Promise.allSettled(running)
    },
  }
}
