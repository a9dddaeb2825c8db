/** A strange host, a directory and a vault in this process, with a clock that moves when told. */
import assert from 'node:assert/strict'
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
  localTransport,
  type Metrics,
  type RunningLoops,
  silentLog,
  superviseLoops,
  testOutside,
} from '#platform/runtime'
import {
  type Blobs,
  loadMigrations,
  memoryFiles,
  openDiskBlobs,
  openSqlite,
  type Sql,
} from '#platform/storage'
import { signServiceAuth } from '#protocol/auth'
import { cidForCbor, cidForRaw, generateKey, type SigningKey } from '#protocol/crypto'
import { type CidBytes, cidText, encodeCar, encodeCbor, fromJson } from '#protocol/data'
import {
  commitEvent,
  planCommit,
  type RecordWrite,
  type RepoHead,
  syncEvent,
  Tree,
  verifyRepoCar,
} from '#protocol/repo'
import { type Did, formatDatetime, TidClock } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import {
  createVault,
  type VaultConfig,
  type VaultService,
  vaultConfig,
  vaultMigrations,
} from './index.ts'

const PLC = 'http://plc.test'
const HOST = 'http://host.test'

/** Somebody with a repository at the host. */
export class Person {
  readonly did: Did
  key: SigningKey
  host = HOST
  tree = Tree.empty()
  head: RepoHead | undefined
  commitBytes: Uint8Array = new Uint8Array()
  readonly blocks = new Map<string, [CidBytes, Uint8Array]>()
  readonly #world: World
  readonly #tids: TidClock

  constructor(world: World, id: string) {
    this.#world = world
    this.did = `did:plc:${id.padEnd(24, '2')}`
    this.key = generateKey('k256', world.outside.random)
    this.#tids = new TidClock(world.outside.now, world.people.size & 1023)
  }

  /** Writes a record and tells of it, unless the event is to be lost. Returns its path. */
  post(text: string, { isLost = false, more = {} } = {}): string {
    const path = `app.bsky.feed.post/${this.#tids.next()}`
    const bytes = encodeCbor(fromJson({ $type: 'app.bsky.feed.post', text, ...more }))
    const cid = cidForCbor(bytes)
    this.blocks.set(cidText(cid), [cid, bytes])
    this.commit([{ action: 'create', path, cid, bytes }], { isLost })
    return path
  }

  delete(path: string): void {
    this.commit([{ action: 'delete', path }])
  }

  commit(writes: RecordWrite[], { isLost = false } = {}): void {
    const { tree, head, key, did } = this
    const rev = this.#tids.next(head?.rev)
    const plan = planCommit({ did, tree, head, writes, rev, key })
    this.tree = plan.tree
    this.head = plan.head
    this.commitBytes = plan.commitBytes
    const time = formatDatetime(this.#world.outside.now())
    if (!isLost) this.#world.emit((seq) => commitEvent({ plan, seq, time }))
  }

  sync(): void {
    const { did, head, commitBytes } = this
    const { rev, commit } = head!
    const time = formatDatetime(this.#world.outside.now())
    this.#world.emit((seq) => syncEvent({ did, rev, commit, commitBytes, seq, time }))
  }

  account(status?: string): void {
    const time = formatDatetime(this.#world.outside.now())
    const standing = status === undefined ? { active: true } : { active: false, status }
    this.#world.emit((seq) => encodeFrame('#account', { seq, did: this.did, time, ...standing }))
  }

  car(): Uint8Array {
    const { commit } = this.head!
    const records = [...this.tree.entries()].map(([, cid]) => this.blocks.get(cidText(cid))!)
    return encodeCar([commit], [[commit, this.commitBytes], ...this.tree.blocks(), ...records])
  }

  /** Texts of the posts, in order. */
  texts(): string[] {
    return textsOf(this.car())
  }
}

/** Texts of the posts of a repository. */
export function textsOf(car: Uint8Array): string[] {
  return verifyRepoCar(car).records.map(({ bytes }) => {
    const found = /text.(.*?)e\$type/.exec(new TextDecoder('latin1').decode(bytes))
    return found?.[1] ?? ''
  })
}

export class World {
  readonly outside = testOutside({
    startMs: Date.UTC(2026, 0, 1),
    fetch: (url, init) => this.#transport.fetch(url, init),
  })
  readonly people = new Map<string, Person>()
  readonly blobs = new Map<string, Uint8Array>()
  readonly asked: string[] = []
  metrics: Metrics = createMetrics()
  sql!: Sql
  store!: Blobs
  vault!: VaultService
  isHostDown = false
  /** Sends a stranger's repository instead. */
  forged: Person | undefined
  readonly #frames: Uint8Array[] = []
  readonly #wake: (() => void)[] = []
  readonly #transport = localTransport()
  readonly #config: Partial<VaultConfig>
  #loops: RunningLoops | undefined

  constructor(config: Partial<VaultConfig> = {}) {
    this.#config = config
    this.#transport.add(PLC, { handle: (request) => this.#plc(request) })
    this.#transport.add(HOST, {
      handle: (request) => this.#host(request),
      subscribe: (request) => this.#subscribe(request),
    })
  }

  async start({ sealingKey = new Uint8Array(32).fill(7) } = {}): Promise<this> {
    this.sql ??= await openSqlite(':memory:', { migrations: loadMigrations(vaultMigrations) })
    this.store ??= await openDiskBlobs('/store', { files: memoryFiles() })
    const { sql, store, outside } = this
    this.metrics = createMetrics()
    const config = vaultConfig.with({
      followHost: [HOST],
      adminPassword: 'admin-pass',
      openVault: true,
      ...this.#config,
    })
    this.vault = await createVault(
      { ...config, plc: PLC },
      {
        publicUrl: 'http://vault.test',
        sql,
        store,
        sealingKey,
        outside,
        subscribe: this.#transport.subscribe,
        log: silentLog,
        metrics: this.metrics,
        version: 'test',
        local: true,
      },
    )
    this.#loops = superviseLoops(this.vault.loops, {
      outside,
      log: silentLog,
      metrics: this.metrics,
    })
    return this
  }

  async stop(): Promise<void> {
    await this.#loops?.stop()
    this.#loops = undefined
    for (const wake of this.#wake.splice(0)) wake()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.sql.close()
  }

  person(name: string): Person {
    const person = new Person(this, name)
    this.people.set(person.did, person)
    return person
  }

  emit(make: (seq: number) => Uint8Array): void {
    this.#frames.push(make(this.#frames.length + 1))
    for (const wake of this.#wake.splice(0)) wake()
  }

  addBlob(bytes: Uint8Array) {
    const cid = cidText(cidForRaw(bytes))
    this.blobs.set(cid, bytes)
    return { $type: 'blob', ref: { $link: cid }, mimeType: 'image/png', size: bytes.length }
  }

  /** Waits until it is true; the clock moves by what is asked at a time. */
  async until(isTrue: () => boolean | Promise<boolean>, stepMs = 0): Promise<void> {
    for (let round = 0; round < 3_000; round++) {
      if (await isTrue()) return
      await this.outside.advance(stepMs)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.fail('it never came true')
  }

  /** Waits until the vault has all that somebody wrote. */
  async caughtUp(person: Person): Promise<void> {
    await this.until(async () => {
      const { body, status } = await this.get('getAccount', { did: person.did })
      return (
        status === 200 &&
        body.state === 'kept' &&
        body.rev === person.head?.rev &&
        !body.blobsWanted
      )
    })
  }

  async get(method: string, params: Record<string, string>, as?: Person) {
    const nsid = `app.falaj.vault.${method}`
    const answer = await this.#call(nsid, { query: String(new URLSearchParams(params)), as })
    return answer
  }

  async post(method: string, input: object, as?: Person) {
    return this.#call(`app.falaj.vault.${method}`, { input, as })
  }

  /** A repository out of the vault. */
  async repo(person: Person, at?: string): Promise<Uint8Array> {
    const answer = await this.get('getRepo', { did: person.did, ...(at && { at }) })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.bytes
  }

  get time(): string {
    return formatDatetime(this.outside.now())
  }

  async #call(
    nsid: string,
    { query = '', input, as }: { query?: string; input?: object; as?: Person | undefined },
  ) {
    const jti = 'a'.repeat(32)
    const nowMs = this.outside.now()
    const token = as && { iss: as.did, aud: this.vault.did, lxm: nsid, nowMs, key: as.key, jti }
    const authorization = token
      ? `Bearer ${signServiceAuth(token)}`
      : `Basic ${btoa('admin:admin-pass')}`
    const response = await this.vault.handle({
      method: input ? 'POST' : 'GET',
      path: `/xrpc/${nsid}`,
      query,
      headers: { authorization, ...(input && { 'content-type': 'application/json' }) },
      body: input && new TextEncoder().encode(JSON.stringify(input)),
      ip: '::1',
      id: 'r',
      signal: new AbortController().signal,
    })
    const bytes = await bytesOf(response.body)
    const isJson = response.headers?.['content-type']?.startsWith('application/json')
    const body = isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined
    return { status: response.status, bytes, body }
  }

  #plc(request: HttpRequest): HttpResponse {
    if (request.method === 'POST') return { status: 200 }
    const person = this.people.get(decodeURIComponent(request.path.slice(1)))
    if (!person) return json(404, {})
    const method = {
      id: `${person.did}#atproto`,
      type: 'Multikey',
      controller: person.did,
      publicKeyMultibase: person.key.publicKey.multikey,
    }
    const service = {
      id: '#atproto_pds',
      type: 'AtprotoPersonalDataServer',
      serviceEndpoint: person.host,
    }
    return json(200, { id: person.did, verificationMethod: [method], service: [service] })
  }

  /** What a vault may read at the host beside repositories; undefined where nobody lets it. */
  readonly beside = new Map<string, object>()

  #host(request: HttpRequest): HttpResponse {
    if (request.path.endsWith('.describeServer')) {
      const links = { privacyPolicy: undefined }
      return json(200, { did: 'did:web:host.test', availableUserDomains: [], links })
    }
    if (request.path.endsWith('.exportPrivate')) {
      this.asked.push('exportPrivate')
      const token = request.headers.authorization?.split(' ')[1]?.split('.')[1] ?? ''
      assert.equal(JSON.parse(atob(token)).iss, this.vault.did)
      const state = this.beside.get(new URLSearchParams(request.query).get('did') ?? '')
      return state ? json(200, state) : json(403, { error: 'NotGranted' })
    }
    const params = new URLSearchParams(request.query)
    const name = request.path.slice('/xrpc/com.atproto.sync.'.length)
    this.asked.push(params.has('since') ? `${name} since` : name)
    if (this.isHostDown) return json(503, { error: 'Down' })
    const person = this.people.get(params.get('did') ?? '')
    switch (name) {
      case 'listRepos': {
        const repos = [...this.people.values()].flatMap(({ did, head }) =>
          head ? [{ did, rev: head.rev, head: cidText(head.commit), active: true }] : [],
        )
        return json(200, { repos })
      }
      // As a simple host does: `since` is not looked at.
      case 'getRepo':
        return person?.head
          ? { status: 200, body: (this.forged ?? person).car() }
          : json(400, { error: 'RepoNotFound' })
      case 'getBlob': {
        const blob = this.blobs.get(params.get('cid') ?? '')
        return blob ? { status: 200, body: blob } : json(400, { error: 'BlobNotFound' })
      }
      default:
        return json(404, { error: 'NotFound' })
    }
  }

  async *#subscribe(request: HttpRequest): AsyncGenerator<FrameBatch> {
    const cursor = new URLSearchParams(request.query).get('cursor')
    let at = cursor === null ? this.#frames.length : Number(cursor)
    request.signal.addEventListener('abort', () => {
      for (const wake of this.#wake.splice(0)) wake()
    })
    while (!request.signal.aborted) {
      const batch = this.#frames.slice(at)
      at = this.#frames.length
      if (batch.length > 0) yield batch
      else await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}

async function bytesOf(body: HttpResponse['body']): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array()
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

function json(status: number, body: object): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
