/**
 * Everything that can go wrong on a move, one row each: what breaks, and what comes of it in words. The
 * source is one of ours, or one that knows nothing of `app.falaj.*`; its owner rests, or goes on writing.
 */
import assert from 'node:assert/strict'
import { type Fetch, testOutside } from '#platform/runtime'
import { type Fault, faultyFiles, nodeFiles } from '#platform/storage'
import type { MoveReceipt, MoveView } from '#protocol/account'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'
import { fetchAmong } from '../testing/hosts.test-support.ts'

export const faults = {
  none: 'arrives',
  'network-cut': 'waits while the old host is away, and goes on by itself',
  'plc-down':
    'waits while the directory is away, and goes on by itself; writes wait no longer than a moment',
  'plc-deaf': 'asks the directory what came of the change, and changes it no second time',
  'blob-missing': 'arrives without what the old host does not have either, and names it',
  'blob-corrupted': 'takes no wrong bytes, arrives without the blob, and names it',
  'disk-full': 'waits for room at the new host, and goes on by itself',
  'token-expired': 'stops before anything changed, and goes on when its owner signs in again',
  'handle-taken': 'does not begin, and says why',
  'kill-source': 'goes on when the old host is back',
  'kill-destination': 'goes on when the new host is back',
} as const

export type FaultName = keyof typeof faults

export interface Row {
  fault: FaultName
  source: 'ours' | 'foreign'
  owner: 'rests' | 'writes'
}

export const nameOf = ({ fault, source, owner }: Row) =>
  `${fault}, from ${source === 'ours' ? 'one of ours' : 'a foreign host'}, its owner ${owner}: ${faults[fault]}`

/** Every row. */
export const allRows: readonly Row[] = (Object.keys(faults) as FaultName[]).flatMap((fault) =>
  (['ours', 'foreign'] as const).flatMap((source) =>
    (['rests', 'writes'] as const).map((owner) => ({ fault, source, owner })),
  ),
)

/** Each fault twice, so that every pair of columns is there: with one kind of source an owner who rests, with the other one who writes. */
export const someRows: readonly Row[] = allRows.filter(({ fault, source, owner }) => {
  const isEven = Object.keys(faults).indexOf(fault) % 2 === 0
  return (source === 'ours') === (owner === 'writes') ? isEven : !isEven && fault !== 'none'
})

type Breaks = (nsid: string, origin: string, cid: string | null) => Response | Error | undefined

const OLD = 'https://old.test'
const NEW = 'https://new.test'
const RECORDS = 12
const BLOBS = 3

/** Two hosts and a directory; people move between them one after the other. */
export class FaultyWorld {
  readonly plc = new FakePlc()
  readonly outside = testOutside({ seed: 77 })
  readonly #hosts = new Map<string, TestHost>()
  readonly #gone: TestHost[] = []
  #isForeign = false
  /** Breaks a call; undefined lets it pass. */
  #breaks: Breaks = () => undefined
  #isFull = false
  #people = 0

  get source(): TestHost {
    return this.#hosts.get(OLD)!
  }

  get destination(): TestHost {
    return this.#hosts.get(NEW)!
  }

  async open(): Promise<this> {
    const among = fetchAmong(this.#hosts)
    const network: Fetch = async (target, init) => {
      const { origin, pathname, searchParams } = new URL(String(target))
      const nsid = pathname.slice('/xrpc/'.length)
      const broken = this.#breaks(nsid, origin, searchParams.get('cid'))
      if (broken instanceof Error) throw broken
      if (broken) return broken
      if (this.#isForeign && origin === OLD && nsid.startsWith('app.falaj.')) {
        return refused(501, 'MethodNotImplemented')
      }
      return among(target, init)
    }
    const files = faultyFiles(nodeFiles, (operation): Fault | undefined => {
      if (!this.#isFull) return undefined
      return operation === 'write' ? 'ENOSPC' : operation === 'freeBytes' ? { free: 0 } : undefined
    })
    const { plc, outside } = this
    for (const [publicUrl, domain] of [
      [OLD, '.test'],
      [NEW, '.two.test'],
    ] as const) {
      const config = { handleDomains: [domain], pdsHosts: [OLD, NEW] }
      const full = publicUrl === NEW ? { files, reserveBytes: 1 } : {}
      const host = await TestHost.open({ plc, publicUrl, outside, fetch: network, config, ...full })
      this.#hosts.set(publicUrl, host)
    }
    return this
  }

  async close(): Promise<void> {
    for (const host of [...this.#hosts.values(), ...this.#gone]) await host.close().catch(() => {})
  }

  /** One row: makes somebody, moves them with the fault, and looks whether it came as it says. */
  async run({ fault, source, owner }: Row): Promise<void> {
    this.#isForeign = source === 'foreign'
    const person = await this.#person(`mover${this.#people++}`)
    const writer = new Writer(() => this.source, person)
    if (owner === 'writes') writer.start()
    try {
      if (fault === 'handle-taken') await this.#refused(person)
      else await this.#moved(person, fault, writer)
    } finally {
      await writer.stop()
      this.#mend()
    }
  }

  /** The new host has somebody of that name: nothing is left there, nothing changed here. */
  async #refused(person: Person): Promise<void> {
    const other = await this.destination.signUp(`taken${this.#people}`)
    const values = [person.handle, other.did]
    await this.destination.sql.run('UPDATE handles SET handle = ? WHERE did = ?', values)
    const answer = await this.#start(person)
    assert.equal(answer.body.error, 'HandleNotAvailable', JSON.stringify(answer.body))
    assert.equal(this.plc.log(person.did).length, 1)
    assert.equal((await this.source.write(person, 'still here')).status, 200)
    assert.equal((await this.#reads(person.did)).status, 400)
  }

  async #moved(person: Person, fault: FaultName, writer: Writer): Promise<void> {
    const begun = await this.#start(person)
    assert.equal(begun.status, 200, JSON.stringify(begun.body))
    // Nobody is at work on it yet.
    const lost = await this.#break(fault, person)
    if (fault.startsWith('kill-')) await this.#kill(fault === 'kill-source' ? OLD : NEW, writer)
    let isMended = false
    let isAsked = false
    const move = await this.#end(person, async (seen, token) => {
      if (seen.state === 'waiting' && !isAsked) {
        // Used up, and its answer lost with who gave it: the owner gives another.
        isAsked = true
        const code = await this.#code(person)
        await this.destination.post('app.falaj.move.confirm', { id: seen.id, code }, token)
      }
      if (isMended || !(seen.problem || seen.state === 'failed')) return
      isMended = true
      this.#mend()
      if (seen.state !== 'failed') return
      assert.equal(fault, 'token-expired')
      assert.equal(seen.canAbandon, true)
      assert.equal((await this.#start(person)).status, 200)
    })
    await writer.stop()
    const isLasting = fault === 'blob-missing' || fault === 'blob-corrupted'
    assert.ok(isMended || isLasting || isQuiet.has(fault), `${fault} was noticed`)
    const { receipt } = move as { receipt: MoveReceipt }
    assert.deepEqual([receipt.sameRoot, receipt.warnings], [true, []])
    assert.deepEqual(receipt.missingBlobs, isLasting ? [lost] : [])
    assert.equal(this.plc.log(person.did).length, 2)
    await this.#isWhole(person, writer)
  }

  /** Everything that was acknowledged is at the new host, once. */
  async #isWhole({ did, password }: Person, writer: Writer): Promise<void> {
    const texts = await this.destination.listTexts({ did } as Person)
    assert.deepEqual(texts.sort(), [...this.#texts(), ...writer.written].sort())
    const input = { identifier: did, password }
    const { body } = await this.destination.post('com.atproto.server.createSession', input)
    const there = { ...body, did } as Person
    assert.equal((await this.destination.write(there, 'at home')).status, 200)
    await this.destination.assertChain(there)
  }

  #texts = () => Array.from({ length: RECORDS + BLOBS }, (_, i) => `${i}`)

  /** Makes the fault begin; the CID that is lost for good, if any. */
  async #break(fault: FaultName, person: Person): Promise<string | undefined> {
    const at = (origin: string, nsid: RegExp, answer: () => Response | Error) => {
      this.#breaks = (asked, host) => (host === origin && nsid.test(asked) ? answer() : undefined)
    }
    const away = () => new TypeError('the connection broke')
    switch (fault) {
      case 'network-cut':
        return void at(OLD, /getBlob|listBlobs|getRecommended/, away)
      case 'plc-down':
        return void (this.plc.mood = 'down')
      case 'plc-deaf':
        return void (this.plc.mood = 'deaf')
      case 'disk-full':
        this.#breaks = (nsid) => void (this.#isFull ||= nsid === 'com.atproto.repo.importRepo')
        return undefined
      case 'token-expired':
        return void at(OLD, /getBlob|refreshSession/, () => refused(400, 'ExpiredToken'))
      case 'blob-missing':
      case 'blob-corrupted': {
        const { did } = person
        const listed = await this.source.get('com.atproto.sync.listBlobs', { did })
        const bad = listed.body.cids[0] as string
        const answer = () =>
          fault === 'blob-missing'
            ? refused(400, 'BlobNotFound')
            : new Response(new Uint8Array([6, 6, 6]), { headers: { 'content-type': 'image/png' } })
        this.#breaks = (nsid, host, cid) =>
          host === OLD && nsid === 'com.atproto.sync.getBlob' && cid === bad ? answer() : undefined
        return bad
      }
      default:
        return undefined
    }
  }

  #mend(): void {
    this.#breaks = () => undefined
    this.#isFull = false
    this.plc.mood = 'well'
  }

  /** Dies in the middle, as it is on the disk at that instant. */
  async #kill(url: string, writer: Writer): Promise<void> {
    const jobs = this.destination.loop('moves')
    await this.destination.until(async () => {
      await this.outside.advance(1)
      const row = await this.destination.sql.get<{ shown: string }>(
        'SELECT shown FROM moves ORDER BY started_ms DESC, rowid DESC LIMIT 1',
      )
      return row !== undefined && !/"step":"(account|repo)"/.test(row.shown)
    })
    await writer.rest()
    const killed = this.#hosts.get(url)!
    this.#hosts.delete(url)
    const folder = killed.copy()
    await jobs.stop()
    this.#gone.push(killed)
    this.#hosts.set(url, await killed.again({ folder }))
    writer.goOn()
  }

  async #end(
    { did, password }: Person,
    seen: (move: MoveView, token: string) => Promise<void>,
  ): Promise<MoveView> {
    const jobs = this.destination.loop('moves')
    const input = { identifier: did, password }
    const { body } = await this.destination.post('com.atproto.server.createSession', input)
    let move: MoveView | undefined
    await this.destination
      .until(async () => {
        await this.outside.advance(20)
        move = (await this.destination.get('app.falaj.move.get', {}, body.accessJwt)).body.move
        if (move) await seen(move, body.accessJwt)
        return move?.state === 'done'
      })
      .catch((error) => {
        throw new Error(`it stands at ${JSON.stringify(move)}`, { cause: error })
      })
    await jobs.stop()
    return move!
  }

  #reads(did: string): Promise<Answer> {
    return this.destination.get('com.atproto.repo.describeRepo', { repo: did })
  }

  async #person(name: string): Promise<Person> {
    const person = await this.source.signUp(name)
    for (const text of this.#texts()) {
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

  async #code({ password, accessJwt }: Person): Promise<string> {
    const purpose = { password, purpose: 'plc-operation' }
    const given = await this.source.post('app.falaj.account.confirmPassword', purpose, accessJwt)
    return given.body.code
  }

  async #start(person: Person): Promise<Answer> {
    const { did, password } = person
    const code = await this.#code(person)
    const input = { identifier: did, password }
    const signedIn = (await this.source.post('com.atproto.server.createSession', input)).body
    return this.destination.post('app.falaj.move.start', {
      source: OLD,
      session: { accessJwt: signedIn.accessJwt, refreshJwt: signedIn.refreshJwt },
      password,
      code,
    })
  }
}

/** Faults that are over before anybody could see a problem. */
const isQuiet: ReadonlySet<FaultName> = new Set([
  'none',
  'plc-deaf',
  'kill-source',
  'kill-destination',
])

const refused = (status: number, error: string) =>
  Response.json({ error, message: error }, { status })

/** Writes one post after the other at the old host, until one is refused. */
class Writer {
  readonly written: string[] = []
  readonly #host: () => TestHost
  readonly #person: Person
  #isOver = true
  #resting: Promise<void> | undefined
  #goOn: () => void = () => {}
  #atWork: Promise<void> = Promise.resolve()
  #write: Promise<unknown> = Promise.resolve()

  constructor(host: () => TestHost, person: Person) {
    this.#host = host
    this.#person = person
  }

  start(): void {
    this.#isOver = false
    this.#atWork = this.#run()
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#isOver && i < 1_000; i++) {
      await this.#resting
      const text = `meanwhile ${i}`
      const writing = this.#host().write(this.#person, text)
      this.#write = writing
      if ((await writing).status !== 200) return
      this.written.push(text)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /** Between two writes. */
  async rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resting = promise
    this.#goOn = resolve
    await this.#write
  }

  goOn(): void {
    this.#resting = undefined
    this.#goOn()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    this.goOn()
    await this.#atWork
  }
}
