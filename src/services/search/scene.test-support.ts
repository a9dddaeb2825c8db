/** A search service with an upstream that says what it is told to, for the tests of this room. */
import assert from 'node:assert/strict'
import { safeParse } from '@atcute/lexicons/validations'
import {
  createMetrics,
  type Frame,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
  localTransport,
  type Metrics,
  type RunningLoops,
  type Service,
  silentLog,
  superviseLoops,
  type TestOutside,
  testOutside,
} from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { methodSchema } from '#protocol/lexicon'
import { type Did, type Handle, type Nsid, TidClock } from '#protocol/syntax'
import { createSearch, searchConfig, searchMigrations } from './index.ts'

export const PLC = 'http://plc.test'
export const PDS = 'http://pds.test'
export const JETSTREAM = 'http://jetstream.test'
export const RELAY = 'http://relay.test'

const POST = 'app.bsky.feed.post'
const PROFILE = 'app.bsky.actor.profile'

/** A stream that remembers what it said, for those who come late. */
export class TestStream {
  readonly frames: { at: number; frame: Frame }[] = []
  readonly cursors: number[] = []
  connections = 0
  #wake: (() => void)[] = []

  say(at: number, frame: Frame): void {
    this.frames.push({ at, frame })
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Begins at the cursor itself, as a jetstream does: the last event comes again. */
  async *subscribe(request: HttpRequest): AsyncGenerator<FrameBatch> {
    this.connections++
    const cursor = Number(new URLSearchParams(request.query).get('cursor'))
    this.cursors.push(cursor)
    let next = this.frames.findIndex(({ at }) => at >= cursor)
    if (next === -1) next = this.frames.length
    const stop = () => {
      for (const wake of this.#wake.splice(0)) wake()
    }
    request.signal.addEventListener('abort', stop)
    while (!request.signal.aborted) {
      if (next < this.frames.length) {
        const batch = this.frames.slice(next).map(({ frame }) => frame)
        next = this.frames.length
        yield batch
      } else await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}

/** Somebody who writes; everything is said by the jetstream at once. */
export class Writer {
  readonly did: Did
  handle: Handle
  readonly #scene: Scene
  readonly #tids: TidClock

  constructor(scene: Scene, name: string) {
    this.#scene = scene
    this.did = `did:plc:${name.padEnd(24, '2').replace(/[^a-z2-7]/g, 'z')}`
    this.handle = `${name}.test`
    this.#tids = new TidClock(scene.outside.now, scene.writers.size & 1023)
  }

  nextRev(): string {
    return this.#tids.next()
  }

  /** Writes a post; resolves nothing: `settle` does. Returns its AT-URI. */
  post(text: string, more: object = {}, rkey = this.nextRev()): string {
    const createdAt = new Date(this.#scene.outside.now()).toISOString()
    this.commit('create', POST, rkey, { $type: POST, text, createdAt, ...more })
    return `at://${this.did}/${POST}/${rkey}`
  }

  edit(uri: string, text: string): void {
    const createdAt = new Date(this.#scene.outside.now()).toISOString()
    this.commit('update', POST, uri.split('/').at(-1)!, { $type: POST, text, createdAt })
  }

  profile(fields: object): void {
    this.commit('update', PROFILE, 'self', { $type: PROFILE, ...fields })
  }

  delete(uri: string): void {
    const [, , , collection, rkey] = uri.split('/') as string[]
    this.commit('delete', collection!, rkey!)
  }

  commit(operation: string, collection: string, rkey: string, record?: object): void {
    const rev = this.nextRev()
    this.#scene.say(this.did, 'commit', { rev, operation, collection, rkey, record, cid: 'bafy' })
  }

  identity(): void {
    this.#scene.say(this.did, 'identity', { did: this.did, handle: 'liar.test' })
  }

  account(status?: string): void {
    this.#scene.say(this.did, 'account', { active: status === undefined, did: this.did, status })
  }
}

type Params = Record<string, string | number | boolean | readonly string[]>

/** A directory, a host, an upstream and a search service over one database. */
export class Scene {
  readonly outside: TestOutside
  readonly jetstream = new TestStream()
  readonly relay = new TestStream()
  readonly writers = new Map<string, Writer>()
  metrics: Metrics = createMetrics()
  sql!: Sql
  search!: Service
  isDirectoryDown = false
  lookups = 0
  #loops: RunningLoops | undefined
  #timeUs: number
  readonly #transport = localTransport()
  readonly #path: string
  readonly #config: object

  constructor(options: { path?: string; config?: { jetstream?: string; relay?: string } } = {}) {
    this.#path = options.path ?? ':memory:'
    this.#config = options.config ?? { jetstream: JETSTREAM }
    this.outside = testOutside({ fetch: (url, init) => this.#transport.fetch(url, init) })
    this.#timeUs = this.outside.now() * 1_000
    this.#transport.add(PLC, { handle: (request) => this.#plc(request) })
    this.#transport.add(PDS, { handle: (request) => this.#pds(request) })
    for (const [url, stream] of [
      [JETSTREAM, this.jetstream],
      [RELAY, this.relay],
    ] as const)
      this.#transport.add(url, {
        handle: () => ({ status: 404 }),
        subscribe: (request) => stream.subscribe(request),
      })
  }

  async start(): Promise<this> {
    this.metrics = createMetrics()
    this.sql ??= await openSqlite(this.#path, { migrations: loadMigrations(searchMigrations) })
    const { outside, metrics } = this
    this.search = await createSearch(
      { ...searchConfig.with({ pdsHosts: [PDS], ...this.#config }), plc: PLC },
      {
        sql: this.sql,
        outside,
        subscribe: this.#transport.subscribe,
        log: silentLog,
        metrics,
        version: '0.0.0',
        local: true,
      },
    )
    this.#loops = superviseLoops(this.search.loops, { outside, log: silentLog, metrics })
    return this
  }

  /** Stops the loops; the database stays. */
  async stop(): Promise<void> {
    await this.#loops?.stop()
    this.#loops = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.sql.close()
  }

  writer(name: string): Writer {
    const writer = new Writer(this, name)
    this.writers.set(writer.did, writer)
    return writer
  }

  /** The jetstream says an event, a millisecond after the one before. */
  say(did: string, kind: string, body: object): void {
    this.#timeUs = Math.max(this.#timeUs + 1, this.outside.now() * 1_000)
    const event = { did, time_us: this.#timeUs, kind, [kind]: body }
    this.jetstream.say(this.#timeUs, JSON.stringify(event))
  }

  /** Says anything at all. */
  sayRaw(frame: Frame): void {
    this.jetstream.say(this.#timeUs, frame)
  }

  /** Waits until the index has taken in what was said, and looked up and removed what it had to. */
  async settle(): Promise<void> {
    for (let round = 0; round < 2_000; round++) {
      await this.outside.advance(0)
      if (round % 4 === 3 && (await this.#isSettled())) return
    }
    assert.fail('the index does not come to rest')
  }

  async #isSettled(): Promise<boolean> {
    const rows = await this.sql.all<{ position: number }>('select position from cursor')
    const last = [this.jetstream, this.relay].flatMap(({ frames }) => frames.at(-1)?.at ?? [])
    const due = await this.sql.get(
      'select 1 from actor where handle_due_ms <= ? or (did is null and handle_due_ms is null)',
      [this.outside.now()],
    )
    return due === undefined && last.every((at) => rows.some(({ position }) => position >= at))
  }

  /** Texts of nothing: AT-URIs found, in order. */
  async posts(q: string, more: Params = {}): Promise<string[]> {
    const { posts } = await this.get('app.bsky.unspecced.searchPostsSkeleton', { q, ...more })
    return posts.map(({ uri }: { uri: string }) => uri)
  }

  /** Handles of the accounts found, in order. */
  async actors(q: string, more: Params = {}): Promise<string[]> {
    const { actors } = await this.get('app.bsky.unspecced.searchActorsSkeleton', { q, ...more })
    return actors.map(({ did }: { did: string }) => this.writers.get(did)?.handle ?? did)
  }

  /** Calls a query; its answer must be 200 and fit its lexicon. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  async get(nsid: Nsid, params: Params): Promise<any> {
    const response = await this.call(nsid, params)
    assert.equal(response.status, 200, response.body as string)
    const body = JSON.parse(response.body as string)
    const schema = (await methodSchema(nsid)) as { output?: { type: string; schema: never } }
    const verdict = safeParse(schema.output!.schema, body)
    assert.ok(verdict.ok, verdict.ok ? '' : verdict.message)
    return body
  }

  /** Calls a method that must be refused: the error's name. */
  async refused(nsid: Nsid, params: Params): Promise<string> {
    const response = await this.call(nsid, params)
    assert.notEqual(response.status, 200, response.body as string)
    return JSON.parse(response.body as string).error
  }

  async call(nsid: Nsid, params: Params): Promise<HttpResponse> {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(params))
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one))
    return this.search.handle({
      method: 'GET',
      path: `/xrpc/${nsid}`,
      query: query.toString(),
      headers: {},
      body: undefined,
      ip: '::1',
      id: 'r',
      signal: new AbortController().signal,
    })
  }

  #plc(request: HttpRequest): HttpResponse {
    this.lookups++
    if (this.isDirectoryDown) return json(503, {})
    const writer = this.writers.get(decodeURIComponent(request.path.slice(1)))
    if (writer === undefined) return json(404, {})
    return json(200, { id: writer.did, alsoKnownAs: [`at://${writer.handle}`] })
  }

  #pds(request: HttpRequest): HttpResponse {
    const handle = new URLSearchParams(request.query).get('handle')
    if (this.isDirectoryDown) return json(503, {})
    const found = [...this.writers.values()].find((writer) => writer.handle === handle)
    return found ? json(200, { did: found.did }) : json(400, { error: 'HandleNotFound' })
  }
}

function json(status: number, body: object): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
