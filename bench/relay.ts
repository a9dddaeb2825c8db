/**
 * What relay and jetstream cost: `node bench/relay.ts [--commits 20000] [--only ingest,fanout,latency,jetstream]`.
 * Everything runs as it does in a server: streams and databases on disk, fsync and all; frames are
 * made beforehand. CPU is that of this process alone, so other work on the machine blurs it least.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  listen,
  localTransport,
  type Outside,
  realOutside,
  type Service,
  silentLog,
  superviseLoops,
} from '#platform/runtime'
import { loadMigrations, openLocalStreams, openSqlite } from '#platform/storage'
import { cidForCbor, generateKey, type SigningKey } from '#protocol/crypto'
import { encodeCbor } from '#protocol/data'
import {
  commitEvent,
  parseCommitEvent,
  planCommit,
  type RepoHead,
  Tree,
  verifyCommitEvent,
} from '#protocol/repo'
import { type Did, formatTid } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import { createJetstream } from '#services/jetstream'
import { createRelay, relayConfig, relayMigrations } from '#services/relay'

const flag = (name: string) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
const commitCount = Number(flag('commits') ?? 20_000)
const only = flag('only')?.split(',')
const hostUrl = 'https://host.example'
const plcUrl = 'https://plc.example'
const relayUrl = 'https://relay.example'

interface Row {
  figure: string
  ours: string
  goal: string
}
const rows: Row[] = []

function report(figure: string, ours: string, goal = ''): void {
  rows.push({ figure, ours, goal })
  console.error(`${figure}: ${ours}${goal && ` (goal ${goal})`}`)
}

const perSecond = (count: number, seconds: number) =>
  `${Math.round(count / seconds).toLocaleString('en')} /s`

/** Wall and CPU seconds of some work. */
async function timed(work: () => Promise<void>): Promise<{ wall: number; cpu: number }> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 }
}

// The input

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'
const collections = ['app.bsky.feed.like', 'app.bsky.feed.post', 'app.bsky.graph.follow']
const startMicros = Date.now() * 1000 - 86_400_000_000

class Account {
  readonly did: Did
  readonly key: SigningKey = generateKey('k256')
  #tree: Tree
  #head: RepoHead | undefined
  #count: number

  constructor(number: number, recordCount: number) {
    let name = ''
    for (let i = 0; i < 24; i++) name += base32[Math.floor(number / 32 ** i) % 32]
    this.did = `did:plc:${name}`
    const cid = cidForCbor(encodeCbor({ number }))
    const paths = Array.from({ length: recordCount }, (_, i) => this.#path(i)).toSorted()
    this.#tree = Tree.build(paths.map((path) => [path, cid] as const))
    this.#count = recordCount
  }

  #path(i: number): string {
    return `${collections[i % 3]}/${formatTid(startMicros - 3e13 + i * 7e8, 5)}`
  }

  get document(): object {
    return {
      id: this.did,
      verificationMethod: [
        {
          id: '#atproto',
          type: 'Multikey',
          controller: this.did,
          publicKeyMultibase: this.key.publicKey.multikey,
        },
      ],
      service: [
        { id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: hostUrl },
      ],
    }
  }

  /** One new record, as a frame. */
  commit(seq: number, textBytes = 120): Uint8Array {
    const path = this.#path(this.#count++)
    const bytes = encodeCbor({
      $type: path.split('/')[0],
      text: 'x'.repeat(textBytes),
      langs: ['en'],
      createdAt: '2026-01-01T00:00:00.000Z',
    })
    const head = this.#head
    const plan = planCommit({
      did: this.did,
      tree: this.#tree,
      ...(head && { head }),
      writes: [{ action: 'create', path, cid: cidForCbor(bytes), bytes }],
      rev: formatTid(startMicros + seq, 3),
      key: this.key,
    })
    const first = head ? {} : { since: formatTid(startMicros - 1, 3), prevData: this.#tree.root() }
    this.#tree = plan.tree
    this.#head = plan.head
    return commitEvent({ plan, seq, time: '2026-01-01T00:00:00.000Z', ...first })
  }
}

function makeInput(count: number, accountCount = 200, recordCount = 2_000) {
  const accounts = Array.from({ length: accountCount }, (_, i) => new Account(i, recordCount))
  const frames = Array.from({ length: count }, (_, i) =>
    accounts[(i * 7919) % accountCount]!.commit(i + 1),
  )
  return { accounts, frames }
}

/** A host that sends frames in batches, and then what it is given. */
function upstream(frames: readonly Uint8Array[], batchMax = 64) {
  let push: ((batch: FrameBatch) => void) | undefined
  const service: Pick<Service, 'handle' | 'subscribe'> = {
    handle: () => ({ status: 404 }),
    async *subscribe({ signal }: HttpRequest): AsyncGenerator<FrameBatch> {
      const waiting: FrameBatch[] = []
      let wake = () => {}
      push = (batch) => {
        waiting.push(batch)
        wake()
      }
      signal.addEventListener('abort', () => wake(), { once: true })
      for (let at = 0; at < frames.length; at += batchMax) yield frames.slice(at, at + batchMax)
      while (!signal.aborted) {
        const batch = waiting.shift()
        if (batch) yield batch
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
  return { service, push: (batch: FrameBatch) => push!(batch) }
}

// The services

const folders: string[] = []
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bench-relay-'))
  folders.push(path)
  return path
}

const transport = localTransport()
const outside: Outside = { ...realOutside(), fetch: (url, init) => transport.fetch(url, init) }
const common = { outside, subscribe: transport.subscribe, log: silentLog, version: 'bench' }

interface Running {
  service: Service
  accepted(): number
  stop(): Promise<void>
}

async function startRelay(accounts: readonly Account[], tailBytes?: number): Promise<Running> {
  const documents = new Map(accounts.map((one) => [`/${one.did}`, JSON.stringify(one.document)]))
  transport.add(plcUrl, {
    handle: ({ path }) => ({ status: 200, body: documents.get(path) ?? '' }),
  })
  const path = folder()
  const metrics = createMetrics()
  const sql = await openSqlite(join(path, 'relay.sqlite'), {
    migrations: loadMigrations(relayMigrations),
  })
  const streams = await openLocalStreams(path, tailBytes ? { tailBytes } : {})
  const service = await createRelay(
    { ...relayConfig.with({ pdsHosts: [hostUrl] }), plc: plcUrl },
    { ...common, metrics, sql, streams, local: false },
  )
  const leave = transport.add(relayUrl, service)
  const loops = superviseLoops(service.loops, { outside, log: silentLog, metrics })
  return {
    service,
    accepted: () => metrics.value('relay_events_total', '#commit', 'accepted'),
    async stop() {
      leave()
      await loops.stop()
      await service.close()
      await streams.close()
      await sql.close()
    },
  }
}

async function startJetstream(): Promise<Running> {
  const metrics = createMetrics()
  const streams = await openLocalStreams(folder())
  const service = await createJetstream(
    { retentionHours: 72, relay: relayUrl },
    { ...common, metrics, streams },
  )
  const loops = superviseLoops(service.loops, { outside, log: silentLog, metrics })
  return {
    service,
    accepted: () => metrics.value('jetstream_events_total', '#commit', 'accepted'),
    async stop() {
      await loops.stop()
      await service.close()
      await streams.close()
    },
  }
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Reads in this process until so many frames have come. */
async function take(service: Service, path: string, query: string, count: number): Promise<void> {
  const abort = new AbortController()
  const stream = service.subscribe!({
    method: 'GET',
    path,
    query,
    headers: {},
    body: undefined,
    ip: '',
    id: '',
    signal: abort.signal,
  })
  if ('status' in stream) throw new Error(`refused with ${stream.status}`)
  let taken = 0
  for await (const batch of stream) {
    taken += batch.length
    if (taken >= count) break
  }
  abort.abort()
}

const repos = '/xrpc/com.atproto.sync.subscribeRepos'

// Readers in a process of their own: they only count bytes

interface ReadersReport {
  seconds: number
  bytes: number
  cpu: number
}

async function readers(
  port: number,
  path: string,
  count: number,
  bytesEach: number,
): Promise<ReadersReport> {
  const args = [import.meta.filename, 'readers', port, path, count, bytesEach].map(String)
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    await once(child, 'exit')
    return JSON.parse(line) as ReadersReport
  }
  throw new Error('the readers failed')
}

async function beReaders(port: number, path: string, count: number, bytesEach: number) {
  const start = performance.now()
  const cpu = process.cpuUsage()
  const buffer = Buffer.alloc(1024 * 1024)
  let bytes = 0
  await Promise.all(
    Array.from({ length: count }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      let own = 0
      const socket = connect({
        port,
        host: '127.0.0.1',
        onread: {
          buffer,
          callback(length) {
            own += length
            bytes += length
            if (own < bytesEach) return true
            socket.destroy()
            resolve()
            return false
          },
        },
      })
      socket.once('error', reject)
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      )
      return promise
    }),
  )
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - start) / 1000
  console.log(JSON.stringify({ seconds, bytes, cpu: (user + system) / 1e6 }))
}

// The figures

async function ingest(): Promise<void> {
  const { accounts, frames } = makeInput(commitCount)
  const bytes = frames.reduce((sum, { length }) => sum + length, 0) / frames.length
  let best = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY }
  // The best of some rounds, the first for the machine to get warm.
  for (let round = 0; round < 4; round++) {
    const { service } = upstream(frames)
    transport.add(hostUrl, service)
    const relay = await startRelay(accounts)
    const { wall, cpu } = await timed(async () => {
      await until(() => relay.accepted() >= frames.length)
    })
    best = { wall: Math.min(best.wall, wall), cpu: Math.min(best.cpu, cpu) }
    await relay.stop()
  }
  report('verified commits, per second of CPU', perSecond(frames.length, best.cpu), '≥ 8,000')
  report('verified commits, wall', perSecond(frames.length, best.wall))
  const micros = ((best.cpu / frames.length) * 1e6).toFixed(0)
  report(`CPU of a commit of ${bytes.toFixed(0)} bytes`, `${micros} µs`)
  const verified = verifyMicros(accounts, frames).toFixed(0)
  report('  of which decoding and verifying, by itself', `${verified} µs`, '≤ 95 µs')
  const signature = signatureMicros(accounts[0]!).toFixed(0)
  report('  of which the signature, by itself', `${signature} µs`)
  const { heapUsed, rss } = process.memoryUsage()
  report('heap / RSS', `${(heapUsed / 1e6).toFixed(0)} / ${(rss / 1e6).toFixed(0)} MB`)
}

/** What the protocol floor takes of it: no stream, no database, no lookups. */
function verifyMicros(accounts: readonly Account[], frames: readonly Uint8Array[]): number {
  const keys = new Map(accounts.map(({ did, key }) => [did, key.publicKey]))
  const some = frames.slice(-5_000)
  const nowMs = Date.now()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const cpu = process.cpuUsage()
    for (const bytes of some) {
      const frame = decodeFrame(bytes)
      const parsed = parseCommitEvent('type' in frame ? frame.body : undefined)
      if (!parsed.ok) throw new Error(parsed.detail)
      const { event } = parsed
      const verdict = verifyCommitEvent(event, { key: keys.get(event.repo)!, nowMs })
      if (!verdict.ok) throw new Error(verdict.reason)
    }
    const { user, system } = process.cpuUsage(cpu)
    best = Math.min(best, (user + system) / some.length)
  }
  return best
}

/** What checking one signature takes: more than half of all, and not ours. */
function signatureMicros({ key }: Account): number {
  const message = new Uint8Array(200)
  const signature = key.sign(message)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const cpu = process.cpuUsage()
    for (let i = 0; i < 2_000; i++) key.publicKey.verify(message, signature)
    const { user, system } = process.cpuUsage(cpu)
    best = Math.min(best, (user + system) / 2_000)
  }
  return best
}

async function fanOut(): Promise<void> {
  const { accounts, frames } = makeInput(3_000, 200, 50)
  const padded = accounts.flatMap((account) =>
    Array.from({ length: 15 }, (_, i) => account.commit(10_000 + i * 1_000, 1_500)),
  )
  const all = [...frames, ...padded]
  const { service } = upstream(all)
  transport.add(hostUrl, service)
  const relay = await startRelay(accounts)
  await until(() => relay.accepted() >= all.length)
  const bytes = all.reduce((sum, { length }) => sum + length + 4, 0)
  const listening = await listen(relay.service, {
    port: 0,
    log: silentLog,
    metrics: createMetrics(),
  })
  for (const count of [1, 20, 100]) {
    let result: ReadersReport | undefined
    const { cpu } = await timed(async () => {
      result = await readers(listening.port, `${repos}?cursor=0`, count, bytes * 0.99)
    })
    const sent = all.length * count
    const size = `${(bytes / all.length / 1000).toFixed(1)} kB`
    report(
      `replay of ${size} frames to ${count} sockets`,
      `${perSecond(sent, result!.seconds)}, ${(result!.bytes / result!.seconds / 1e6).toFixed(0)} MB/s`,
      count === 100 ? '≥ 1,000,000 /s' : '',
    )
    report(`  CPU of a frame sent to ${count}`, `${((cpu / sent) * 1e6).toFixed(2)} µs`)
    report(`  per second of CPU, to ${count}`, perSecond(sent, cpu))
  }
  await listening.close()
  await relay.stop()
}

async function latency(): Promise<void> {
  const { accounts, frames } = makeInput(6_000, 200, 1_000)
  const host = upstream([])
  transport.add(hostUrl, host.service)
  const relay = await startRelay(accounts)
  const sentAt = new Float64Array(frames.length + 1)
  for (const perTick of [1, 20]) {
    const from = perTick === 1 ? 0 : 1_000
    const to = perTick === 1 ? 1_000 : frames.length
    const waits: number[] = []
    const abort = new AbortController()
    const stream = transport.subscribe(`${relayUrl}${repos}`, { signal: abort.signal })
    const reading = (async () => {
      let at = from
      for await (const batch of stream) {
        const now = performance.now()
        for (const _ of batch) waits.push(now - sentAt[at++]!)
        if (at >= to) break
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 200))
    for (let at = from; at < to; at += perTick) {
      sentAt.fill(performance.now(), at, at + perTick)
      host.push(frames.slice(at, at + perTick))
      await new Promise((resolve) => setTimeout(resolve, perTick === 1 ? 3 : 10))
    }
    await reading
    abort.abort()
    waits.sort((a, b) => a - b)
    const at = (part: number) => waits[Math.floor(waits.length * part)]!.toFixed(1)
    const load = perTick === 1 ? 'about 300 /s' : 'about 2,000 /s, in bursts of 20'
    report(`added latency at ${load}`, `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`, 'p99 ≤ 10 ms')
  }
  await relay.stop()
}

async function jetstream(): Promise<void> {
  const { accounts, frames } = makeInput(commitCount)
  const { service } = upstream(frames)
  transport.add(hostUrl, service)
  const relay = await startRelay(accounts)
  await until(() => relay.accepted() >= frames.length)
  const archive = await startJetstream()
  const taken = await timed(() => until(() => archive.accepted() >= frames.length))
  report('jetstream: events taken in, per second of CPU', perSecond(frames.length, taken.cpu))
  const inProcess = await timed(async () => {
    for (let i = 0; i < 10; i++) {
      await take(archive.service, '/subscribe', 'cursor=0', frames.length)
    }
  })
  const events = frames.length * 10
  report('jetstream: replay in process, one reader', perSecond(events, inProcess.cpu))
  const query = 'cursor=0&wantedCollections=app.bsky.feed.*'
  const wanted = Math.floor(frames.length / 2)
  const filtered = await timed(async () => {
    for (let i = 0; i < 10; i++) await take(archive.service, '/subscribe', query, wanted)
  })
  report('jetstream: looked at by a filter', perSecond(wanted * 1.5 * 10, filtered.cpu))
  const listening = await listen(archive.service, {
    port: 0,
    log: silentLog,
    metrics: createMetrics(),
  })
  let bytes = 0
  const abort = new AbortController()
  const one = transport.add('https://jetstream.example', archive.service)
  for await (const batch of transport.subscribe('https://jetstream.example/subscribe?cursor=0', {
    signal: abort.signal,
  })) {
    for (const frame of batch) bytes += frame.length + 4
    if (bytes >= frames.length * 100) break
  }
  one()
  const each = (bytes / frames.length) * frames.length
  for (const count of [1, 20]) {
    let result: ReadersReport | undefined
    const { cpu } = await timed(async () => {
      result = await readers(listening.port, '/subscribe?cursor=0', count, each * 0.9)
    })
    const sent = frames.length * 0.9 * count
    report(
      `jetstream: replay to ${count} sockets`,
      `${perSecond(sent, result!.seconds)}, ${perSecond(sent, cpu)} of CPU`,
      count === 1 ? '≥ 100,000 /s' : '',
    )
  }
  await listening.close()
  await archive.stop()
  await relay.stop()
}

if (process.argv[2] === 'readers') {
  const [port, path, count, bytesEach] = process.argv.slice(3) as [string, string, string, string]
  await beReaders(Number(port), path, Number(count), Number(bytesEach))
} else {
  const figures: Record<string, () => Promise<void>> = {
    ingest,
    fanout: fanOut,
    latency,
    jetstream,
  }
  for (const [name, measure] of Object.entries(figures)) {
    if (!only || only.includes(name)) await measure()
  }
  console.table(rows)
  for (const path of folders) rmSync(path, { recursive: true, force: true })
  process.exit(0)
}
