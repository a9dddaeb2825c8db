/** One host on a temporary folder, its directory of identities, and people who use it. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createLog,
  createMetrics,
  type Fetch,
  type Log,
  type MailTransport,
  type Metrics,
  sealer,
  silentLog,
  superviseLoops,
  type TestOutside,
  testOutside,
} from '#platform/runtime'
import {
  type Files,
  type Kv,
  loadMigrations,
  memoryKv,
  openDiskBlobs,
  openLocalStreams,
  openSqlite,
  type Sql,
  type Stream,
  type Streams,
} from '#platform/storage'
import {
  cidForCbor,
  generateKey,
  type PublicKey,
  parseDidKey,
  type SigningKey,
} from '#protocol/crypto'
import { type CidBytes, cidText } from '#protocol/data'
import { identityOf, type PlcSigner, parseDidDocument, plcState } from '#protocol/identity'
import {
  type CommitEvent,
  parseCommitEvent,
  parseSyncEvent,
  type RepoHead,
  verifyCommitEvent,
} from '#protocol/repo'
import type { Did, Handle } from '#protocol/syntax'
import { decodeFrame, formatParams, type HttpResponse } from '#protocol/xrpc'
import { AccountFiles, fileName } from '../account-files/index.ts'
import { Accounts } from '../accounts/index.ts'
import {
  createPds,
  type PdsConfig,
  type PdsService,
  pdsConfig,
  pdsMigrations,
  pdsPageFiles,
} from '../index.ts'
import { isPublic } from '../journal/index.ts'
import type { Lease } from '../lease/index.ts'
import { FakePlc, plcOrigin } from './fake-plc.test-support.ts'

export interface HostOptions {
  /** Where everything is kept; a temporary folder, removed at `close`, by default. */
  folder?: string
  plc?: FakePlc
  config?: Partial<PdsConfig>
  /** What the journal stands on; the disk by default. */
  files?: Files
  blobFiles?: Files
  reserveBytes?: number
  /** How much of the journal lies in one file; as much as a host has by default. */
  segmentBytes?: number
  outside?: TestOutside
  publicUrl?: string
  seed?: number
  /** Signs changes of identities; the host's own key by default. */
  rotationKey?: PlcSigner
  /** Where calls are counted; limits are off unless the config says `rateLimits: 'on'`. */
  counts?: Kv
  /** Answers calls to anything but the directory. */
  fetch?: Fetch
  appview?: { url: string; did: string }
  /** Takes letters to people; without it they stay in the outbox. */
  mail?: MailTransport
  moderationMail?: MailTransport
  /** The right to write; always had by default. */
  lease?: Lease
  /** For benchmarks: answers are not checked against their lexicons. */
  isMeasured?: boolean
  /** Says what the host logs; silent by default. */
  log?: Log
}

export interface Answer {
  status: number
  headers: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
  bytes: Uint8Array
}

/** An event of the firehose. */
export interface HostEvent {
  type: string
  seq: number
  did: Did
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  body: any
  commit: CommitEvent | undefined
}

/** An account and its tokens. */
export interface Person {
  did: Did
  handle: Handle
  accessJwt: string
  refreshJwt: string
  password: string
  email: string
}

export interface Call {
  params?: Record<string, unknown> | undefined
  input?: unknown
  token?: string | undefined
  headers?: Record<string, string>
  /** Where it comes from. */
  ip?: string
}

function pageFiles(): Map<string, Uint8Array> {
  const names = readdirSync(pdsPageFiles)
  return new Map(names.map((name) => [name, readFileSync(new URL(name, pdsPageFiles))]))
}

export const SEALING_KEY = new Uint8Array(32).fill(7)

/** A running host of these tests. */
export class TestHost {
  readonly service: PdsService
  readonly stream: Stream
  readonly sql: Sql
  readonly plc: FakePlc
  readonly outside: TestOutside
  readonly metrics: Metrics
  readonly options: HostOptions
  readonly folder: string
  readonly url: string
  /** What the host logged as an error. */
  readonly errors: string[]
  /** A key that is nobody's. */
  readonly forgedKey = generateKey('k256')
  /** Set when storage said that the process has to end. */
  fatal: unknown
  readonly #streams: Streams
  readonly #isOwnFolder: boolean
  readonly #copies: string[] = []

  private constructor(parts: {
    service: PdsService
    stream: Stream
    streams: Streams
    sql: Sql
    plc: FakePlc
    outside: TestOutside
    metrics: Metrics
    options: HostOptions
    folder: string
    url: string
    errors: string[]
  }) {
    this.service = parts.service
    this.stream = parts.stream
    this.sql = parts.sql
    this.plc = parts.plc
    this.outside = parts.outside
    this.metrics = parts.metrics
    this.options = parts.options
    this.folder = parts.folder
    this.url = parts.url
    this.errors = parts.errors
    this.#streams = parts.streams
    this.#isOwnFolder = parts.options.folder === undefined
  }

  static async open(options: HostOptions = {}): Promise<TestHost> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'falaj-pds-'))
    const plc = options.plc ?? new FakePlc()
    const url = options.publicUrl ?? 'https://pds.test'
    const outside = options.outside ?? testOutside({ seed: options.seed ?? 1 })
    const other = options.fetch ?? (() => Promise.reject(new Error('no such host in this test')))
    outside.fetch = (target, init) => {
      const to = new URL(String(target))
      return to.origin === plcOrigin ? plc.fetch(to, init) : other(target, init)
    }
    const errors: string[] = []
    const log = options.log ?? createLog({ level: 'error', write: (line) => errors.push(line) })
    const metrics = createMetrics()
    const listening: ((changes: Uint8Array) => void)[] = []
    const sql = await openSqlite(join(folder, 'directory.sqlite'), {
      migrations: loadMigrations(pdsMigrations),
      synchronous: 'FULL',
      ...(options.config?.standbySecret && {
        onChanges: (changes) => listening.forEach((heard) => void heard(changes)),
      }),
    })
    const fatal: { error?: unknown } = {}
    const streams = await openLocalStreams(join(folder, 'streams'), {
      now: outside.now,
      ...(options.files && { files: options.files }),
      reserveBytes: options.reserveBytes ?? 0,
      onFatal: (error) => void (fatal.error = error),
    })
    const opened: Stream[] = []
    const watched: Streams = {
      close: () => streams.close(),
      async open(name, settings) {
        const { segmentBytes } = options
        const stream = await streams.open(name, {
          ...settings,
          ...(segmentBytes && { segmentBytes }),
        })
        opened.push(stream)
        return stream
      },
    }
    const blobs = await openDiskBlobs(join(folder, 'blobs'), {
      reserveBytes: 0,
      ...(options.blobFiles && { files: options.blobFiles }),
    })
    const service = await createPds(
      { ...pdsConfig.with({ adminPassword: 'admin-pass', ...options.config }), plc: plcOrigin },
      {
        publicUrl: url,
        appview: () => options.appview,
        moderation: () => options.config?.moderation,
        sql,
        streams: watched,
        blobs,
        counts: options.counts ?? memoryKv({ now: outside.now }),
        accountsDirectory: join(folder, 'accounts'),
        rotationKey: options.rotationKey,
        sealingKey: SEALING_KEY,
        mail: options.mail,
        moderationMail: options.moderationMail,
        lease: options.lease,
        pageFiles: pageFiles(),
        subscribe: (target, call) => plc.subscribe(target, call),
        outside,
        log,
        metrics,
        version: 'test',
        validateOutput: options.isMeasured !== true,
        onFatal: (error) => void (fatal.error = error),
        ...(options.config?.standbySecret && {
          standby: {
            listen: (heard) => void listening.push(heard),
            directoryPath: join(folder, 'directory.sqlite'),
            copiesFolder: join(folder, 'copies'),
          },
        }),
      },
    )
    const host = new TestHost({
      service,
      stream: opened[0]!,
      streams,
      sql,
      plc,
      outside,
      metrics,
      options,
      folder,
      url,
      errors,
    })
    Object.defineProperty(host, 'fatal', { get: () => fatal.error })
    return host
  }

  /** Ends the host in good order; with `keep` its folder stays. */
  async close({ keep = false } = {}): Promise<void> {
    await this.service.close()
    await this.#streams.close()
    await this.sql.close()
    if (keep) return
    const folders = this.#isOwnFolder ? [this.folder, ...this.#copies] : this.#copies
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }

  /** Ends and begins again with the same folder. */
  async restart(options: Partial<HostOptions> = {}): Promise<TestHost> {
    await this.close({ keep: true })
    return this.again(options)
  }

  /** Another host on the same folder and with the same surroundings. */
  again(options: Partial<HostOptions> = {}): Promise<TestHost> {
    const { plc, outside, folder } = this
    return TestHost.open({ ...this.options, plc, outside, folder, ...options })
  }

  get(nsid: string, params: Record<string, unknown> = {}, token?: string): Promise<Answer> {
    return this.call('GET', nsid, { params, token })
  }

  post(nsid: string, input?: unknown, token?: string): Promise<Answer> {
    return this.call('POST', nsid, { input, token })
  }

  async call(method: 'GET' | 'POST', nsid: string, call: Call = {}): Promise<Answer> {
    const headers: Record<string, string> = { ...call.headers }
    if (call.token !== undefined) headers.authorization = `Bearer ${call.token}`
    const isBinary = call.input instanceof Uint8Array || isStream(call.input)
    const body = isBinary
      ? (call.input as Uint8Array)
      : call.input === undefined
        ? undefined
        : new TextEncoder().encode(JSON.stringify(call.input))
    if (body !== undefined) {
      headers['content-type'] ??= isBinary ? 'application/octet-stream' : 'application/json'
    }
    const response = await this.service.handle({
      method,
      path: `/xrpc/${nsid}`,
      query: formatParams(call.params ?? {}),
      headers,
      body,
      ip: call.ip ?? '127.0.0.1',
      id: 'test',
      signal: new AbortController().signal,
    })
    return read(response)
  }

  /** A path outside /xrpc. */
  async page(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return read(await this.visit('GET', path, { headers }))
  }

  /** A path outside /xrpc, with its query, as it is answered: cookies and all. */
  async visit(
    method: string,
    target: string,
    visit: { headers?: Record<string, string>; body?: string; ip?: string } = {},
  ): Promise<HttpResponse> {
    const [path = '', query = ''] = target.split(/\?(.*)/s)
    const { headers = {}, ip = '127.0.0.1' } = visit
    const body = visit.body === undefined ? undefined : new TextEncoder().encode(visit.body)
    const signal = new AbortController().signal
    return this.service.handle({ method, path, query, headers, body, ip, id: 'test', signal })
  }

  /** Signs up `name` under the host's first domain. */
  async signUp(name: string, extra: Record<string, unknown> = {}): Promise<Person> {
    const domain = this.options.config?.handleDomains?.[0] ?? '.test'
    const password = `password of ${name}`
    const email = `${name}@mail.example`
    const answer = await this.post('com.atproto.server.createAccount', {
      handle: `${name}${domain}`,
      email,
      password,
      ...extra,
    })
    if (answer.status !== 200) throw new Error(`sign-up failed: ${JSON.stringify(answer.body)}`)
    return { ...answer.body, password, email }
  }

  /** Creates a post; the whole answer. */
  write(person: Person, text: string, extra: Record<string, unknown> = {}): Promise<Answer> {
    const record = { $type: 'app.bsky.feed.post', text, createdAt: '2026-01-01T00:00:00.000Z' }
    const input = { repo: person.did, collection: 'app.bsky.feed.post', record, ...extra }
    return this.post('com.atproto.repo.createRecord', input, person.accessJwt)
  }

  /** The commits of a person, from the first, verify each on the one before; the last head's CID. */
  async assertChain({ did, handle }: Pick<Person, 'did' | 'handle'>): Promise<string> {
    const key = (await this.signingKey(did))!
    let previous: RepoHead | undefined
    for (const event of await this.events()) {
      if (event.did !== did || !event.commit) continue
      const nowMs = this.outside.now() + 60_000
      const verdict = verifyCommitEvent(event.commit, {
        key,
        nowMs,
        ...(previous && { previous }),
      })
      if (!verdict.ok) throw new Error(`a commit of ${handle}: ${verdict.reason}`)
      previous = verdict.head
    }
    return previous ? cidText(previous.commit) : ''
  }

  /** What the operator reads of this host's own: `app.falaj.admin.*`. */
  async admin(method: string, params: Record<string, unknown>): Promise<Answer['body']> {
    const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
    return (await this.call('GET', `app.falaj.admin.${method}`, { params, headers })).body
  }

  /** The code in the newest letter to a person. */
  async mailedCode({ did }: Person): Promise<string> {
    const { letters } = await this.admin('listLetters', { recipient: did, limit: 1 })
    const { text } = letters[0] ? await this.admin('getLetter', { id: letters[0].id }) : {}
    const code = /[A-Z2-7]{5}-[A-Z2-7]{5}/.exec(text ?? '')?.[0]
    if (!code) throw new Error('no letter')
    return code
  }

  /** Uploads a text file as a picture; its blob object. */
  async upload(person: Person, text: string, type = 'image/png') {
    const answer = await this.call('POST', 'com.atproto.repo.uploadBlob', {
      input: new TextEncoder().encode(text),
      token: person.accessJwt,
      headers: { 'content-type': type },
    })
    if (answer.status !== 200) throw new Error(`upload failed: ${JSON.stringify(answer.body)}`)
    return answer.body.blob as { ref: { $link: string }; mimeType: string; size: number }
  }

  /** Texts of a person's posts, newest first. */
  async listTexts(person: Person): Promise<string[]> {
    const texts: string[] = []
    let cursor: string | undefined
    do {
      const params = { repo: person.did, collection: 'app.bsky.feed.post', limit: 100, cursor }
      const { body, status } = await this.get('com.atproto.repo.listRecords', params)
      if (status !== 200) throw new Error(`no records: ${JSON.stringify(body)}`)
      texts.push(...body.records.map(({ value }: { value: { text: string } }) => value.text))
      cursor = body.records.length === 100 ? body.cursor : undefined
    } while (cursor)
    return texts
  }

  /** The key of an account as the directory of identities names it. */
  async signingKey(did: Did): Promise<PublicKey | undefined> {
    if (did.startsWith('did:web:')) {
      const host = did.slice('did:web:'.length)
      const answer = await this.outside.fetch(`https://${host}/.well-known/did.json`)
      return parseDidKey(identityOf(parseDidDocument(await answer.json())).signingKey!)
    }
    const operation = this.plc.log(did).at(-1)?.operation
    const key = operation && plcState(operation)?.verificationMethods.atproto
    return key === undefined ? undefined : parseDidKey(key)
  }

  /** The signing key of an account, as a thief of the host's secrets would have it. */
  async leakedKey(did: Did): Promise<SigningKey> {
    const accounts = new Accounts({
      sql: this.sql,
      sealer: sealer(SEALING_KEY),
      now: this.outside.now,
      onDeleted: async () => {},
    })
    const account = await accounts.get(did)
    if (!account) throw new Error(`no account ${did}`)
    return account.signingKey
  }

  cidOf(block: Uint8Array): CidBytes {
    return cidForCbor(block)
  }

  /** Where an account's file is. */
  accountFile(did: Did, generation = 1): string {
    const files = new AccountFiles({
      directory: join(this.folder, 'accounts'),
      openMax: 1,
      closing: () => true,
      opened() {},
      damaged: (_did, _generation, error) => error,
      requireReadable() {},
    })
    return files.path(did, generation)
  }

  /** A copy of the folder as it is now: what kill -9 would leave. */
  copy(): string {
    const folder = mkdtempSync(join(tmpdir(), 'falaj-pds-'))
    this.#copies.push(folder)
    cpSync(this.folder, folder, { recursive: true, filter: (from) => !from.endsWith('lock') })
    return folder
  }

  /** Every file that is kept of an account, blobs included. */
  filesOf(did: Did): string[] {
    const name = fileName(did)
    return readdirSync(this.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath.includes(name))
      .map((entry) => entry.name)
  }

  /** Runs one checkpoint. */
  async checkpoint(): Promise<void> {
    const loop = this.loop('checkpoints')
    await this.outside.advance(10_001)
    await this.until(() => this.metrics.value('pds_unsynced_files') === 0)
    await loop.stop()
  }

  /** Waits for what other turns of the event loop do. */
  async until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = Date.now() + 20_000
    while (Date.now() < deadlineMs) {
      if (await isTrue()) return
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    throw new Error('it never came true')
  }

  /** Everything the firehose tells after `cursor`, up to what is visible now. */
  async events(cursor = 0): Promise<HostEvent[]> {
    let last = 0
    for await (const batch of this.stream.read({ after: cursor })) {
      for (const { seq, kind, blanked } of batch) if (isPublic(kind) && !blanked) last = seq
    }
    const found: HostEvent[] = []
    if (last === 0) return found
    const stop = new AbortController()
    for await (const event of this.follow(cursor, stop.signal)) {
      if (event.type !== '#info') found.push(event)
      if (event.seq >= last) break
    }
    stop.abort()
    return found
  }

  /** Hands over the frames after a seq, up to the newest that is visible now. */
  async hear(cursor: number, hear: (frame: Uint8Array) => Promise<void>): Promise<void> {
    const last = (await this.events(cursor)).at(-1)?.seq
    if (last === undefined) return
    const stop = new AbortController()
    for await (const frame of this.#frames(cursor, stop.signal)) {
      await hear(frame)
      if (event(frame).seq >= last) break
    }
    stop.abort()
  }

  /** Every generation of every account's file. */
  accountFiles(): string[] {
    const accounts = join(this.folder, 'accounts')
    return readdirSync(accounts, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.sqlite'))
      .map((name) => join(accounts, name))
  }

  /** The live firehose, event by event. */
  async *follow(cursor: number | undefined, signal: AbortSignal): AsyncGenerator<HostEvent> {
    for await (const frame of this.#frames(cursor, signal)) yield event(frame)
  }

  async *#frames(cursor: number | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const answer = this.service.subscribe!({
      method: 'GET',
      path: '/xrpc/com.atproto.sync.subscribeRepos',
      query: cursor === undefined ? '' : `cursor=${cursor}`,
      headers: {},
      body: undefined,
      ip: '127.0.0.1',
      id: 'test',
      signal,
    })
    if ('status' in answer) throw new Error(`no subscription: ${answer.status}`)
    for await (const batch of answer) for (const frame of batch) yield frame as Uint8Array
  }

  /** Runs one of the host's loops until it is stopped. */
  loop(name: string): { stop(): Promise<void> } {
    const loop = this.service.loops.find((one) => one.name === name)
    if (!loop) throw new Error(`no loop ${name}`)
    const deps = { outside: this.outside, metrics: createMetrics(), log: silentLog }
    const running = superviseLoops([loop], deps)
    return { stop: async () => void (await running.stop()) }
  }
}

function isStream(input: unknown): boolean {
  return typeof input === 'object' && input !== null && Symbol.asyncIterator in input
}

async function read(response: HttpResponse): Promise<Answer> {
  const { status, headers = {}, body } = response
  const bytes = await bytesOf(body)
  const isPacked = headers['content-encoding'] !== undefined
  const isJson = !isPacked && headers['content-type']?.startsWith('application/json')
  const text = () => new TextDecoder().decode(bytes)
  return { status, headers, bytes, body: isJson ? JSON.parse(text()) : text() }
}

async function bytesOf(body: HttpResponse['body']): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array()
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function event(frame: Uint8Array): HostEvent {
  const decoded = decodeFrame(frame)
  if (!('type' in decoded)) throw new Error(`error frame: ${decoded.error}`)
  const body = decoded.body as { seq: number; repo?: Did; did?: Did }
  const { type } = decoded
  const did = (body.repo ?? body.did) as Did
  return { type, seq: body.seq, did, body, commit: commitOf(type, body) }
}

function commitOf(type: string, body: unknown): CommitEvent | undefined {
  if (type === '#sync') {
    const sync = parseSyncEvent(body)
    if (!sync.ok) throw new Error(`malformed #sync: ${sync.detail}`)
  }
  if (type !== '#commit') return undefined
  const parsed = parseCommitEvent(body)
  if (!parsed.ok) throw new Error(`malformed #commit: ${parsed.detail}`)
  return parsed.event
}
