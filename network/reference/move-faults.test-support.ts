/**
 * Moves between hosts that are processes of their own, ours and the reference PDS, over a network that
 * breaks: one table, one maker. What breaks is real: processes are killed, connections cut, disks full,
 * bytes on the disk wrong.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MoveReceipt, MoveState, MoveView } from '#protocol/account'
import { signServiceAuth } from '#protocol/auth'
import { cidForRaw, generateKey, parseDidKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { verifyCommitSignature, verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { OwnedDomain } from '../owned-domain.test-support.ts'
import { runFalaj, ServerProcess, temporaryFolder } from '../rig.ts'
import { Wire } from '../wire.test-support.ts'
import {
  freePort,
  type ReferencePds,
  referenceFolder,
  startReferencePds,
} from './reference-pds.test-support.ts'
import { PREFERENCES } from './reference-people.test-support.ts'

export const routes = {
  'ours to ours': { from: 'ours', to: 'other' },
  'reference to ours': { from: 'theirs', to: 'other' },
  'ours to reference': { from: 'ours', to: 'theirs' },
} as const

/** What breaks, and what comes of it: by the job of our host, and by the command line where the new host is no host of ours. */
export const faults = {
  none: ['arrives', 'arrives'],
  'kill-source': ['goes on when the old host is back', 'ends with words; goes on when run again'],
  'kill-destination': [
    'goes on when the new host is back',
    'ends with words; goes on when run again',
  ],
  'network-cut': [
    'waits while the old host is away; goes on by itself',
    'ends with words; goes on when run again',
  ],
  'network-silence': [
    'takes a silent host for away after half a minute; goes on by itself',
    'waits; goes on when bytes pass again',
  ],
  'repo-reset': [
    'takes no half of a repository; goes on by itself',
    'ends with words; goes on when run again',
  ],
  'blob-reset': [
    'takes no half of a picture; goes on by itself',
    'fetches the picture again, or ends with words and goes on when run again',
  ],
  'disk-full': [
    'waits for room at the new host; goes on by itself',
    'ends with words; goes on when run again',
  ],
  'plc-down': [
    'waits while the identity cannot be read; goes on by itself',
    'ends with words; goes on when run again',
  ],
  'blob-missing': ['arrives without it, and names it', 'arrives without it, and names it'],
  'blob-corrupted': [
    'takes no wrong bytes, arrives without it, and names it',
    'takes no wrong bytes, arrives without it, and names it',
  ],
  'token-expired': [
    'stops before anything changed; goes on when its owner signs in again',
    'ends with words; goes on when run again',
  ],
  'handle-taken': ['does not begin, and says why', 'does not begin, and says why'],
} as const

type Route = keyof typeof routes
type Fault = keyof typeof faults
type PlaceName = 'ours' | 'other' | 'theirs'

export interface Cell {
  route: Route
  identity: 'plc' | 'web'
  owner: 'rests' | 'writes'
  fault: Fault
}

/** Every cell of the table. */
export const allCells: readonly Cell[] = (Object.keys(routes) as Route[]).flatMap((route) =>
  (['plc', 'web'] as const).flatMap((identity) =>
    (['rests', 'writes'] as const).flatMap((owner) =>
      (Object.keys(faults) as Fault[]).map((fault) => ({ route, identity, owner, fault })),
    ),
  ),
)

const promised = ({ route, fault }: Cell) => faults[fault][route === 'ours to reference' ? 1 : 0]

export const nameOf = (cell: Cell) =>
  `${cell.fault}, did:${cell.identity} from ${cell.route}, its owner ${cell.owner}: ${promised(cell)}`

/** What became of one cell. */
export interface Outcome extends Cell {
  seconds: number
  /** What its owner was told on the way. */
  words: string[]
  written: number
  late: number
  warnings: readonly string[]
}

interface Person {
  did: Did
  handle: string
  email: string
  password: string
  accessJwt: string
  refreshJwt: string
  domain: OwnedDomain | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Body = any

/** A host, where others reach it, and where it really is. */
interface Place {
  wire: Wire
  direct: string
  folder: string
  kill(): Promise<void>
  start(): Promise<void>
}

const NOTE = 'com.example.note'
const PICTURE = 'com.example.picture'
const NOTES = 20
const PICTURES = 4
const PICTURE_BYTES = 300_000
const WITHIN_MS = 180_000
const ACCESS_SECONDS = 10

/** A small disk of its own, where one may be mounted. */
class Disk {
  readonly path: string
  readonly isSmall: boolean

  constructor(path: string) {
    this.path = path
    mkdirSync(path)
    const size = 'size=400m'
    this.isSmall = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', path]).status === 0
  }

  get #ballast(): string {
    return join(this.path, 'ballast')
  }

  fill(): void {
    const file = openSync(this.#ballast, 'w')
    try {
      const chunk = Buffer.alloc(1 << 20, 1)
      for (;;) writeSync(file, chunk)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    } finally {
      closeSync(file)
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true })
  }

  remove(): void {
    if (this.isSmall) spawnSync('umount', ['-l', this.path])
  }
}

export class FaultNetwork {
  readonly #folder = temporaryFolder()
  readonly #plc: ServerProcess
  #plcWire!: Wire
  readonly #places = new Map<PlaceName, Place>()
  readonly #disks = new Map<PlaceName, Disk>()
  #theirs: ReferencePds | undefined
  #people = 0
  /** What was broken and is being made whole. */
  #mending: Promise<void> = Promise.resolve()
  readonly outcomes: Outcome[] = []

  constructor() {
    this.#plc = new ServerProcess('plc', '--dev', '--data', join(this.#folder.path, 'plc'))
  }

  async start(): Promise<void> {
    await this.#plc.start()
    this.#plcWire = await new Wire(Number(new URL(this.#plc.url).port)).open()
    for (const name of ['other', 'theirs'] as const) {
      this.#disks.set(name, new Disk(join(this.#folder.path, name)))
    }
    const ours = {
      ours: new ServerProcess('pds', '--dev'),
      other: new ServerProcess('pds', '--dev'),
    }
    for (const [name, process] of Object.entries(ours) as [PlaceName, ServerProcess][]) {
      const direct = await process.reserve()
      const wire = await new Wire(Number(new URL(direct).port)).open()
      const folder = join(this.#folder.path, name)
      this.#places.set(name, {
        ...{ wire, direct, folder },
        kill: () => process.kill(),
        start: async () => void (await process.start()),
      })
    }
    if (referenceFolder) await this.#addReference(referenceFolder)
    const hosts = [...this.#places.values()].map(({ wire }) => wire.url).join()
    for (const [name, process] of Object.entries(ours) as [PlaceName, ServerProcess][]) {
      const { folder, wire } = this.#places.get(name)!
      const where = ['--data', folder, '--public-url', wire.url, '--plc', this.#plcWire.url]
      process.with(...where, '--pds-hosts', hosts, '--handle-domains', '.test')
    }
    for (const place of this.#places.values()) await place.start()
  }

  async #addReference(installation: string): Promise<void> {
    const port = await freePort()
    const wire = await new Wire(port).open()
    const folder = join(this.#folder.path, 'theirs')
    this.#places.set('theirs', {
      ...{ wire, folder, direct: `http://localhost:${port}` },
      kill: async () => this.#theirs?.stop('SIGKILL'),
      start: async () => {
        this.#theirs = await startReferencePds(installation, {
          ...{ folder, port, publicPort: Number(new URL(wire.url).port) },
          ...{ plcUrl: this.#plcWire.url, hostname: 'localhost', handleDomain: '.test' },
        })
      },
    })
  }

  async stop(): Promise<void> {
    for (const { wire, kill } of this.#places.values()) {
      await kill()
      wire.close()
    }
    this.#plcWire?.close()
    await this.#plc.stop()
    for (const disk of this.#disks.values()) disk.remove()
    this.#folder.remove()
  }

  /** Why a cell cannot be run on this machine; undefined when it can. */
  whyNot({ route, fault }: Cell): string | undefined {
    const { to } = routes[route]
    if (route.includes('reference') && !referenceFolder) {
      return 'FALAJ_REFERENCE names no installation of the reference'
    }
    if (fault === 'disk-full' && !this.#disks.get(to)?.isSmall) {
      return 'no tmpfs may be mounted here: a really full disk was not tried'
    }
    return undefined
  }

  /** Makes somebody, moves them with the fault, and looks whether it came as it is promised. */
  async run(cell: Cell): Promise<Outcome> {
    const started = performance.now()
    const from = this.#places.get(routes[cell.route].from)!
    const to = this.#places.get(routes[cell.route].to)!
    const name = `mover${this.#people++}`
    if (cell.fault === 'handle-taken') await this.#signUp(to, name)
    const person = await this.#person(from, name, cell.identity)
    const writer = new Writer(from.direct, person)
    const told: string[] = []
    try {
      const lost = await this.#arm(cell, person)
      if (cell.owner === 'writes') writer.start()
      const move = cell.route === 'ours to reference' ? this.#byCommand : this.#byJob
      const receipt = await move.call(this, cell, person, told)
      await writer.stop()
      await this.#mending
      const isStaying = cell.fault === 'handle-taken'
      assert.equal(receipt === undefined, isStaying, told.join('\n'))
      if (receipt) {
        assert.deepEqual(receipt.missingBlobs, lost)
        await this.#assertMoved(person, { from, to, writer, lost })
      } else await this.#assertStayed(person, from, to)
      const outcome = {
        ...cell,
        seconds: Math.round((performance.now() - started) / 100) / 10,
        words: told,
        written: writer.acknowledged.size,
        late: receipt?.late?.records ?? 0,
        warnings: receipt?.warnings ?? [],
      }
      this.outcomes.push(outcome)
      return outcome
    } finally {
      await writer.stop()
      this.#mend(person)
      await this.#mending
      person.domain?.close()
    }
  }

  async call(
    url: string,
    nsid: string,
    { token, input, params }: { token?: string; input?: unknown; params?: object } = {},
  ): Promise<Body> {
    const query = new URLSearchParams(params as Record<string, string>)
    const bytes = input instanceof Uint8Array ? Uint8Array.from(input) : undefined
    const answer = await fetch(`${url}/xrpc/${nsid}?${query}`, {
      method: input === undefined ? 'GET' : 'POST',
      headers: {
        ...(input !== undefined &&
          input !== null && { 'content-type': bytes ? 'image/png' : 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      ...(input !== undefined && input !== null && { body: bytes ?? JSON.stringify(input) }),
    })
    if (answer.headers.get('content-type')?.includes('ipld.car')) {
      return new Uint8Array(await answer.arrayBuffer())
    }
    const said = await answer.text()
    if (!answer.ok) throw new Error(`${nsid} at ${url}: ${answer.status} ${said}`)
    return said === '' ? undefined : JSON.parse(said)
  }

  #signUp(at: Place, name: string): Promise<Body> {
    const input = { handle: `${name}.test`, email: `${name}@other.example`, password: 'password' }
    return this.call(at.direct, 'com.atproto.server.createAccount', { input })
  }

  /** With notes, pictures and preferences, at a host. */
  async #person(at: Place, name: string, identity: Cell['identity']): Promise<Person> {
    const who = { handle: `${name}.test`, email: `${name}@mail.example`, password: `of ${name}` }
    const domain = identity === 'web' ? await new OwnedDomain().open() : undefined
    const made = domain
      ? await this.#signUpOnDomain(at, who, domain)
      : await this.call(at.direct, 'com.atproto.server.createAccount', { input: who })
    const { did: repo, accessJwt: token } = made
    const writes = Array.from({ length: NOTES }, (_, i) => ({
      ...{ $type: 'com.atproto.repo.applyWrites#create', collection: NOTE, rkey: `n${i}` },
      value: { $type: NOTE, text: `note ${i}` },
    }))
    await this.call(at.direct, 'com.atproto.repo.applyWrites', { token, input: { repo, writes } })
    for (let i = 0; i < PICTURES; i++) {
      const picture = new Uint8Array(PICTURE_BYTES).fill(i + 1)
      picture.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
      picture.set(new TextEncoder().encode(name), 8) // nobody else has it
      const { blob } = await this.call(at.direct, 'com.atproto.repo.uploadBlob', {
        ...{ token, input: picture },
      })
      const record = { $type: PICTURE, blob }
      const input = { repo, collection: PICTURE, rkey: `p${i}`, record }
      await this.call(at.direct, 'com.atproto.repo.createRecord', { token, input })
    }
    const preferences = { preferences: PREFERENCES }
    await this.call(at.direct, 'app.bsky.actor.putPreferences', { token, input: preferences })
    return { ...made, ...who, domain }
  }

  /** By the key of the domain, as somebody comes from a host that nobody knows. */
  async #signUpOnDomain(at: Place, who: object, domain: OwnedDomain): Promise<Body> {
    const { did } = domain
    const { handle } = who as { handle: string }
    const key = generateKey('k256')
    domain.publish({
      alsoKnownAs: [`at://${handle}`],
      verificationMethods: { atproto: key.publicKey.didKey },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: at.wire.url } },
    })
    const { did: aud } = await this.call(at.direct, 'com.atproto.server.describeServer')
    const lxm = 'com.atproto.server.createAccount'
    const token = signServiceAuth({ iss: did, aud, lxm, nowMs: Date.now(), jti: handle, key })
    const made = await this.call(at.direct, lxm, { token, input: { ...who, did } })
    domain.publish(await this.#recommended(at, made.accessJwt))
    const activate = { token: made.accessJwt, input: null }
    await this.call(at.direct, 'com.atproto.server.activateAccount', activate)
    return made
  }

  #recommended(at: Place, token: string): Promise<Body> {
    return this.call(at.direct, 'com.atproto.identity.getRecommendedDidCredentials', { token })
  }

  /** Makes the fault happen when its moment comes; CIDs that are lost for good. */
  async #arm({ route, fault, identity }: Cell, person: Person): Promise<string[]> {
    const { from: fromName, to: toName } = routes[route]
    const [from, to] = [this.#places.get(fromName)!, this.#places.get(toName)!]
    const atFirstPicture = (tell: () => void) => from.wire.hear('sync.getBlob', tell)
    const again = (place: Place) => {
      this.#mending = place.kill().then(() => place.start())
    }
    switch (fault) {
      case 'kill-source':
        atFirstPicture(() => again(from))
        return []
      case 'kill-destination':
        atFirstPicture(() => again(to))
        return []
      case 'network-cut':
        atFirstPicture(() => from.wire.cut())
        return []
      case 'network-silence':
        atFirstPicture(() => {
          from.wire.silence()
          // The command line waits for minutes.
          if (route === 'ours to reference') {
            this.#mending = sleep(3_000).then(() => from.wire.mend())
          }
        })
        return []
      case 'repo-reset':
        from.wire.resetIn('sync.getRepo', 1_500, 3)
        return []
      case 'blob-reset':
        from.wire.resetIn('sync.getBlob', 100_000, 4)
        return []
      case 'disk-full':
        from.wire.hear('sync.getRepo', () => this.#disks.get(toName)!.fill())
        return []
      case 'plc-down':
        atFirstPicture(() => {
          if (identity === 'plc') this.#plcWire.cut()
          else person.domain!.isAway = true
        })
        return []
      case 'blob-missing':
      case 'blob-corrupted': {
        const { did } = person
        const { cids } = await this.call(from.direct, 'com.atproto.sync.listBlobs', {
          params: { did },
        })
        const file = fileNamed(from.folder, cids[0])
        if (fault === 'blob-missing') rmSync(file)
        else writeFileSync(file, new Uint8Array(PICTURE_BYTES).fill(66))
        return [cids[0]]
      }
      default:
        return []
    }
  }

  #mend(person: Person): void {
    for (const { wire } of this.#places.values()) wire.mend()
    for (const disk of this.#disks.values()) disk.empty()
    this.#plcWire.mend()
    if (person.domain) person.domain.isAway = false
  }

  // By the job of the new host.

  async #byJob(cell: Cell, person: Person, told: string[]): Promise<MoveReceipt | undefined> {
    const from = this.#places.get(routes[cell.route].from)!
    const to = this.#places.get(routes[cell.route].to)!
    let begun: Body
    try {
      begun = await this.#begin(cell, person, cell.fault === 'token-expired')
    } catch (error) {
      told.push((error as Error).message)
      return undefined
    }
    const deadlineMs = Date.now() + WITHIN_MS
    let move: MoveView | undefined
    let isConfirmed = false
    for (;;) {
      if (Date.now() > deadlineMs) throw new Error(`it stands at ${JSON.stringify(move)}`)
      const params = move === undefined ? {} : { after: String(move.version) }
      const token = begun.accessJwt
      const next = await this.call(to.direct, 'app.falaj.move.get', { token, params }).catch(() =>
        sleep(50),
      )
      if (!next) continue
      move = next.move as MoveView
      if (move.problem && !told.includes(move.problem)) told.push(move.problem)
      if (move.problem || move.state === 'failed') this.#mend(person)
      if (move.state === 'done') return move.receipt
      if (move.needs === 'document') person.domain!.publish(move.wanted!)
      else if (move.needs === 'code' && move.state === 'waiting' && !isConfirmed) {
        isConfirmed = true
        await this.#mending
        const input = { id: move.id, code: await this.#code(from, person) }
        await this.call(to.direct, 'app.falaj.move.confirm', { token, input })
      } else if (move.state === 'failed') {
        assert.equal(cell.fault, 'token-expired', JSON.stringify(move))
        assert.equal(move.canAbandon, true)
        begun = await this.#begin(cell, person, false)
      }
    }
  }

  async #code(from: Place, { did, password, accessJwt: token, domain }: Person): Promise<string> {
    if (domain) return ''
    if (from === this.#places.get('theirs')) {
      const nsid = 'com.atproto.identity.requestPlcOperationSignature'
      await this.call(from.direct, nsid, { token, input: null })
      return this.#theirs!.mailedCode(did, 'plc_operation')
    }
    const input = { password, purpose: 'plc-operation' }
    return (await this.call(from.direct, 'app.falaj.account.confirmPassword', { token, input }))
      .code
  }

  /** With a session for the move alone; one that `ends` does so at the first picture. */
  async #begin(cell: Cell, person: Person, ends: boolean): Promise<Body> {
    const from = this.#places.get(routes[cell.route].from)!
    const to = this.#places.get(routes[cell.route].to)!
    const { handle, password } = person
    const code = await this.#code(from, person)
    const identifier = { identifier: handle, password }
    const session = await this.call(from.direct, 'com.atproto.server.createSession', {
      input: identifier,
    })
    let { accessJwt } = session
    const { refreshJwt } = session
    if (ends && from === this.#places.get('theirs')) {
      await this.#endSession(from, refreshJwt)
      accessJwt = this.#shortToken(from, person)
      from.wire.hear('sync.getBlob', () => {
        from.wire.silence()
        this.#mending = sleep(ACCESS_SECONDS * 1_000).then(() => from.wire.mend())
      })
    } else if (ends) {
      from.wire.hear('sync.getBlob', () => {
        this.#mending = this.#endSession(from, refreshJwt)
      })
    }
    const input = {
      ...{ source: from.wire.url, session: { accessJwt, refreshJwt }, password },
      ...(code !== '' && { code }),
    }
    return this.call(to.direct, 'app.falaj.move.start', { input })
  }

  async #endSession(at: Place, token: string): Promise<void> {
    await this.call(at.direct, 'com.atproto.server.deleteSession', { token, input: null })
  }

  /** As the reference makes them, but for some seconds. */
  #shortToken({ folder }: Place, { did, accessJwt }: Person): string {
    const [, secret] = /^PDS_JWT_SECRET=(.*)$/m.exec(
      readFileSync(join(folder, 'pds.env'), 'utf8'),
    ) as unknown as [string, string]
    const { aud } = JSON.parse(Buffer.from(accessJwt.split('.')[1]!, 'base64url').toString())
    const iat = Math.floor(Date.now() / 1_000)
    const claims = { scope: 'com.atproto.access', aud, sub: did, iat, exp: iat + ACCESS_SECONDS }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ typ: 'at+jwt', alg: 'HS256' })}.${part(claims)}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }

  // By the command line, run again until it is done.

  async #byCommand(cell: Cell, person: Person, told: string[]): Promise<MoveReceipt | undefined> {
    const from = this.#places.get('ours')!
    const to = this.#places.get('theirs')!
    const { handle, email, password } = person
    const file = join(this.#folder.path, `${handle}.password`)
    writeFileSync(file, password)
    const state = join(this.#folder.path, `${handle}.json`)
    const kept = () => JSON.parse(readFileSync(state, 'utf8')) as MoveState
    if (cell.fault === 'token-expired') {
      from.wire.hear('sync.getBlob', () => {
        this.#mending = this.#endSession(from, kept().source.refreshJwt)
      })
    }
    const who = ['--handle', handle, '--email', email, '--password-file', file, '--state', state]
    const hosts = ['--from', from.wire.url, '--to', to.wire.url, '--plc', this.#plcWire.url]
    const deadlineMs = Date.now() + WITHIN_MS
    for (let run = 1; ; run++) {
      const { code, out, err } = await runFalaj(['move', ...hosts, ...who, '--json'])
      if (code === 0) return JSON.parse(out)
      const words = err.trim().split('\n').at(-1)!
      told.push(words.replaceAll(/localhost:\d+/g, 'HOST'))
      this.#mend(person)
      await this.#mending
      if (cell.fault === 'handle-taken') return undefined
      assert.ok(Date.now() < deadlineMs, `it never ended: ${told.join('\n')}`)
      assert.ok(run < 6, told.join('\n'))
      if (person.domain && existsSync(state) && /terminal/.test(words)) {
        person.domain.publish(await this.#recommended(to, kept().arrived!.accessJwt))
      }
    }
  }

  // What came of it.

  /** Everything acknowledged is there once, the account is used, the network finds it, the old host lets go. */
  async #assertMoved(
    person: Person,
    { from, to, writer, lost }: { from: Place; to: Place; writer: Writer; lost: string[] },
  ): Promise<void> {
    const { did, domain } = person
    const params = { did }
    const car = await this.call(to.direct, 'com.atproto.sync.getRepo', { params })
    const { records } = verifyRepoCar(car)
    const paths = new Set(records.map(({ path }) => path))
    const expected = [
      ...Array.from({ length: NOTES }, (_, i) => `${NOTE}/n${i}`),
      ...Array.from({ length: PICTURES }, (_, i) => `${PICTURE}/p${i}`),
      ...[...writer.acknowledged].map((rkey) => `${NOTE}/${rkey}`),
    ]
    const missing = expected.filter((path) => !paths.has(path))
    assert.deepEqual(missing, [], `of ${writer.acknowledged.size} acknowledged on the way`)
    const known = new Set([...expected, ...[...writer.unknown].map((rkey) => `${NOTE}/${rkey}`)])
    const strange = [...paths].filter((path) => !known.has(path))
    assert.deepEqual(strange, [], 'nothing is there that nobody wrote')
    const { cids } = await this.call(to.direct, 'com.atproto.sync.listBlobs', { params })
    for (const cid of cids as string[]) {
      if (lost.includes(cid)) continue
      const path = `com.atproto.sync.getBlob?did=${encodeURIComponent(did)}&cid=${cid}`
      const answer = await fetch(`${to.direct}/xrpc/${path}`)
      assert.equal(cidText(cidForRaw(await answer.bytes())), cid)
    }
    const status = (at: Place) => this.call(at.direct, 'com.atproto.sync.getRepoStatus', { params })
    assert.equal((await status(to)).active, true)
    assert.equal((await status(from)).status, 'deactivated')
    const { key, pds } = domain ?? (await this.#inDirectory(did))
    assert.equal(pds, to.wire.url)
    const input = { identifier: person.handle, password: person.password }
    const session = await this.call(to.direct, 'com.atproto.server.createSession', { input })
    const token = session.accessJwt
    const { preferences } = await this.call(to.direct, 'app.bsky.actor.getPreferences', { token })
    const kept = preferences.filter((one: Body) => !one.$type.endsWith('#declaredAgePref'))
    assert.deepEqual(kept, PREFERENCES)
    const record = { $type: NOTE, text: 'after the move' }
    const write = { repo: did, collection: NOTE, record }
    await this.call(to.direct, 'com.atproto.repo.createRecord', { token, input: write })
    const { commit } = verifyRepoCar(
      await this.call(to.direct, 'com.atproto.sync.getRepo', { params }),
    )
    assert.ok(verifyCommitSignature(commit, parseDidKey(key)), 'the key of the identity signs')
  }

  async #assertStayed({ did, accessJwt: token, domain }: Person, from: Place, to: Place) {
    const { pds } = domain ?? (await this.#inDirectory(did))
    assert.equal(pds, from.wire.url)
    const record = { $type: NOTE, text: 'still here' }
    const input = { repo: did, collection: NOTE, record }
    await this.call(from.direct, 'com.atproto.repo.createRecord', { token, input })
    const there = this.call(to.direct, 'com.atproto.repo.describeRepo', { params: { repo: did } })
    await assert.rejects(there)
  }

  async #inDirectory(did: Did): Promise<{ pds: string; key: string }> {
    const { services, verificationMethods } = await (
      await fetch(`${this.#plc.url}/${did}/log/last`)
    ).json()
    return { pds: services.atproto_pds.endpoint, key: verificationMethods.atproto }
  }
}

/** The one file of a folder, at whatever depth, whose name ends so. */
function fileNamed(folder: string, name: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const found = entries.filter((entry) => entry.isFile() && entry.name.includes(name))
  assert.equal(found.length, 1, `files of ${name}`)
  return join(found[0]!.parentPath, found[0]!.name)
}

/** Writes one note after the other at the old host, each until it is answered. */
class Writer {
  readonly acknowledged = new Set<string>()
  /** Whose answer was lost. */
  readonly unknown = new Set<string>()
  readonly #url: string
  readonly #person: Person
  #isOver = true
  #atWork: Promise<void> = Promise.resolve()

  constructor(url: string, person: Person) {
    this.#url = url
    this.#person = person
  }

  start(): void {
    this.#isOver = false
    this.#atWork = this.#run()
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const rkey = `w${i}`
      while (!this.#isOver) {
        const status = await this.#write(rkey).catch(() => 0)
        if (status === 200) {
          this.acknowledged.add(rkey)
          this.unknown.delete(rkey)
          break
        }
        this.unknown.add(rkey)
        // The account is elsewhere.
        if (status >= 400 && status < 500) return
        await sleep(100)
      }
      await sleep(40)
    }
  }

  async #write(rkey: string): Promise<number> {
    const { did: repo, accessJwt } = this.#person
    const record = { $type: NOTE, text: `on the way, ${rkey}` }
    const answer = await fetch(`${this.#url}/xrpc/com.atproto.repo.putRecord`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessJwt}` },
      body: JSON.stringify({ repo, collection: NOTE, rkey, record }),
    })
    await answer.arrayBuffer()
    return answer.status
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#atWork
  }
}
