/**
 * Everything that can go wrong on a move, one row each: what breaks, and what comes of it in words. The
 * source is one of ours, or one that knows nothing of `app.falaj.*`; the identity is in a directory or a
 * domain of its owner; the owner rests, or goes on writing.
 */
import assert from 'node:assert/strict'
import type { MoveReceipt } from '#protocol/account'
import type { Person, TestHost } from '../testing/host.test-support.ts'
import {
  type Breaks,
  type Identity,
  MovingWorld,
  NEW,
  OLD,
  refused,
} from './moving-world.test-support.ts'

export const faults = {
  none: 'arrives',
  'network-cut': 'waits while the old host is away, and goes on by itself',
  'repo-cut': 'takes no half of a repository, and goes on by itself',
  'blob-cut': 'takes no half of a picture, and goes on by itself',
  'plc-down':
    'waits while the identity cannot be read, and goes on by itself; writes wait no longer than a moment',
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
  identity: Identity
  owner: 'rests' | 'writes'
}

export const nameOf = ({ fault, source, identity, owner }: Row) =>
  `${fault}, did:${identity} from ${source === 'ours' ? 'one of ours' : 'a foreign host'}, its owner ${owner}: ${faults[fault]}`

/** Every row; a domain has no directory that hears and does not answer. */
export const allRows: readonly Row[] = (Object.keys(faults) as FaultName[]).flatMap((fault) =>
  (['ours', 'foreign'] as const).flatMap((source) =>
    (['plc', 'web'] as const)
      .filter((identity) => identity === 'plc' || fault !== 'plc-deaf')
      .flatMap((identity) =>
        (['rests', 'writes'] as const).map((owner) => ({ fault, source, identity, owner })),
      ),
  ),
)

/** Each fault twice, so that every pair of columns is there. */
export const someRows: readonly Row[] = allRows.filter(({ fault, source, identity, owner }) => {
  const isEven = Object.keys(faults).indexOf(fault) % 2 === 0
  const isChosen = (source === 'ours') === (owner === 'writes') ? isEven : !isEven
  if (fault === 'plc-deaf') return isChosen
  return isChosen && (identity === 'plc') === ((source === 'ours') === isEven)
})

/** One row after the other, in one world. */
export class FaultyWorld extends MovingWorld {
  /** One row: makes somebody, moves them with the fault, and looks whether it came as it says. */
  async run({ fault, source, identity, owner }: Row): Promise<void> {
    this.isForeign = source === 'foreign'
    const person = await this.person(identity)
    const writer = new Writer(() => this.source, person)
    if (owner === 'writes') writer.start()
    try {
      if (fault === 'handle-taken') await this.#refused(person)
      else await this.#moved(person, fault, writer)
    } finally {
      await writer.stop()
      this.mend()
    }
  }

  /** The new host has somebody of that name: nothing is left there, nothing changed here. */
  async #refused(person: Person): Promise<void> {
    const other = await this.destination.signUp(`taken-by-${person.handle.split('.')[0]}`)
    const values = [person.handle, other.did]
    await this.destination.sql.run('UPDATE handles SET handle = ? WHERE did = ?', values)
    const answer = await this.start(person)
    assert.equal(answer.body.error, 'HandleNotAvailable', JSON.stringify(answer.body))
    assert.equal(this.homeOf(person.did).pds, OLD)
    assert.equal((await this.source.write(person, 'still here')).status, 200)
    const repo = await this.destination.get('com.atproto.repo.describeRepo', { repo: person.did })
    assert.equal(repo.status, 400)
  }

  async #moved(person: Person, fault: FaultName, writer: Writer): Promise<void> {
    const begun = await this.start(person)
    assert.equal(begun.status, 200, JSON.stringify(begun.body))
    // Nobody is at work on it yet.
    const lost = await this.#break(fault, person)
    const jobs = fault.startsWith('kill-')
      ? await this.#kill(fault === 'kill-source' ? OLD : NEW, writer)
      : this.destination.loop('moves')
    let isMended = false
    const move = await this.end(person, async (seen) => {
      if (isMended || !(seen.problem || seen.state === 'failed')) return
      isMended = true
      this.mend()
      if (seen.state !== 'failed') return
      assert.equal(fault, 'token-expired', JSON.stringify(seen))
      assert.equal(seen.canAbandon, true)
      assert.equal((await this.start(person)).status, 200)
    })
    await jobs.stop()
    await writer.stop()
    const isLasting = fault === 'blob-missing' || fault === 'blob-corrupted'
    assert.ok(isMended || isLasting || isQuiet.has(fault), `${fault} was noticed`)
    const { receipt } = move as { receipt: MoveReceipt }
    assert.deepEqual([receipt.sameRoot, receipt.warnings], [true, []])
    assert.deepEqual(receipt.missingBlobs, isLasting ? [lost] : [])
    await this.isWhole(person, writer.written)
  }

  /** Makes the fault begin; the CID that is lost for good, if any. */
  async #break(fault: FaultName, { did }: Person): Promise<string | undefined> {
    const at = (nsid: RegExp, how: (pass: () => Promise<Response>) => ReturnType<Breaks>) => {
      this.breaks = (sent, pass) =>
        sent.origin === OLD && nsid.test(sent.nsid) ? how(pass) : undefined
    }
    switch (fault) {
      case 'network-cut':
        return void at(/getBlob|listBlobs|getRecommended/, () => new TypeError('it broke'))
      case 'repo-cut':
        return void at(/getRepo$/, async (pass) => cutShort(await pass()))
      case 'blob-cut':
        return void at(/getBlob/, async (pass) => cutShort(await pass()))
      case 'plc-down':
        this.areDomainsAway = true
        return void (this.plc.mood = 'down')
      case 'plc-deaf':
        return void (this.plc.mood = 'deaf')
      case 'disk-full':
        this.breaks = ({ nsid }) => {
          this.isFull ||= nsid === 'com.atproto.repo.importRepo'
          return undefined
        }
        return undefined
      case 'token-expired':
        return void at(/getBlob|refreshSession/, () => refused(400, 'ExpiredToken'))
      case 'blob-missing':
      case 'blob-corrupted': {
        const listed = await this.source.get('com.atproto.sync.listBlobs', { did })
        const bad = listed.body.cids[0] as string
        const wrong = () =>
          new Response(new Uint8Array([6, 6, 6]), { headers: { 'content-type': 'image/png' } })
        this.breaks = ({ nsid, origin, cid }) => {
          if (origin !== OLD || nsid !== 'com.atproto.sync.getBlob' || cid !== bad) return undefined
          if (fault === 'blob-corrupted') return wrong()
          // The reference has no name for it.
          return this.isForeign
            ? refused(400, 'InvalidRequest', 'Blob not found')
            : refused(400, 'BlobNotFound')
        }
        return bad
      }
      default:
        return undefined
    }
  }

  /** Dies in the middle, as it is on the disk at that instant. */
  async #kill(url: string, writer: Writer): Promise<{ stop(): Promise<void> }> {
    const jobs = this.destination.loop('moves')
    await this.destination.until(async () => {
      await this.outside.advance(1)
      const row = await this.destination.sql.get<{ shown: string }>(
        'SELECT shown FROM moves ORDER BY started_ms DESC, rowid DESC LIMIT 1',
      )
      return row !== undefined && !/"step":"(account|repo)"/.test(row.shown)
    })
    await writer.rest()
    const folder = (url === OLD ? this.source : this.destination).copy()
    const replaced = this.replace(url, folder)
    await jobs.stop()
    await replaced
    writer.goOn()
    return this.destination.loop('moves')
  }
}

/** The first half of the body, and then the connection breaks. */
function cutShort(answer: Response): Response {
  const { status, headers } = answer
  const body = new ReadableStream<Uint8Array>({
    async start(into) {
      const bytes = await answer.bytes()
      into.enqueue(bytes.subarray(0, Math.ceil(bytes.length / 2)))
      into.error(new TypeError('the connection broke in the middle'))
    },
  })
  return new Response(body, { status, headers })
}

/** Faults that are over before anybody could see a problem. */
const isQuiet: ReadonlySet<FaultName> = new Set([
  'none',
  'plc-deaf',
  'kill-source',
  'kill-destination',
])

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
