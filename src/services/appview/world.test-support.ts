/** A small network in this process, with people who write real repositories, for the tests of this room. */
import assert from 'node:assert/strict'
import { safeParse } from '@atcute/lexicons/validations'
import {
  createMetrics,
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
import type { Sql } from '#platform/storage'
import { signServiceAuth } from '#protocol/auth'
import { cidForCbor, cidForRaw, generateKey, type SigningKey } from '#protocol/crypto'
import { type CidBytes, cidText, encodeCar, encodeCbor, fromJson } from '#protocol/data'
import { methodSchema } from '#protocol/lexicon'
import {
  commitEvent,
  planCommit,
  type RecordWrite,
  type RepoHead,
  syncEvent,
  Tree,
} from '#protocol/repo'
import { type Did, formatDatetime, type Nsid, TidClock } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import { openIndex, quiet } from './engine.test-support.ts'
import {
  type AppviewConfig,
  type AppviewService,
  appviewConfig,
  createAppview,
  type IndexFiles,
} from './index.ts'

export const PLC = 'http://plc.test'
export const RELAY = 'http://relay.test'
export const PDS = 'http://pds.test'
export const APPVIEW = 'http://appview.test'

/** A relay that says what it is told to, and remembers it for those who come late. */
export class TestRelay {
  readonly frames: { seq: number; frame: Uint8Array | string }[] = []
  seq = 0
  connections = 0
  #wake: (() => void)[] = []

  /** Sends a frame made for the next seq. */
  emit(make: (seq: number) => Uint8Array | string): void {
    this.frames.push({ seq: ++this.seq, frame: make(this.seq) })
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Sends bytes that carry no seq of their own. */
  emitRaw(frame: Uint8Array | string): void {
    this.frames.push({ seq: this.seq, frame })
    for (const wake of this.#wake.splice(0)) wake()
  }

  async *subscribe(request: HttpRequest): AsyncGenerator<FrameBatch> {
    this.connections++
    const cursor = Number(new URLSearchParams(request.query).get('cursor') ?? this.seq)
    let at = this.frames.findIndex(({ seq }) => seq > cursor)
    if (at === -1) at = this.frames.length
    request.signal.addEventListener('abort', () => {
      for (const wake of this.#wake.splice(0)) wake()
    })
    while (!request.signal.aborted) {
      if (at < this.frames.length) {
        const batch = this.frames.slice(at).map(({ frame }) => frame)
        at = this.frames.length
        yield batch
      } else await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}

/** Somebody with a repository at the test host. Writes reach the relay at once. */
export class Person {
  readonly did: Did
  handle: string
  key: SigningKey
  tree = Tree.empty()
  head: RepoHead | undefined
  /** Every record's block, for the host's answers. */
  readonly blocks: [CidBytes, Uint8Array][] = []
  commitBytes: Uint8Array = new Uint8Array()
  readonly #world: World
  readonly #tids: TidClock

  constructor(world: World, name: string, id: string) {
    this.#world = world
    this.did = `did:plc:${id}`
    this.handle = `${name}.test`
    this.key = generateKey('k256', world.outside.random)
    this.#tids = new TidClock(world.outside.now, world.people.size & 1023)
  }

  nextRkey(): string {
    return this.#tids.next()
  }

  /** Commits writes and sends the event, unless it is to be lost. Returns the frame. */
  commit(
    writes: Write[],
    { isLost = false, time }: { isLost?: boolean; time?: string } = {},
  ): Uint8Array {
    const planned = writes.map((write) => this.#planned(write))
    const { tree, head, key, did } = this
    const rev = this.#tids.next(head?.rev)
    const plan = planCommit({ did, tree, head, writes: planned, rev, key })
    this.tree = plan.tree
    this.head = plan.head
    this.commitBytes = plan.commitBytes
    const at = time ?? formatDatetime(this.#world.outside.now())
    let frame: Uint8Array = new Uint8Array()
    const make = (seq: number) => (frame = commitEvent({ plan, seq, time: at }))
    if (isLost) make(0)
    else this.#world.relay.emit(make)
    return frame
  }

  #planned({ action, path, value }: Write): RecordWrite {
    if (value === undefined) return { action, path }
    const bytes = encodeCbor(fromJson(value))
    const cid = cidForCbor(bytes)
    this.blocks.push([cid, bytes])
    return { action, path, cid, bytes }
  }

  /** Writes one record in a commit of its own. Returns what refers to it. */
  create(collection: Nsid, value: object, rkey = this.nextRkey()): Ref {
    const path = `${collection}/${rkey}`
    this.commit([{ action: 'create', path, value: { $type: collection, ...value } }])
    return this.ref(path)
  }

  ref(path: string): Ref {
    return { uri: `at://${this.did}/${path}`, cid: cidText(this.tree.get(path)!) }
  }

  update(collection: Nsid, rkey: string, value: object): void {
    const path = `${collection}/${rkey}`
    this.commit([{ action: 'update', path, value: { $type: collection, ...value } }])
  }

  delete({ uri }: Pick<Ref, 'uri'>): void {
    this.commit([{ action: 'delete', path: uri.slice(`at://${this.did}/`.length) }])
  }

  get now(): string {
    return formatDatetime(this.#world.outside.now())
  }

  profile(fields: object): Ref {
    return this.create('app.bsky.actor.profile', fields, 'self')
  }

  post(text: string, more: object = {}): Ref {
    return this.create('app.bsky.feed.post', { text, createdAt: this.now, ...more })
  }

  reply(parent: Ref, text: string, root: Ref = parent): Ref {
    return this.post(text, { reply: { root, parent } })
  }

  quote(record: Ref, text: string): Ref {
    return this.post(text, { embed: { $type: 'app.bsky.embed.record', record } })
  }

  like(subject: Ref): Ref {
    return this.create('app.bsky.feed.like', { subject, createdAt: this.now })
  }

  repost(subject: Ref): Ref {
    return this.create('app.bsky.feed.repost', { subject, createdAt: this.now })
  }

  follow(other: Person): Ref {
    return this.create('app.bsky.graph.follow', { subject: other.did, createdAt: this.now })
  }

  block(other: Person): Ref {
    return this.create('app.bsky.graph.block', { subject: other.did, createdAt: this.now })
  }

  /** Says that the account is active, or why not. */
  account(status?: string): void {
    const body = { did: this.did, time: this.now, active: status === undefined }
    const more = status === undefined ? {} : { status }
    this.#world.relay.emit((seq) => encodeFrame('#account', { seq, ...body, ...more }))
  }

  identity(): void {
    this.#world.relay.emit((seq) =>
      encodeFrame('#identity', { seq, did: this.did, time: this.now }),
    )
  }

  /** Says that the repository is what its host has, without telling how it came about. */
  sync(): void {
    const { did, head, commitBytes } = this
    const { rev, commit } = head!
    this.#world.relay.emit((seq) =>
      syncEvent({ did, rev, commit, commitBytes, seq, time: this.now }),
    )
  }

  /** The repository as its host sends it. */
  car(): Uint8Array {
    const { commit } = this.head!
    const live = new Set([...this.tree.entries()].map(([, cid]) => cidText(cid)))
    const records = this.blocks.filter(([cid]) => live.has(cidText(cid)))
    return encodeCar([commit], [[commit, this.commitBytes], ...this.tree.blocks(), ...records])
  }

  /** What its host proves of one record: that it is there, or that it is not. */
  proof(path: string): Uint8Array {
    const { commit } = this.head!
    const cid = this.tree.get(path)
    const record = cid && this.blocks.find(([known]) => cidText(known) === cidText(cid))
    const nodes = [...this.tree.proof([path]).entries()]
    return encodeCar([commit], [[commit, this.commitBytes], ...nodes, ...(record ? [record] : [])])
  }

  document(): object {
    return {
      id: this.did,
      alsoKnownAs: [`at://${this.handle}`],
      verificationMethod: [
        {
          id: `${this.did}#atproto`,
          type: 'Multikey',
          controller: this.did,
          publicKeyMultibase: this.key.publicKey.multikey,
        },
      ],
      service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: PDS }],
    }
  }
}

export interface Write {
  action: RecordWrite['action']
  path: string
  value?: object
}

export interface Ref {
  uri: string
  cid: string
}

export interface WorldOptions {
  path?: string
  /** Opens the index in another way than by `path`. */
  index?: () => Promise<Sql>
  startMs?: number
  config?: Partial<AppviewConfig>
  /** The index is one of several files, in memory, and can be made anew. */
  files?: IndexFiles & { sql: Sql }
}

/** Files of indexes that stay when an app view stops. */
export class TestFiles implements IndexFiles {
  current = 'appview.sqlite'
  freeBytes = 1e12
  readonly #open = new Map<string, Sql>()
  readonly names = () => [...this.#open.keys()]

  async open(name: string): Promise<Sql> {
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const made = await openIndex()
    // What is in memory would go with a connection: a file is closed when it is erased.
    const kept: Sql = Object.assign(Object.create(made), { close: async () => {} })
    for (const name of ['all', 'get', 'run', 'runMany', 'transaction'] as const)
      Object.assign(kept, { [name]: made[name].bind(made) })
    this.#open.set(name, kept)
    return kept
  }

  async choose(name: string): Promise<void> {
    this.current = name
  }

  async keepOnly(names: readonly string[]): Promise<void> {
    for (const name of this.#open.keys()) if (!names.includes(name)) this.#open.delete(name)
  }

  async room(): Promise<{ bytes: number; freeBytes: number }> {
    return { bytes: 1_000_000, freeBytes: this.freeBytes }
  }

  get sql(): Sql {
    return this.#open.get(this.current)!
  }
}

/** A directory, a host, a relay and an app view over one database. */
export class World {
  readonly outside: TestOutside
  readonly relay = new TestRelay()
  readonly people = new Map<string, Person>()
  readonly blobs = new Map<string, { type: string; bytes: Uint8Array }>()
  readonly calls: string[] = []
  /** Documents of the directory besides those of the people. */
  readonly documents = new Map<string, object>()
  metrics: Metrics = createMetrics()
  #sql!: Sql
  appview!: AppviewService
  /** Why the host refuses to send repositories, if it does. */
  repoError: string | undefined
  isHostDown = false
  /** The directory takes operations, and tells nothing. */
  isDirectoryDown = false
  #loops: RunningLoops | undefined
  readonly #transport = localTransport()
  readonly #files: (IndexFiles & { sql: Sql }) | undefined
  readonly #open: () => Promise<Sql>
  readonly #config: Partial<AppviewConfig>

  constructor(options: WorldOptions = {}) {
    this.#files = options.files
    this.#open = options.index ?? (() => openIndex(options.path))
    this.#config = options.config ?? {}
    this.outside = testOutside({
      startMs: options.startMs,
      fetch: (url, init) => this.#transport.fetch(url, init),
    })
    const { advance } = this.outside
    this.outside.advance = async (ms) => {
      await advance(ms)
      await quiet(this.sql)
    }
    this.#transport.add(PLC, { handle: (request) => this.#plc(request) })
    this.#transport.add(PDS, { handle: (request) => this.#pds(request) })
    this.#transport.add(RELAY, {
      handle: ({ path }) =>
        path.endsWith('.listRepos') ? json(200, { repos: this.#repos() }) : { status: 404 },
      subscribe: (request) => this.relay.subscribe(request),
    })
  }

  /** The index that serves. */
  get sql(): Sql {
    return this.#files?.sql ?? this.#sql
  }

  async start(): Promise<this> {
    this.metrics = createMetrics()
    if (this.#files !== undefined) this.#sql = await this.#files.open(this.#files.current)
    this.#sql ??= await this.#open()
    const config = appviewConfig.with({ pdsHosts: [PDS], ...this.#config })
    this.appview = await createAppview(
      { ...config, plc: PLC, relay: RELAY },
      {
        publicUrl: APPVIEW,
        sql: this.sql,
        ...(this.#files && { files: this.#files }),
        sealingKey: new Uint8Array(32).fill(7),
        outside: this.outside,
        subscribe: this.#transport.subscribe,
        log: silentLog,
        metrics: this.metrics,
        version: '0.0.0',
      },
    )
    const { outside, metrics } = this
    this.#loops = superviseLoops(this.appview.loops, { outside, log: silentLog, metrics })
    return this
  }

  /** Puts another service on this network. */
  serve(origin: string, handle: Service['handle'], subscribe?: Service['subscribe']): void {
    this.#transport.add(origin, { handle, ...(subscribe && { subscribe }) })
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

  person(name: string): Person {
    const id = name.padEnd(24, '2').replace(/[^a-z2-7]/g, 'z')
    const person = new Person(this, name, id)
    this.people.set(person.did, person)
    return person
  }

  /** Somebody with a profile, known to the index. */
  async member(name: string): Promise<Person> {
    const person = this.person(name)
    person.profile({ displayName: name.toUpperCase() })
    await this.settle()
    return person
  }

  /** Waits until the index has taken everything in, and looked up what it had to. */
  async settle(): Promise<void> {
    for (let round = 0; round < 5_000; round++) {
      await this.outside.advance(0)
      if (round % 4 === 3 && (await this.#isSettled())) return
    }
    assert.fail('the index does not come to rest')
  }

  async #isSettled(): Promise<boolean> {
    const now = this.outside.now()
    const row = await this.sql.get<{ seq: number }>('select seq from cursor')
    const due = await this.sql.get('select 1 from actor where handle_due_ms <= ?', [now])
    const job = await this.sql.get(`select 1 from jobs where state = 'waiting' and run_at <= ?`, [
      now,
    ])
    return (row?.seq ?? 0) === this.relay.seq && due === undefined && job === undefined
  }

  /** Calls a query; its answer must be 200 and fit its lexicon. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  async get(nsid: Nsid, params: Params = {}, as?: Person): Promise<any> {
    const response = await this.call('GET', nsid, { params, as })
    const text = response.body as string
    assert.equal(response.status, 200, text)
    const body = JSON.parse(text)
    const schema = (await methodSchema(nsid)) as { output?: { type: string; schema: never } }
    assert.equal(schema.output?.type, 'lex', `${nsid} has an output`)
    const verdict = safeParse(schema.output!.schema, body)
    assert.ok(verdict.ok, verdict.ok ? '' : `${nsid}: ${verdict.message}\n${text}`)
    return body
  }

  /** Calls a method that must be refused: the error's name. */
  async refused(nsid: Nsid, params: Params = {}, as?: Person): Promise<string> {
    const response = await this.call('GET', nsid, { params, as })
    assert.notEqual(response.status, 200, response.body as string)
    return JSON.parse(response.body as string).error
  }

  async post(nsid: Nsid, input: object, as?: Person): Promise<HttpResponse> {
    return this.call('POST', nsid, { input, as })
  }

  async call(
    method: string,
    nsid: Nsid,
    {
      params = {},
      input,
      as,
      labelers,
    }: { params?: Params; input?: object; as?: Person; labelers?: string | undefined },
  ): Promise<HttpResponse> {
    const headers: Record<string, string> = {}
    if (labelers !== undefined) headers['atproto-accept-labelers'] = labelers
    if (as !== undefined) headers.authorization = `Bearer ${this.token(as, nsid)}`
    if (input !== undefined) headers['content-type'] = 'application/json'
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(params))
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one))
    const body = input && new TextEncoder().encode(JSON.stringify(input))
    return this.fetch(`/xrpc/${nsid}`, { method, query: query.toString(), headers, body })
  }

  async fetch(path: string, request: Partial<HttpRequest> = {}): Promise<HttpResponse> {
    const signal = new AbortController().signal
    const base = { method: 'GET', query: '', headers: {}, body: undefined, ip: '::1', id: 'r' }
    return this.appview.handle({ ...base, signal, path, ...request })
  }

  token(as: Person, lxm: string, aud: string = this.appview.did): string {
    const jti = Buffer.from(this.outside.random(16)).toString('hex')
    return signServiceAuth({ iss: as.did, aud, lxm, nowMs: this.outside.now(), key: as.key, jti })
  }

  addBlob(
    bytes: Uint8Array,
    type = 'image/png',
  ): { $type: 'blob'; ref: { $link: string }; mimeType: string; size: number } {
    const cid = cidText(cidForRaw(bytes))
    this.blobs.set(cid, { type, bytes })
    return { $type: 'blob', ref: { $link: cid }, mimeType: type, size: bytes.length }
  }

  #plc(request: HttpRequest): HttpResponse {
    if (request.method === 'POST') return { status: 200 }
    if (this.isDirectoryDown) return json(503, { error: 'Down' })
    const did = decodeURIComponent(request.path.slice(1))
    const document = this.people.get(did)?.document() ?? this.documents.get(did)
    return document ? json(200, document) : json(404, {})
  }

  #repos(): { did: Did }[] {
    return [...this.people.values()].map(({ did }) => ({ did }))
  }

  #pds(request: HttpRequest): HttpResponse {
    const params = new URLSearchParams(request.query)
    this.calls.push(request.path)
    if (this.isHostDown) return json(503, { error: 'Down' })
    const person = this.people.get(params.get('did') ?? '')
    switch (request.path) {
      case '/xrpc/com.atproto.identity.resolveHandle': {
        const found = [...this.people.values()].find(
          ({ handle }) => handle === params.get('handle'),
        )
        return found ? json(200, { did: found.did }) : json(400, { error: 'HandleNotFound' })
      }
      case '/xrpc/com.atproto.sync.getRepo':
        if (this.repoError !== undefined) return json(400, { error: this.repoError })
        return person?.head
          ? { status: 200, body: person.car() }
          : json(400, { error: 'RepoNotFound' })
      case '/xrpc/com.atproto.sync.listRepos':
        return json(200, { repos: this.#repos() })
      case '/xrpc/com.atproto.sync.getRecord':
        if (person?.head === undefined) return json(400, { error: 'RepoNotFound' })
        return {
          status: 200,
          body: person.proof(`${params.get('collection')}/${params.get('rkey')}`),
        }
      case '/xrpc/com.atproto.sync.getBlob': {
        const blob = this.blobs.get(params.get('cid') ?? '')
        if (blob === undefined) return json(400, { error: 'BlobNotFound' })
        return { status: 200, headers: { 'content-type': blob.type }, body: blob.bytes }
      }
      default:
        return json(404, { error: 'NotFound' })
    }
  }
}

type Params = Record<string, string | number | boolean | readonly string[]>

function json(status: number, body: object): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
