/** A jetstream in this process, and a relay that says what it is told to, for the tests of this room. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
  localTransport,
  type Service,
  silentLog,
  superviseLoops,
  type TestOutside,
  testOutside,
} from '#platform/runtime'
import { openLocalStreams, type Stream } from '#platform/storage'
import { cidForCbor, generateKey } from '#protocol/crypto'
import { encodeCbor } from '#protocol/data'
import { commitEvent, planCommit, type RecordWrite, Tree } from '#protocol/repo'
import { type Did, formatTid } from '#protocol/syntax'
import { encodeErrorFrame, encodeFrame } from '#protocol/xrpc'
import { createJetstream, type JetstreamConfig } from './index.ts'

const relayUrl = 'http://localhost:2585'
const startMs = Date.UTC(2026, 5, 1)

/** A relay as far as a jetstream sees it. */
export class FakeRelay {
  readonly frames: (Uint8Array | string)[] = []
  /** Cursors it was asked for. */
  readonly cursors: number[] = []
  batchMax = 40
  readonly #outside: TestOutside
  readonly #key: ReturnType<typeof generateKey>
  readonly #readers = new Set<() => void>()
  #generation = 0
  #isBroken = false
  #records = 0

  constructor(outside: TestOutside) {
    this.#outside = outside
    this.#key = generateKey('k256', outside.random)
  }

  get nextSeq(): number {
    return this.frames.length + 1
  }

  get time(): string {
    return new Date(this.#outside.now()).toISOString()
  }

  say(...frames: (Uint8Array | string)[]): void {
    this.frames.push(...frames)
    this.#wake()
  }

  /** A commit of some new records; returns their paths. */
  commit(did: Did, collections: string[], record: object = {}): string[] {
    const writes = collections.map((collection): RecordWrite => {
      const number = ++this.#records
      const bytes = encodeCbor({ $type: collection, text: `record ${number}`, ...record })
      const rkey = formatTid(this.#outside.now() * 1000 + number, 1)
      return { action: 'create', path: `${collection}/${rkey}`, cid: cidForCbor(bytes), bytes }
    })
    this.commitWrites(did, writes)
    return writes.map(({ path }) => path)
  }

  commitWrites(did: Did, writes: RecordWrite[], tree = Tree.empty()): Tree {
    const rev = formatTid(this.#outside.now() * 1000 + this.nextSeq, 2)
    const plan = planCommit({ did, tree, writes, rev, key: this.#key })
    this.say(commitEvent({ plan, seq: this.nextSeq, time: this.time }))
    return plan.tree
  }

  identity(did: string, fields: object = {}): void {
    this.say(encodeFrame('#identity', { did, seq: this.nextSeq, time: this.time, ...fields }))
  }

  account(did: string, active: boolean, status?: string): void {
    const { nextSeq: seq, time } = this
    this.say(encodeFrame('#account', { did, seq, time, active, status }))
  }

  hangUp(): void {
    this.#generation++
    this.#wake()
  }

  /** Ends every stream as a killed process does: without a farewell. */
  breakOff(): void {
    this.#isBroken = true
    this.hangUp()
  }

  #wake(): void {
    for (const wake of this.#readers) wake()
  }

  subscribe({ query, signal }: HttpRequest): AsyncIterable<FrameBatch> {
    const cursor = Number(new URLSearchParams(query).get('cursor') ?? 0)
    this.cursors.push(cursor)
    return this.#stream(cursor, signal)
  }

  async *#stream(cursor: number, signal: AbortSignal): AsyncGenerator<FrameBatch> {
    const generation = this.#generation
    let at = cursor
    if (at > this.frames.length) return yield [encodeErrorFrame('FutureCursor', 'in the future')]
    while (!signal.aborted && generation === this.#generation) {
      const batch = this.frames.slice(at, at + this.batchMax)
      at += batch.length
      if (batch.length > 0) yield batch
      else await this.#more(signal)
    }
    if (!this.#isBroken) return
    this.#isBroken = false
    throw new Error('broken off')
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#readers.delete(done)
        resolve()
      }
      this.#readers.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }
}

/** An event as a reader parses it. */
export interface Heard {
  did: string
  time_us: number
  kind: string
  commit?: {
    rev: string
    operation: string
    collection: string
    rkey: string
    record?: Record<string, unknown>
    cid?: string
  }
  identity?: Record<string, unknown>
  account?: Record<string, unknown>
}

/** Somebody who reads: its messages, and what it says. */
export class Follower {
  readonly heard: Heard[] = []
  readonly texts: string[] = []
  refused: HttpResponse | undefined
  ended = false
  readonly #abort = new AbortController()
  readonly #messages: Uint8Array[] = []
  #wake: (() => void) | undefined

  constructor(service: Service, query: string, headers: Record<string, string> = {}) {
    const answer = service.subscribe!({
      method: 'GET',
      path: '/subscribe',
      query,
      headers,
      body: this.#outbox(),
      ip: '127.0.0.1',
      id: 'test',
      signal: this.#abort.signal,
    })
    if ('status' in answer) this.refused = answer
    else void this.#read(answer)
  }

  async *#outbox(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#messages.shift()
      if (message) yield message
      else if (this.#abort.signal.aborted) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Sends a message. */
  send(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    this.#messages.push(new TextEncoder().encode(text))
    this.#wake?.()
  }

  update(payload: object): void {
    this.send({ type: 'options_update', payload })
  }

  async #read(batches: AsyncIterable<FrameBatch>): Promise<void> {
    for await (const batch of batches) {
      for (const frame of batch) {
        this.texts.push(frame as string)
        this.heard.push(JSON.parse(frame as string))
      }
    }
    this.ended = true
  }

  get paths(): string[] {
    return this.heard.flatMap(({ commit }) => (commit ? `${commit.collection}/${commit.rkey}` : []))
  }

  stop(): void {
    this.#abort.abort()
    this.#wake?.()
  }
}

/** A relay, a clock, and the jetstreams that are started. */
export class World {
  readonly outside: TestOutside = testOutside({ startMs })
  readonly relay = new FakeRelay(this.outside)
  readonly #folders: string[] = []
  readonly #started = new Set<TestJetstream>()

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'jetstream-'))
    this.#folders.push(folder)
    return folder
  }

  async jetstream(options: JetstreamOptions = {}): Promise<TestJetstream> {
    const jetstream = await startJetstream(this, options)
    this.#started.add(jetstream)
    return jetstream
  }

  /** Runs the clock until something is so; fails after five seconds of real time. */
  async until(isSo: () => unknown, what = 'what was waited for'): Promise<void> {
    const deadline = Date.now() + 5_000
    while (!isSo()) {
      if (Date.now() > deadline) throw new Error(`never came: ${what}`)
      await this.outside.advance(20)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async close(): Promise<void> {
    for (const jetstream of this.#started) await jetstream.stop()
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true })
  }
}

export interface JetstreamOptions {
  folder?: string
  config?: Partial<JetstreamConfig>
  segmentBytes?: number
  /** What is appended is durable no sooner than this settles: a slow disk. */
  disk?: Promise<void>
}

export interface TestJetstream {
  service: Service
  folder: string
  count(type: string, verdict: string): number
  follow(query?: string, headers?: Record<string, string>): Follower
  /** What a kill would leave now, in a folder of its own. */
  image(): string
  stop(): Promise<void>
}

function onSlowDisk(stream: Stream, disk: Promise<void>): Stream {
  return new Proxy(stream, {
    get(target, name) {
      if (name === 'append')
        return (...[entries]: Parameters<Stream['append']>) => {
          const appended = target.append(entries)
          return { ...appended, durable: Promise.all([appended.durable, disk]).then(() => {}) }
        }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function startJetstream(world: World, options: JetstreamOptions): Promise<TestJetstream> {
  const { outside, relay } = world
  const { folder = world.folder(), segmentBytes } = options
  const metrics = createMetrics()
  const transport = localTransport()
  transport.add(relayUrl, {
    handle: () => ({ status: 404 }),
    subscribe: (request) => relay.subscribe(request),
  })
  const streams = await openLocalStreams(folder, { now: outside.now, reserveBytes: 0 })
  const service = await createJetstream(
    { retentionHours: 72, ...options.config, relay: relayUrl },
    {
      streams: {
        ...streams,
        async open(name, more) {
          const stream = await streams.open(name, { ...more, segmentBytes })
          return options.disk ? onSlowDisk(stream, options.disk) : stream
        },
      },
      outside,
      subscribe: transport.subscribe,
      log: silentLog,
      metrics,
      version: 'test',
    },
  )
  const loops = superviseLoops(service.loops, { outside, log: silentLog, metrics })
  const followers = new Set<Follower>()
  let stopped: Promise<void> | undefined
  return {
    service,
    folder,
    count: (type, verdict) => metrics.value('jetstream_events_total', type, verdict),
    follow(query = '', headers = {}) {
      const follower = new Follower(service, query, headers)
      followers.add(follower)
      return follower
    },
    image() {
      const copy = world.folder()
      cpSync(folder, copy, { recursive: true })
      return copy
    },
    stop() {
      stopped ??= (async () => {
        for (const follower of followers) follower.stop()
        let drained: string[] | undefined
        void loops.stop().then((left) => {
          drained = left
        })
        await world.until(() => drained, 'the drain')
        if (drained!.length > 0) throw new Error(`still running: ${drained}`)
        await service.close()
        await streams.close()
      })()
      return stopped
    },
  }
}
