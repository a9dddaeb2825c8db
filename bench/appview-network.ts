/**
 * A made-up network for `bench/appview.ts`: a directory, a host and a relay behind one address, and accounts whose
 * repositories follow from a seed, so that none of them is kept. At scale 1 it has the shape of the
 * reference's recorded figures: 100 people with 30 posts, 20 replies, 20 follows and 90 likes each. Beyond that
 * whom people follow, like and answer is by Zipf's law, and one person is followed by 1,000 times the scale.
 */
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
  type Listening,
  listen,
  silentLog,
} from '#platform/runtime'
import { cidForCbor, generateKey, type SigningKey } from '#protocol/crypto'
import { cidText, encodeCar, encodeCbor, fromJson } from '#protocol/data'
import { type CommitPlan, commitEvent, planCommit, type RecordWrite, Tree } from '#protocol/repo'
import { type Did, formatDatetime, formatTid, type Nsid, TidClock } from '#protocol/syntax'

const ROOTS_EACH = 30
const REPLIES_EACH = 20
const FOLLOWS_EACH = 20
const LIKES_EACH = 90
const FANS_A_SCALE = 1_000
/** The thread in which everybody answers the last, and the one in which all answer the first. */
const DEEP = 100
const WIDE = 100
/** When everything was written: a fixed day, so that the data are the same in every run. */
const START_US = Date.UTC(2026, 10, 1) * 1_000
const WEEK_US = 7 * 86_400e6
const SEED = 42

export interface Ref {
  uri: string
  cid: string
}

/** sfc32 of a seed and an account: each repository has numbers of its own. */
function numbers(account: number): () => number {
  let [a, b, c, d] = [SEED, account, 0x9e3779b9, 1]
  const next = () => {
    const t = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    return (t >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 12; i++) next()
  return next
}

/** An account of the network. It keeps its tree only once it writes something new. */
export class Person {
  readonly did: Did
  readonly handle: string
  readonly key: SigningKey
  readonly #network: Network
  readonly #index: number
  #head: Pick<CommitPlan, 'tree' | 'head'> | undefined

  constructor(network: Network, index: number) {
    this.#network = network
    this.#index = index
    this.did = didOf(index)
    this.handle = `u${index}.test`
    const next = numbers(index + 0x10000000)
    this.key = generateKey('k256', (count) =>
      Uint8Array.from({ length: count }, () => next() * 256),
    )
  }

  /** The repository's first and only commit until the person writes more. */
  first(): CommitPlan {
    const { did, key } = this
    const writes = this.#network.recordsOf(this.#index)
    const rev = formatTid(START_US + WEEK_US + this.#index, 7)
    return planCommit({ did, tree: Tree.empty(), writes, rev, key })
  }

  /** Writes one record and tells the relay. */
  create(collection: Nsid, value: object): Ref {
    const { did, key } = this
    const { tree, head } = (this.#head ??= this.first())
    const rkey = this.#network.clock.next()
    const write = recordOf(collection, rkey, value)
    const rev = this.#network.clock.next()
    const plan = planCommit({ did, tree, head, writes: [write], rev, key })
    this.#head = plan
    this.#network.emit(plan)
    return { uri: `at://${did}/${write.path}`, cid: cidText(write.cid!) }
  }

  post(text: string): Ref {
    const createdAt = formatDatetime(Date.now())
    return this.create('app.bsky.feed.post', { text: text.padEnd(100, ' lorem'), createdAt })
  }

  like(subject: Ref): Ref {
    return this.create('app.bsky.feed.like', { subject, createdAt: formatDatetime(Date.now()) })
  }

  follow(subject: Did): Ref {
    return this.create('app.bsky.graph.follow', { subject, createdAt: formatDatetime(Date.now()) })
  }

  document(): object {
    return {
      id: this.did,
      alsoKnownAs: this.#index < this.#network.people ? [`at://${this.handle}`] : [],
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
          serviceEndpoint: this.#network.url,
        },
      ],
    }
  }
}

export class Network {
  /** People who write; after them come those who only follow the first of them. */
  readonly people: number
  readonly fans: number
  readonly records: number
  readonly clock = new TidClock(Date.now, 9)
  url = ''
  #listening: Listening | undefined
  #frames: Uint8Array[] = []
  #firstSeq = 1
  readonly #wake = new Set<() => void>()
  readonly #writers = new Map<number, Person>()

  constructor(scale: number) {
    this.people = 100 * scale
    this.fans = scale === 1 ? 0 : FANS_A_SCALE * scale
    this.records =
      this.people * (1 + FOLLOWS_EACH + ROOTS_EACH + REPLIES_EACH + LIKES_EACH) + DEEP + WIDE
  }

  async listen(): Promise<void> {
    const service = {
      name: 'network',
      handle: (request: HttpRequest) => this.#handle(request),
      subscribe: (request: HttpRequest) => this.#subscribe(request),
      loops: [],
      close: async () => {},
    }
    const limits = { responseStallMs: 600_000 }
    const options = { port: 0, log: silentLog, metrics: createMetrics(), limits }
    this.#listening = await listen(service, { ...options, loopbackOnly: true })
    this.url = this.#listening.url
  }

  async close(): Promise<void> {
    await this.#listening?.close()
  }

  get seq(): number {
    return this.#firstSeq + this.#frames.length - 1
  }

  /** The stream goes on after this event, which the app view has had in an earlier run. */
  resumeAt(seq: number): void {
    this.#firstSeq = seq + 1
  }

  /** Somebody who remembers what they wrote. */
  person(index: number): Person {
    const known = this.#writers.get(index)
    if (known !== undefined) return known
    const made = new Person(this, index)
    this.#writers.set(index, made)
    return made
  }

  /** The first commit of an account that is not asked for anything else. */
  first(index: number): CommitPlan {
    return new Person(this, index).first()
  }

  emit(plan: CommitPlan): void {
    this.#frames.push(commitEvent({ plan, seq: this.seq + 1, time: new Date().toISOString() }))
    for (const wake of this.#wake) wake()
  }

  /** What an account wrote on the first day. */
  recordsOf(index: number): RecordWrite[] {
    if (index >= this.people) return [followOf(index, 0, 0)]
    const random = numbers(index)
    const writes = [
      recordOf('app.bsky.actor.profile', 'self', {
        displayName: 'User',
        description: 'bench user',
        createdAt: timeAt(START_US),
      }),
    ]
    const followed = new Set<number>([index])
    while (followed.size <= Math.min(FOLLOWS_EACH, this.people - 1))
      followed.add(this.#somebody(random))
    followed.delete(index)
    for (const other of followed) writes.push(followOf(index, writes.length, other))
    for (let n = 0; n < ROOTS_EACH; n++) writes.push(postOf(index, n, undefined))
    for (let n = 0; n < REPLIES_EACH; n++) {
      const root = rootOf(this.#somebody(random), Math.floor(random() * ROOTS_EACH))
      writes.push(postOf(index, ROOTS_EACH + n, { root, parent: root }))
    }
    if (index < WIDE) {
      const root = rootOf(1, 0)
      writes.push(postOf(index, ROOTS_EACH + REPLIES_EACH, { root, parent: root }))
    }
    if (index < DEEP) {
      const n = ROOTS_EACH + REPLIES_EACH + 1
      const parent = index === 0 ? rootOf(2, 0) : replyOf(index - 1, n)
      writes.push(postOf(index, n, { root: rootOf(2, 0), parent }))
    }
    const liked = new Set<string>()
    while (liked.size < LIKES_EACH) {
      const { uri, cid } = rootOf(this.#somebody(random), Math.floor(random() * ROOTS_EACH))
      if (liked.has(uri)) continue
      liked.add(uri)
      const at = usAt(index, 100 + liked.size)
      writes.push(
        recordOf('app.bsky.feed.like', formatTid(at, 3), {
          subject: { uri, cid },
          createdAt: timeAt(at),
        }),
      )
    }
    return writes
  }

  /** At scale 1 everybody is as likely; else the first are the most known. */
  #somebody(random: () => number): number {
    if (this.people === 100) return Math.floor(random() * this.people)
    return Math.min(this.people, Math.floor((this.people + 1) ** random())) - 1
  }

  #handle({ method, path, query }: HttpRequest): HttpResponse {
    const params = new URLSearchParams(query)
    if (path.startsWith('/did')) {
      if (method === 'POST') return { status: 200 }
      const index = indexOf(decodeURIComponent(path.slice(1)))
      return index === undefined ? json(404, {}) : json(200, new Person(this, index).document())
    }
    switch (path) {
      case '/xrpc/com.atproto.identity.resolveHandle':
        return json(200, { did: didOf(Number(params.get('handle')!.slice(1, -'.test'.length))) })
      case '/xrpc/com.atproto.sync.listRepos': {
        const from = Number(params.get('cursor') ?? 0)
        const to = Math.min(this.people, from + Number(params.get('limit')))
        const repos = Array.from({ length: to - from }, (_, i) => ({ did: didOf(from + i) }))
        return json(200, { repos, ...(to < this.people && { cursor: String(to) }) })
      }
      case '/xrpc/com.atproto.sync.getRepo': {
        const plan = new Person(this, indexOf(params.get('did')!)!).first()
        return { status: 200, body: encodeCar([plan.head.commit], plan.blocks) }
      }
      default:
        return json(404, { error: 'NotFound' })
    }
  }

  async *#subscribe(request: HttpRequest): AsyncGenerator<FrameBatch> {
    const cursor = new URLSearchParams(request.query).get('cursor')
    let at = cursor === null ? this.#frames.length : Number(cursor) + 1 - this.#firstSeq
    while (!request.signal.aborted) {
      const batch = this.#frames.slice(at, at + 400)
      at += batch.length
      if (batch.length > 0) yield batch
      else
        await new Promise<void>((resolve) => {
          const wake = () => {
            this.#wake.delete(wake)
            resolve()
          }
          this.#wake.add(wake)
          request.signal.addEventListener('abort', wake, { once: true })
        })
    }
  }
}

/** A post nobody answered with, as the n-th of an account. */
export function rootOf(index: number, n: number): Ref {
  return refOf(postOf(index, n, undefined), index)
}

/** The thread in which each post answers the last: how deep it is, and the post it began with. */
export const deepThread = { depth: DEEP, root: () => rootOf(2, 0) }
/** The thread in which all posts answer the first. */
export const wideThread = { replies: WIDE, root: () => rootOf(1, 0) }
/** Follows are of a person whom the rest of the network follows. */
export const GIANT = 0

/** What the answered post's record would be needs its whole chain; nobody looks at its CID. */
function replyOf(index: number, n: number): Ref {
  const uri = `at://${didOf(index)}/app.bsky.feed.post/${formatTid(usAt(index, n), 3)}`
  return { uri, cid: cidText(cidForCbor(new TextEncoder().encode(uri))) }
}

export function didOf(index: number): Did {
  const letters = index.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)]!)
  return `did:plc:${letters.padStart(24, '2')}`
}

function indexOf(did: string): number | undefined {
  const letters = /^did:plc:2*([a-z]+)$/.exec(did)?.[1]
  if (letters === undefined) return undefined
  const digits = letters.replace(/[q-z]/g, (letter) => String('qrstuvwxyz'.indexOf(letter)))
  return Number.parseInt(digits, 26)
}

/** Everything an account wrote lies in one week, in an order that mixes the accounts. */
function usAt(index: number, n: number): number {
  return START_US + ((n * 2_654_435_761 + index * 40_503_000_007) % WEEK_US)
}

function timeAt(us: number): string {
  return formatDatetime(Math.floor(us / 1_000))
}

function postOf(
  index: number,
  n: number,
  reply: { root: Ref; parent: Ref } | undefined,
): RecordWrite {
  const us = usAt(index, n)
  const text = `post ${index} ${n}`.padEnd(100, ' lorem')
  const value = { text, createdAt: timeAt(us), langs: ['en'], ...(reply && { reply }) }
  return recordOf('app.bsky.feed.post', formatTid(us, 3), value)
}

function followOf(index: number, n: number, other: number): RecordWrite {
  const us = usAt(index, 1_000 + n)
  const value = { subject: didOf(other), createdAt: timeAt(us) }
  return recordOf('app.bsky.graph.follow', formatTid(us, 3), value)
}

function recordOf(collection: Nsid, rkey: string, value: object): RecordWrite {
  const bytes = encodeCbor(fromJson({ $type: collection, ...value }))
  return { action: 'create', path: `${collection}/${rkey}`, cid: cidForCbor(bytes), bytes }
}

function refOf({ path, cid }: RecordWrite, index: number): Ref {
  return { uri: `at://${didOf(index)}/${path}`, cid: cidText(cid!) }
}

function json(status: number, body: object): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
