/** A moderation service with a directory, a host that obeys it, and people, in this process. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createMetrics,
  type HttpRequest,
  type HttpResponse,
  type Metrics,
  type RunningLoops,
  silentLog,
  superviseLoops,
  type TestOutside,
  testOutside,
} from '#platform/runtime'
import {
  loadMigrations,
  openLocalStreams,
  openSqlite,
  type Sql,
  type Streams,
} from '#platform/storage'
import { signServiceAuth } from '#protocol/auth'
import { generateKey, type PublicKey, parseDidKey, type SigningKey } from '#protocol/crypto'
import { identityOf, parseDidDocument, plcDocument, plcState } from '#protocol/identity'
import type { Label } from '#protocol/label'
import type { Did } from '#protocol/syntax'
import { decodeFrame, formatParams } from '#protocol/xrpc'
import {
  createModeration,
  type ModerationConfig,
  type ModerationService,
  moderationConfig,
  moderationMigrations,
} from './index.ts'

const PLC = 'https://plc.test'
export const PDS = 'https://pds.test'
export const DESK = 'https://moderation.test'
export const ADMIN = { authorization: `Basic ${btoa('admin:pass')}` }
export const CID = 'bafyreihqhqv7h4x5gc54fpnfs2dp6kvhnlpiqkh2s2vt2ql7pcyyk2xb4i'

export interface Person {
  did: Did
  key: SigningKey
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export type Answer = { status: number; body: any; headers: Record<string, string> }

/** What the host was told: method, subject, whether it is down, and the password it came with. */
export interface Told {
  subject: { did?: string; uri?: string; cid?: string }
  applied: boolean
  authorization: string
}

export class Desk {
  readonly outside: TestOutside
  readonly people = new Map<string, Person>()
  readonly told: Told[] = []
  /** Records of people, by URI. */
  readonly recordsAtHost = new Map<string, object>()
  isHostDown = false
  metrics: Metrics = createMetrics()
  service!: ModerationService
  sql!: Sql
  readonly #folder = mkdtempSync(join(tmpdir(), 'falaj-moderation-'))
  readonly #operations = new Map<string, never>()
  readonly #config: Partial<ModerationConfig>
  #streams!: Streams
  #loops: RunningLoops | undefined

  private constructor(config: Partial<ModerationConfig>) {
    this.#config = config
    this.outside = testOutside()
    this.outside.fetch = async (url, init) => this.#answer(new URL(String(url)), init)
  }

  static async open(config: Partial<ModerationConfig> = {}): Promise<Desk> {
    const desk = new Desk(config)
    await desk.#start()
    return desk
  }

  async #start(): Promise<void> {
    this.metrics = createMetrics()
    this.sql = await openSqlite(join(this.#folder, 'moderation.sqlite'), {
      migrations: loadMigrations(moderationMigrations),
    })
    const { now } = this.outside
    this.#streams = await openLocalStreams(join(this.#folder, 'streams'), { now, reserveBytes: 0 })
    this.service = await createModeration(
      {
        ...moderationConfig.with({
          adminPassword: 'pass',
          pdsAdmin: [`${PDS}#secret`],
          ...this.#config,
        }),
        plc: PLC,
      },
      {
        publicUrl: DESK,
        sql: this.sql,
        streams: this.#streams,
        sealingKey: new Uint8Array(32).fill(7),
        outside: this.outside,
        log: silentLog,
        metrics: this.metrics,
        version: 'test',
        validateOutput: true,
      },
    )
    const { outside, metrics } = this
    this.#loops = superviseLoops(this.service.loops, { outside, log: silentLog, metrics })
  }

  /** Ends and begins again on the same folder. */
  async restart(): Promise<void> {
    await this.#stop()
    await this.#start()
  }

  async #stop(): Promise<void> {
    await this.#loops?.stop()
    await this.service.close()
    await this.#streams.close()
    await this.sql.close()
  }

  async close(): Promise<void> {
    await this.#stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  person(name: string): Person {
    const did = `did:plc:${name.padEnd(24, '2')}` as Did
    const person = { did, key: generateKey('k256', this.outside.random) }
    this.people.set(did, person)
    return person
  }

  token(as: Person, lxm: string, claims: object = {}): string {
    const jti = Buffer.from(this.outside.random(16)).toString('hex')
    const nowMs = this.outside.now()
    const aud = this.service.did
    return signServiceAuth({ iss: as.did, aud, lxm, nowMs, key: as.key, jti, ...claims })
  }

  async call(
    nsid: string,
    options: { params?: object; input?: object; as?: Person; headers?: Record<string, string> },
  ): Promise<Answer> {
    const { params = {}, input, as } = options
    const headers: Record<string, string> = { ...options.headers }
    if (as) headers.authorization = `Bearer ${this.token(as, nsid)}`
    if (input) headers['content-type'] = 'application/json'
    return this.request(`/xrpc/${nsid}`, {
      method: input ? 'POST' : 'GET',
      query: formatParams(params as never),
      headers,
      body: input && new TextEncoder().encode(JSON.stringify(input)),
    })
  }

  async request(path: string, request: Partial<HttpRequest> = {}): Promise<Answer> {
    const { signal } = new AbortController()
    const base = { method: 'GET', query: '', headers: {}, body: undefined, ip: '::1', id: 'r' }
    const response = await this.service.handle({ ...base, signal, path, ...request })
    const { status, headers = {}, body } = response as HttpResponse
    const isJson = headers['content-type']?.startsWith('application/json')
    return { status, headers, body: isJson ? JSON.parse(body as string) : body }
  }

  report(as: Person, subject: object, more: object = {}): Promise<Answer> {
    const reasonType = 'com.atproto.moderation.defs#reasonSpam'
    const input = { reasonType, subject, ...more }
    return this.call('com.atproto.moderation.createReport', { as, input })
  }

  /** Emits an event as the operator. */
  emit(subject: object, name: string, fields: object = {}, more: object = {}): Promise<Answer> {
    const event = { $type: `tools.ozone.moderation.defs#${name}`, ...fields }
    const input = { subject, event, createdBy: this.service.did, ...more }
    return this.call('tools.ozone.moderation.emitEvent', { headers: ADMIN, input })
  }

  async status(subject: string) {
    const { body } = await this.call('tools.ozone.moderation.queryStatuses', {
      headers: ADMIN,
      params: { subject },
    })
    return body.subjectStatuses[0]
  }

  async labels(...uriPatterns: string[]): Promise<Label[]> {
    const { body } = await this.call('com.atproto.label.queryLabels', { params: { uriPatterns } })
    return body.labels
  }

  /** The key that its identity publishes for labels. */
  labelKey(): PublicKey {
    const state = plcState(this.#operations.get(this.service.did)!)!
    const identity = identityOf(parseDidDocument(plcDocument({ did: this.service.did, ...state })))
    assert.equal(identity.service('atproto_labeler', 'AtprotoLabeler'), DESK)
    return parseDidKey(identity.labelerKey!)
  }

  /** The first `count` frames from a cursor on. */
  async frames(cursor: number | undefined, count: number) {
    const stop = new AbortController()
    const answer = this.service.subscribe!({
      method: 'GET',
      path: '/xrpc/com.atproto.label.subscribeLabels',
      query: cursor === undefined ? '' : `cursor=${cursor}`,
      headers: {},
      body: undefined,
      ip: '::1',
      id: 'r',
      signal: stop.signal,
    })
    if ('status' in answer) assert.fail(`no subscription: ${answer.status}`)
    const frames: ReturnType<typeof decodeFrame>[] = []
    for await (const batch of answer) {
      for (const frame of batch) frames.push(decodeFrame(frame as Uint8Array))
      if (frames.length >= count) break
    }
    stop.abort()
    return frames
  }

  /** Waits for what other turns of the event loop do. */
  async until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
    for (let turn = 0; turn < 5_000; turn++) {
      if (await isTrue()) return
      await this.outside.advance(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.fail('it never came true')
  }

  async #answer(url: URL, init: RequestInit = {}): Promise<Response> {
    if (url.origin === PLC) return this.#plc(url, init)
    if (url.origin !== PDS || this.isHostDown) throw new Error('no answer')
    if (url.pathname === '/xrpc/com.atproto.repo.getRecord') return this.#record(url)
    const { subject, takedown } = JSON.parse(new TextDecoder().decode(await bytesOf(init)))
    const authorization = new Headers(init.headers).get('authorization')!
    this.told.push({ subject, applied: takedown.applied, authorization })
    return Response.json({ subject, takedown })
  }

  #record({ searchParams }: URL): Response {
    const [repo, collection, rkey] = ['repo', 'collection', 'rkey'].map((n) => searchParams.get(n))
    const uri = `at://${repo}/${collection}/${rkey}`
    const value = this.recordsAtHost.get(uri)
    if (value === undefined) return Response.json({ error: 'RecordNotFound' }, { status: 400 })
    return Response.json({ uri, cid: CID, value })
  }

  #plc(url: URL, init: RequestInit): Response {
    const did = decodeURIComponent(url.pathname.split('/')[1]!)
    if (init.method === 'POST') {
      this.#operations.set(did, JSON.parse(String(init.body)) as never)
      return new Response('OK')
    }
    const operation = this.#operations.get(did)
    if (operation !== undefined) return Response.json(operation)
    const person = this.people.get(did)
    return person ? Response.json(documentOf(person)) : Response.json({}, { status: 404 })
  }
}

async function bytesOf({ body }: RequestInit): Promise<ArrayBuffer> {
  return new Response(body).arrayBuffer()
}

function documentOf({ did, key }: Person): object {
  const publicKeyMultibase = key.publicKey.multikey
  return {
    id: did,
    alsoKnownAs: [],
    verificationMethod: [
      { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase },
    ],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: PDS }],
  }
}

export const account = ({ did }: { did: string }) => ({
  $type: 'com.atproto.admin.defs#repoRef',
  did,
})
export const post = ({ did }: { did: string }, rkey = '3kpost') => ({
  $type: 'com.atproto.repo.strongRef',
  uri: `at://${did}/app.bsky.feed.post/${rkey}`,
  cid: CID,
})
