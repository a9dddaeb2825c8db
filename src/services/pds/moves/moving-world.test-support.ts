/** Two hosts, a directory and domains of people in one process; people move between them one after the other. */
import assert from 'node:assert/strict'
import { type Fetch, testOutside } from '#platform/runtime'
import { type Fault, faultyFiles, nodeFiles } from '#platform/storage'
import type { MoveView } from '#protocol/account'
import { signServiceAuth } from '#protocol/auth'
import { generateKey } from '#protocol/crypto'
import { identityOf, type PlcCredentials, parseDidDocument } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'
import { fetchAmong } from '../testing/hosts.test-support.ts'
import { wantedDocument } from './other-hosts.ts'

export type Identity = 'plc' | 'web'

/** A call on its way, and who makes it: a host by its address and how often it was begun again. */
export interface Sent {
  nsid: string
  origin: string
  cid: string | null
  from: string
}

/** Answers in place of the host asked, breaks the call, or changes what was answered. */
export type Breaks = (
  sent: Sent,
  pass: () => Promise<Response>,
) => Promise<Response> | Response | Error | undefined

export const OLD = 'https://old.test'
export const NEW = 'https://new.test'
export const RECORDS = 6
export const BLOBS = 3

export class MovingWorld {
  readonly plc = new FakePlc()
  readonly outside = testOutside({ seed: 77 })
  readonly #hosts = new Map<string, TestHost>()
  readonly #gone: TestHost[] = []
  /** Documents of domains, by host name. */
  readonly #documents = new Map<string, object>()
  isForeign = false
  isFull = false
  areDomainsAway = false
  breaks: Breaks = () => undefined
  #people = 0

  get source(): TestHost {
    return this.#hosts.get(OLD)!
  }

  get destination(): TestHost {
    return this.#hosts.get(NEW)!
  }

  async open(): Promise<this> {
    const files = faultyFiles(nodeFiles, (operation): Fault | undefined => {
      if (!this.isFull) return undefined
      return operation === 'write' ? 'ENOSPC' : operation === 'freeBytes' ? { free: 0 } : undefined
    })
    const { plc, outside } = this
    for (const [publicUrl, domain] of [
      [OLD, '.test'],
      [NEW, '.two.test'],
    ] as const) {
      const config = { handleDomains: [domain], pdsHosts: [OLD, NEW] }
      const full = publicUrl === NEW ? { files, reserveBytes: 1 } : {}
      const fetch = this.#network(publicUrl)
      const host = await TestHost.open({ plc, publicUrl, outside, fetch, config, ...full })
      this.#hosts.set(publicUrl, host)
    }
    return this
  }

  async close(): Promise<void> {
    for (const host of [...this.#hosts.values(), ...this.#gone]) await host.close().catch(() => {})
  }

  /** What a host reaches. */
  #network(from: string): Fetch {
    const among = fetchAmong(this.#hosts)
    return async (target, init) => {
      const { origin, host, pathname, searchParams } = new URL(String(target))
      const nsid = pathname.slice('/xrpc/'.length)
      const document = this.#documents.get(host)
      if (document) {
        if (this.areDomainsAway) throw new TypeError('the domain is away')
        return pathname === '/.well-known/did.json'
          ? Response.json(document)
          : new Response(null, { status: 404 })
      }
      const pass = async () => {
        if (this.isForeign && origin === OLD && nsid.startsWith('app.falaj.')) {
          return refused(501, 'MethodNotImplemented')
        }
        return among(target, init)
      }
      const broken = this.breaks({ nsid, origin, cid: searchParams.get('cid'), from }, pass)
      const answer = await (broken ?? pass())
      if (answer instanceof Error) throw answer
      return answer
    }
  }

  mend(): void {
    this.breaks = () => undefined
    this.isFull = false
    this.areDomainsAway = false
    this.plc.mood = 'well'
  }

  /** Somebody with posts and pictures at the old host. */
  async person(identity: Identity): Promise<Person> {
    const name = `mover${this.#people++}`
    const person = identity === 'plc' ? await this.source.signUp(name) : await this.#onDomain(name)
    for (const text of this.texts()) {
      const i = Number(text)
      if (i < RECORDS) assert.equal((await this.source.write(person, text)).status, 200)
      else {
        const blob = await this.source.upload(person, `${name}’s picture ${i}`)
        const images = [{ image: { $type: 'blob', ...blob }, alt: '' }]
        const embed = { $type: 'app.bsky.embed.images', images }
        const record = { text, createdAt: '2026-01-01T00:00:00.000Z', embed }
        const input = { repo: person.did, collection: 'app.bsky.feed.post', record }
        await this.source.post('com.atproto.repo.createRecord', input, person.accessJwt)
      }
    }
    return person
  }

  /** By the key of one's own domain, as somebody comes from a host that nobody here knows. */
  async #onDomain(name: string): Promise<Person> {
    const did = `did:web:${name}.example` as Did
    const key = generateKey('k256')
    const handle = `${name}.test`
    this.publish(did, {
      alsoKnownAs: [`at://${handle}`],
      verificationMethods: { atproto: key.publicKey.didKey },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: OLD } },
    })
    const aud = (await this.source.get('com.atproto.server.describeServer')).body.did
    const lxm = 'com.atproto.server.createAccount'
    const claims = { iss: did, aud, lxm, nowMs: this.outside.now(), jti: name }
    const [password, email] = [`password of ${name}`, `${name}@mail.example`]
    const input = { did, handle, password, email }
    const made = await this.source.post(lxm, input, signServiceAuth({ ...claims, key }))
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const { accessJwt } = made.body
    const nsid = 'com.atproto.identity.getRecommendedDidCredentials'
    this.publish(did, (await this.source.get(nsid, {}, accessJwt)).body)
    const activate = 'com.atproto.server.activateAccount'
    assert.equal((await this.source.post(activate, undefined, accessJwt)).status, 200)
    return { ...made.body, password, email }
  }

  /** The owner of a domain writes into its document what a host asks for. */
  publish(did: Did, wanted: PlcCredentials): void {
    const host = did.slice('did:web:'.length)
    const before = this.#documents.get(host)
    const now = before && parseDidDocument(before)
    this.#documents.set(host, wantedDocument(did, now, wanted).document)
  }

  /** Where the identity says that somebody is, and how often that changed. */
  homeOf(did: Did): { pds: string | undefined; changes: number | undefined } {
    const document = this.#documents.get(did.slice('did:web:'.length))
    if (document) return { pds: identityOf(parseDidDocument(document)).pds, changes: undefined }
    const log = this.plc.log(did)
    const { services } = log.at(-1)!.operation as { services: PlcCredentials['services'] }
    return { pds: services!.atproto_pds!.endpoint, changes: log.length - 1 }
  }

  texts = () => Array.from({ length: RECORDS + BLOBS }, (_, i) => `${i}`)

  async code({ password, accessJwt }: Person): Promise<string> {
    const purpose = { password, purpose: 'plc-operation' }
    const given = await this.source.post('app.falaj.account.confirmPassword', purpose, accessJwt)
    return given.body.code
  }

  async start(person: Person): Promise<Answer> {
    const { did, password } = person
    const code = await this.code(person)
    const input = { identifier: did, password }
    const signedIn = (await this.source.post('com.atproto.server.createSession', input)).body
    return this.destination.post('app.falaj.move.start', {
      source: OLD,
      session: { accessJwt: signedIn.accessJwt, refreshJwt: signedIn.refreshJwt },
      password,
      code,
    })
  }

  /** A session at the new host. */
  async arrive({ did, password }: Person): Promise<Person> {
    const input = { identifier: did, password }
    const { status, body } = await this.destination.post('com.atproto.server.createSession', input)
    assert.equal(status, 200, JSON.stringify(body))
    return { ...body, did, password }
  }

  /**
   * Lets the time pass until the move is done. Its owner does what is asked of them: another code, once,
   * and the document of their domain. `seen` is told of everything the move shows.
   */
  async end(
    person: Person,
    seen: (move: MoveView, token: string) => Promise<void> = async () => {},
  ): Promise<MoveView> {
    const { accessJwt: token } = await this.arrive(person)
    let move: MoveView | undefined
    let isAsked = false
    // Of the two hosts there is always one.
    await (this.source ?? this.destination)
      .until(async () => {
        await this.outside.advance(20)
        // One is just beginning again.
        if (!this.destination || !this.source) return false
        move = (await this.destination.get('app.falaj.move.get', {}, token)).body?.move
        if (!move || !this.source) return false
        if (move.needs === 'document') this.publish(person.did, move.wanted!)
        else if (move.state === 'waiting' && !isAsked) {
          // Used up, and its answer lost with who gave it.
          isAsked = true
          const code = await this.code(person)
          await this.destination.post('app.falaj.move.confirm', { id: move.id, code }, token)
        }
        await seen(move, token)
        return move.state === 'done'
      })
      .catch((error) => {
        throw new Error(`it stands at ${JSON.stringify(move)}`, { cause: error })
      })
    return move!
  }

  /** Everything that was acknowledged is at the new host, once, and the account is open there. */
  async isWhole(person: Person, written: readonly string[] = []): Promise<void> {
    const { did } = person
    const texts = await this.destination.listTexts(person)
    assert.deepEqual(texts.sort(), [...this.texts(), ...written].sort())
    const { pds, changes } = this.homeOf(did)
    assert.deepEqual([pds, changes ?? 1], [NEW, 1])
    const there = await this.arrive(person)
    assert.equal((await this.destination.write(there, 'at home')).status, 200)
    await this.destination.assertChain(there)
    const status = await this.source.get('com.atproto.sync.getRepoStatus', { did })
    assert.equal(status.body.status, 'deactivated')
  }

  /** Takes a host's place by what is on its disk at this instant; the one before hears no more. */
  async replace(url: string, folder = this.#hosts.get(url)!.copy()): Promise<TestHost> {
    const killed = this.#hosts.get(url)!
    this.#hosts.delete(url)
    this.#gone.push(killed)
    const from = `${url} ${this.#gone.length}`
    const next = await killed.again({ folder, fetch: this.#network(from) })
    this.#hosts.set(url, next)
    return next
  }
}

export const refused = (status: number, error: string, message = error) =>
  Response.json({ error, message }, { status })
