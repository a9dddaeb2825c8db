/** A relay in this process, and hosts, people and a directory around it, for the tests of this room. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
  type LocalTransport,
  localTransport,
  type RunningLoops,
  type Service,
  silentLog,
  superviseLoops,
  type TestOutside,
  testOutside,
} from '#platform/runtime'
import { type Files, loadMigrations, openLocalStreams, openSqlite } from '#platform/storage'
import { cidForCbor, generateKey, type SigningKey } from '#protocol/crypto'
import { encodeCar, encodeCbor, equalBytes } from '#protocol/data'
import {
  type CommitPlan,
  commitEvent,
  planCommit,
  type RecordWrite,
  type RepoHead,
  syncEvent,
  Tree,
} from '#protocol/repo'
import { type Did, formatTid, TidClock } from '#protocol/syntax'
import { decodeFrame, encodeErrorFrame, encodeFrame } from '#protocol/xrpc'
import { createRelay, type RelayConfig, relayConfig, relayMigrations } from './index.ts'

export const relayUrl = 'http://localhost:2585'
const plcUrl = 'http://localhost:2582'

/** Everything outside the relay: a clock, a transport, a directory. */
export class World {
  readonly transport: LocalTransport = localTransport()
  readonly outside: TestOutside = testOutside({
    startMs: Date.UTC(2026, 5, 1),
    fetch: (url, init) => this.transport.fetch(url, init),
  })
  readonly documents = new Map<string, unknown>()
  readonly lookups: string[] = []
  directoryIsDown = false
  readonly #folders: string[] = []
  readonly #relays = new Set<TestRelay>()
  #people = 0

  constructor() {
    this.transport.add(plcUrl, { handle: (request) => this.#document(request) })
  }

  #document({ path }: HttpRequest): HttpResponse {
    const did = decodeURIComponent(path.slice(1))
    this.lookups.push(did)
    if (this.directoryIsDown) return { status: 503 }
    const document = this.documents.get(did)
    if (!document) return { status: 404 }
    return { status: 200, body: JSON.stringify(document) }
  }

  host(name: string): FakeHost {
    return new FakeHost(this, `http://localhost:${name}`)
  }

  person(host: FakeHost): Person {
    return new Person(this, host, ++this.#people)
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'relay-'))
    this.#folders.push(folder)
    return folder
  }

  async relay(options: RelayOptions = {}): Promise<TestRelay> {
    const relay = await startRelay(this, options)
    this.#relays.add(relay)
    return relay
  }

  /** Runs the clock until something is so; fails after five seconds of real time. */
  async until(isSo: () => unknown | Promise<unknown>, what = 'what was waited for'): Promise<void> {
    const deadline = Date.now() + 30_000
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`never came: ${what}`)
      await this.outside.advance(50)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) await relay.stop()
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true })
  }
}

export interface RelayOptions {
  config?: Partial<RelayConfig>
  /** Where its data is; a new folder if none. */
  folder?: string
  /** What the stream is written through. */
  files?: Files
  segmentBytes?: number
}

export interface TestRelay {
  service: Service
  folder: string
  /** What `/metrics` would say of events of a type with a verdict. */
  count(type: string, verdict: string): number
  get<T = Record<string, unknown>>(method: string, query?: string): Promise<T & { error?: string }>
  post(method: string, input: unknown): Promise<Response>
  /** Follows its stream. */
  follow(cursor?: number): Follower
  /** What a kill would leave now, in a folder of its own. */
  image(): string
  stop(): Promise<void>
}

async function startRelay(world: World, options: RelayOptions): Promise<TestRelay> {
  const { outside, transport } = world
  const folder = options.folder ?? world.folder()
  const metrics = createMetrics()
  const sql = await openSqlite(join(folder, 'relay.sqlite'), {
    migrations: loadMigrations(relayMigrations),
  })
  const streams = await openLocalStreams(join(folder, 'streams'), {
    now: outside.now,
    reserveBytes: 0,
    ...(options.files && { files: options.files }),
  })
  const { segmentBytes } = options
  const service = await createRelay(
    { ...relayConfig.with(options.config ?? {}), plc: plcUrl },
    {
      sql,
      streams: { ...streams, open: (name, more) => streams.open(name, { ...more, segmentBytes }) },
      outside,
      subscribe: transport.subscribe,
      log: silentLog,
      metrics,
      version: 'test',
      local: true,
    },
  )
  const leave = transport.add(relayUrl, service)
  const loops: RunningLoops = superviseLoops(service.loops, { outside, log: silentLog, metrics })
  const followers = new Set<Follower>()
  let stopped: Promise<void> | undefined
  return {
    service,
    folder,
    count: (type, verdict) => metrics.value('relay_events_total', type, verdict),
    async get<T>(method: string, query = '') {
      const response = await transport.fetch(`${relayUrl}/xrpc/${method}?${query}`)
      return (await response.json()) as T & { error?: string }
    },
    post: (method, input) =>
      transport.fetch(`${relayUrl}/xrpc/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(input),
      }),
    follow(cursor) {
      const follower = new Follower(transport, cursor)
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
        leave()
        let drained: string[] | undefined
        void loops.stop().then((left) => {
          drained = left
        })
        await world.until(() => drained, 'the drain')
        if (drained!.length > 0) throw new Error(`still running: ${drained}`)
        await service.close()
        await streams.close()
        await sql.close()
      })()
      return stopped
    },
  }
}

export interface Heard {
  type: string
  seq: number
  did: string
  body: Record<string, unknown>
}

/** Somebody who reads the relay's stream. */
export class Follower {
  readonly heard: Heard[] = []
  readonly frames: Uint8Array[] = []
  error: string | undefined
  info: string | undefined
  readonly #abort = new AbortController()

  constructor(transport: LocalTransport, cursor: number | undefined) {
    const query = cursor === undefined ? '' : `?cursor=${cursor}`
    const batches = transport.subscribe(
      `${relayUrl}/xrpc/com.atproto.sync.subscribeRepos${query}`,
      { signal: this.#abort.signal },
    )
    void this.#read(batches)
  }

  async #read(batches: AsyncIterable<FrameBatch>): Promise<void> {
    for await (const batch of batches) for (const frame of batch) this.#hear(frame as Uint8Array)
  }

  #hear(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    if ('error' in frame) {
      this.error = frame.error
      return
    }
    const body = frame.body as Record<string, unknown>
    if (frame.type === '#info') this.info = String(body.name)
    else {
      const did = String(body.repo ?? body.did)
      this.heard.push({ type: frame.type, seq: Number(body.seq), did, body })
      this.frames.push(bytes)
    }
  }

  /** `#commit alice`, in order. */
  get types(): string[] {
    return this.heard.map(({ type }) => type)
  }

  stop(): void {
    this.#abort.abort()
  }
}

/** A host that says what it is told to say. */
export class FakeHost {
  readonly url: string
  readonly #world: World
  /** Frames by their number: index 0 is seq 1. */
  readonly frames: (Uint8Array | string)[] = []
  readonly repos = new Map<string, () => Uint8Array>()
  /** Cursors it was asked for. */
  readonly cursors: number[] = []
  /** Requests for repositories. */
  readonly fetched: string[] = []
  /** Repositories are answered only once this is settled. */
  gate: Promise<void> = Promise.resolve()
  isDown = false
  batchMax = 50
  /** The newest number is this much higher than the count of frames. */
  base = 0
  readonly #readers = new Set<() => void>()
  #generation = 0

  constructor(world: World, url: string) {
    this.url = url
    this.#world = world
    world.transport.add(url, {
      handle: (request) => this.#handle(request),
      subscribe: (request) => this.#subscribe(request),
    })
  }

  get nextSeq(): number {
    return this.base + this.frames.length + 1
  }

  get now(): string {
    return new Date(this.#world.outside.now()).toISOString()
  }

  say(...frames: (Uint8Array | string)[]): void {
    this.frames.push(...frames)
    this.#wake()
  }

  identity(did: string, fields: object = {}): void {
    this.say(encodeFrame('#identity', { did, seq: this.nextSeq, time: this.now, ...fields }))
  }

  account(did: string, active: boolean, status?: string): void {
    this.say(encodeFrame('#account', { did, seq: this.nextSeq, time: this.now, active, status }))
  }

  /** Ends every stream that is open. */
  hangUp(): void {
    this.#generation++
    this.#wake()
  }

  /** Loses all it said, as a host restored from an old copy does. */
  setBack(): void {
    this.frames.length = 0
    this.hangUp()
  }

  #wake(): void {
    for (const wake of this.#readers) wake()
  }

  async #handle({ path, query }: HttpRequest): Promise<HttpResponse> {
    const did = new URLSearchParams(query).get('did') ?? ''
    if (path !== '/xrpc/com.atproto.sync.getRepo') return { status: 404 }
    this.fetched.push(did)
    await this.gate
    const repo = this.repos.get(did)
    if (this.isDown || !repo) return { status: 400 }
    return { status: 200, body: repo() }
  }

  #subscribe({ query, signal }: HttpRequest): AsyncIterable<FrameBatch> | HttpResponse {
    if (this.isDown) return { status: 503 }
    const cursor = Number(new URLSearchParams(query).get('cursor') ?? 0)
    this.cursors.push(cursor)
    return this.#stream(cursor, signal)
  }

  async *#stream(cursor: number, signal: AbortSignal): AsyncGenerator<FrameBatch> {
    const generation = this.#generation
    let at = Math.max(0, cursor - this.base)
    if (at > this.frames.length) return yield [encodeErrorFrame('FutureCursor', 'in the future')]
    while (!signal.aborted && generation === this.#generation) {
      const batch = this.frames.slice(at, at + this.batchMax)
      at += batch.length
      if (batch.length > 0) yield batch
      else await this.#more(signal)
    }
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

const post = (text: string) =>
  encodeCbor({ $type: 'app.bsky.feed.post', text, createdAt: '2026-06-01T00:00:00.000Z' })

export interface Posted {
  plan: CommitPlan
  /** The `#commit` frame, not yet said. */
  frame: Uint8Array
}

/** An account: its key, its repository, and the host it lives at. */
export class Person {
  readonly did: Did
  readonly #world: World
  readonly #clock: TidClock
  host: FakeHost
  key: SigningKey
  tree: Tree = Tree.empty()
  head: RepoHead | undefined
  #blocks = new Map<string, readonly [Uint8Array, Uint8Array]>()
  #count = 0

  constructor(world: World, host: FakeHost, number: number) {
    this.#world = world
    this.host = host
    const name = number.toString(8).replaceAll('0', 'a').replaceAll('1', 'b')
    this.did = `did:plc:${name.padStart(24, 'x')}`
    this.key = generateKey('k256', world.outside.random)
    this.#clock = new TidClock(world.outside.now, number)
    this.publish()
    this.#serve()
  }

  /** Writes the DID document as things are now. */
  publish(): void {
    this.#world.documents.set(this.did, {
      id: this.did,
      alsoKnownAs: [],
      verificationMethod: [
        {
          id: `${this.did}#atproto`,
          type: 'Multikey',
          controller: this.did,
          publicKeyMultibase: this.key.publicKey.multikey,
        },
      ],
      service: [
        {
          id: '#atproto_pds',
          type: 'AtprotoPersonalDataServer',
          serviceEndpoint: this.host.url,
        },
      ],
    })
  }

  changeKey(): void {
    this.key = generateKey('k256', this.#world.outside.random)
    this.publish()
  }

  move(host: FakeHost): void {
    this.host.repos.delete(this.did)
    this.host = host
    this.#serve()
    this.publish()
  }

  #serve(): void {
    this.host.repos.set(this.did, () => {
      const head = this.head!
      const commit = this.#blocks.get('head')!
      return encodeCar([head.commit], [commit, ...this.tree.blocks()])
    })
  }

  /** Commits without saying so. */
  prepare(
    change: { writes?: RecordWrite[]; rev?: string; key?: SigningKey; seq?: number } = {},
  ): Posted {
    const plan = planCommit({
      did: this.did,
      tree: this.tree,
      head: this.head,
      writes: change.writes ?? [this.write()],
      rev: change.rev ?? this.nextRev(),
      key: change.key ?? this.key,
    })
    const seq = change.seq ?? this.host.nextSeq
    return { plan, frame: commitEvent({ plan, seq, time: this.host.now }) }
  }

  nextRev(): string {
    return this.#clock.next(this.head?.rev)
  }

  write(): RecordWrite {
    const bytes = post(`post ${++this.#count}`)
    const rkey = formatTid(this.#world.outside.now() * 1000 + this.#count, 7)
    const cid = cidForCbor(bytes)
    return { action: 'create', path: `app.bsky.feed.post/${rkey}`, cid, bytes }
  }

  /** The event of a commit, one of its blocks left out. */
  without({ plan }: Posted, cid: Uint8Array): Uint8Array {
    const blocks = plan.blocks.filter(([one]) => !equalBytes(one, cid))
    return commitEvent({ plan: { ...plan, blocks }, seq: this.host.nextSeq, time: this.host.now })
  }

  /** Makes a prepared commit the repository's head. */
  take({ plan }: Posted): void {
    this.tree = plan.tree
    this.head = plan.head
    this.#blocks.set('head', [plan.head.commit, plan.commitBytes])
  }

  /** Commits a new post, and has the host say so. */
  post(): Posted {
    const posted = this.prepare()
    this.take(posted)
    this.host.say(posted.frame)
    return posted
  }

  /** Commits a new post of which nobody hears. */
  postSilently(): Posted {
    const posted = this.prepare()
    this.take(posted)
    return posted
  }

  syncFrame(): Uint8Array {
    const { rev, commit } = this.head!
    const [, commitBytes] = this.#blocks.get('head')!
    const { nextSeq: seq, now: time } = this.host
    return syncEvent({ did: this.did, rev, commit, commitBytes, seq, time })
  }
}
