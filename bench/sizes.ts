/**
 * How large a host may grow, measured through the real process: `node bench/sizes.ts [--folder DIR]
 * [--only accounts,repo,cold] [--accounts 10000] [--active 500] [--seconds 60] [--records 1000000]
 * [--cold 100000] [--starts 5]`. What is made once stays in the folder: a run that was cut short goes on where
 * it ended. Reads /proc, so Linux only. Wall times grow with other work on the machine; CPU and memory
 * hardly do.
 */
import {
  appendFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cidForCbor, importKey } from '#protocol/crypto'
import { carBlock, carHeader, encodeCbor } from '#protocol/data'
import { type PlcOperation, plcClient, plcOperationCid, signPlcOperation } from '#protocol/identity'
import { encodeCommit, Tree } from '#protocol/repo'
import { type Did, formatTid } from '#protocol/syntax'
import { ServerProcess } from '../network/rig.ts'

const { values: flags } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'falaj-sizes') },
    only: { type: 'string', default: 'accounts,repo,cold' },
    accounts: { type: 'string', default: '10000' },
    active: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '60' },
    records: { type: 'string', default: '1000000' },
    cold: { type: 'string', default: '100000' },
    starts: { type: 'string', default: '5' },
  },
})
const folder = flags.folder
const PASSWORD = 'a good password'
const NOTE = 'com.example.note'
/** The owner's own key: it signs what is imported, and changes of the identity. */
const KEY = importKey('k256', new Uint8Array(32).fill(11))

interface Row {
  figure: string
  measured: string
  budget: string
}
const rows: Row[] = []

function report(figure: string, measured: string, budget = ''): void {
  rows.push({ figure, measured, budget })
  process.stderr.write(`${figure}: ${measured}${budget && ` (budget ${budget})`}\n`)
}

const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const many = (value: number) => Math.round(value).toLocaleString('en')

function spread(waits: readonly number[]): string {
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (part: number) => ms(sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN)
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`
}

// ── the process ──

/** One host with its directory of identities, on data that stays. */
class Host {
  static readonly all = new Set<Host>()
  readonly #plc: ServerProcess
  readonly #pds: ServerProcess
  readonly name: string
  startMs = 0

  constructor(name: string) {
    this.name = name
    this.#plc = new ServerProcess('plc', '--dev', '--data', join(folder, name, 'plc'))
    this.#pds = new ServerProcess('pds', '--dev', '--data', join(folder, name, 'pds'))
  }

  async open(): Promise<this> {
    Host.all.add(this)
    await this.#plc.start()
    this.#pds.with('--plc', this.#plc.url)
    return this.start()
  }

  async start(): Promise<this> {
    const from = performance.now()
    await this.#pds.start()
    this.startMs = performance.now() - from
    return this
  }

  get url(): string {
    return this.#pds.url
  }

  get plcUrl(): string {
    return this.#plc.url
  }

  async stop(): Promise<void> {
    await this.#pds.stop()
  }

  async kill(): Promise<void> {
    await this.#pds.kill()
  }

  async close(): Promise<void> {
    await this.#pds.stop()
    await this.#plc.stop()
  }

  /** `VmHWM` is the highest RSS since it started. */
  memoryMb(name: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
    const status = readFileSync(`/proc/${this.#pds.pid}/status`, 'utf8')
    return Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]) / 1_024)
  }

  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#pds.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  async call<T>(verb: 'GET' | 'POST', method: string, given: Given = {}): Promise<T> {
    const query = given.params ? `?${new URLSearchParams(given.params)}` : ''
    const response = await fetch(`${this.url}/xrpc/${method}${query}`, {
      method: verb,
      headers: {
        ...(given.token && { authorization: `Bearer ${given.token}` }),
        ...(given.input !== undefined && { 'content-type': 'application/json' }),
      },
      ...(given.input !== undefined && { body: JSON.stringify(given.input) }),
    })
    const body = await response.text()
    if (response.ok) return (body && JSON.parse(body)) as T
    throw new Error(`${method}: ${response.status} ${body.slice(0, 300)}`)
  }
}

interface Given {
  params?: Record<string, string>
  input?: unknown
  token?: string
}

interface Session {
  did: Did
  accessJwt: string
}

/** The highest RSS while something goes on, looked at now and then. */
async function watched<T>(host: Host, what: string, work: () => Promise<T>) {
  const isOver = new AbortController()
  const seen: number[] = [host.memoryMb()]
  const watching = (async () => {
    let told = performance.now()
    while (!isOver.signal.aborted) {
      await sleep(200, undefined, { signal: isOver.signal }).catch(() => {})
      seen.push(host.memoryMb())
      if (performance.now() - told < 15_000) continue
      told = performance.now()
      process.stderr.write(`  ${what}: ${seen.at(-1)} MB\n`)
    }
  })()
  const cpu = host.cpuMs()
  const from = performance.now()
  try {
    const result = await work()
    return { result, wallMs: performance.now() - from, cpuMs: host.cpuMs() - cpu, seen }
  } finally {
    isOver.abort()
    await watching
  }
}

async function inParallel(count: number, clients: number, one: (i: number) => Promise<void>) {
  let next = 0
  const client = async () => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: clients }, client))
}

// ── many accounts ──

async function accounts(): Promise<void> {
  const total = Number(flags.accounts)
  const active = Number(flags.active)
  const host = await new Host('accounts').open()
  const list = join(folder, 'accounts.jsonl')
  const known = () =>
    existsSync(list)
      ? readFileSync(list, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line))
      : []
  const had = known().length
  if (had < total) {
    const cpu = host.cpuMs()
    let made = 0
    let next = Date.now() % 1e9
    await inParallel(total - had, 6, async () => {
      const name = `p${process.pid.toString(36)}x${(next++).toString(36)}`
      const input = { handle: `${name}.test`, email: `${name}@mail.example`, password: PASSWORD }
      const { did } = await host.call<Session>('POST', 'com.atproto.server.createAccount', {
        input,
      })
      appendFileSync(list, `${JSON.stringify({ did, name: input.handle })}\n`)
      if (++made % 500 === 0)
        process.stderr.write(`  ${had + made} accounts, ${host.memoryMb()} MB\n`)
    })
    report('sign-up, CPU of the host', ms((host.cpuMs() - cpu) / (total - had)))
  }
  report(`RSS after ${many(total - had)} sign-ups`, `${host.memoryMb()} MB`)
  await host.stop()
  await host.start()
  report(`start with ${many(total)} accounts`, `${ms(host.startMs)}, ${host.memoryMb()} MB`)
  const people = known().slice(0, active) as { did: Did; name: string }[]
  const sessions: Session[] = []
  await inParallel(active, 4, async (i) => {
    const input = { identifier: people[i]!.name, password: PASSWORD }
    sessions.push(await host.call('POST', 'com.atproto.server.createSession', { input }))
  })
  report(`RSS with ${active} signed in`, `${host.memoryMb()} MB`)
  await activity(host, sessions)
  // Everybody else is looked at too: a crawler comes by.
  const everybody = known() as { did: Did }[]
  const crawl = await watched(host, 'a crawler', () =>
    inParallel(everybody.length, 16, async (i) => {
      const response = await fetch(
        `${host.url}/xrpc/com.atproto.sync.getRepo?did=${encodeURIComponent(everybody[i]!.did)}`,
      )
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`getRepo: ${response.status}`)
    }),
  )
  report(
    `every repository exported once, ${many(everybody.length)} of them`,
    `${many(everybody.length / (crawl.wallMs / 1_000))} /s, ${ms(crawl.cpuMs / everybody.length)} of CPU each, RSS ${Math.max(...crawl.seen)} MB`,
  )
  report('highest RSS of it all', `${host.memoryMb('VmHWM')} MB`, '≤ 500 MB')
  await host.close()
}

/** All of them at once: each writes, reads, lists, again and again. */
async function activity(host: Host, sessions: readonly Session[]): Promise<void> {
  const endMs = Date.now() + Number(flags.seconds) * 1_000
  const waits: number[] = []
  let count = 0
  const one = async ({ did, accessJwt: token }: Session) => {
    for (let round = 0; Date.now() < endMs; round++) {
      const record = { text: `${round}: ${'so it is '.repeat(10)}` }
      const from = performance.now()
      const { uri } = await host.call<{ uri: string }>('POST', 'com.atproto.repo.createRecord', {
        input: { repo: did, collection: NOTE, record },
        token,
      })
      waits.push(performance.now() - from)
      const rkey = uri.split('/').at(-1)!
      const params = { repo: did, collection: NOTE, rkey }
      await host.call('GET', 'com.atproto.repo.getRecord', { params })
      await host.call('GET', 'com.atproto.repo.listRecords', {
        params: { repo: did, collection: NOTE, limit: '50' },
      })
      await host.call('GET', 'app.bsky.actor.getPreferences', { token })
      count += 4
    }
  }
  const run = await watched(host, 'people at work', () => Promise.all(sessions.map(one)))
  const seconds = run.wallMs / 1_000
  report(
    `${sessions.length} at once for ${seconds.toFixed(0)} s`,
    `${many(count / seconds)} calls/s, ${many(waits.length)} records, ${ms(run.cpuMs / count)} of CPU a call`,
  )
  report('  createRecord meanwhile', spread(waits))
  report('  RSS meanwhile, highest', `${Math.max(...run.seen)} MB`, '≤ 500 MB')
}

// ── one large repository ──

const REV_MICROS = Date.UTC(2025, 0, 1) * 1_000

const recordOf = (i: number) =>
  encodeCbor({ $type: NOTE, text: `number ${i}`, createdAt: '2026-01-01T00:00:00.000Z' })
const rkeyOf = (i: number) => formatTid(REV_MICROS + i * 1_000_000, 7)

/** The repository as a file, its blocks in the order of a walk; made once. */
async function carOf(did: Did, count: number): Promise<string> {
  const path = join(folder, `repo-${count}-${did.slice(-24)}.car`)
  if (existsSync(path)) return path
  process.stderr.write(`  making ${path}\n`)
  const entries = function* () {
    for (let i = 0; i < count; i++) yield [`${NOTE}/${rkeyOf(i)}`, cidForCbor(recordOf(i))] as const
  }
  const tree = Tree.build(entries())
  const bytes = encodeCommit({ did, rev: rkeyOf(count), data: tree.root() }, KEY)
  const commit = cidForCbor(bytes)
  const file = await open(`${path}.new`, 'w')
  let parts = [carHeader([commit]), carBlock(commit, bytes)]
  let length = 0
  let next = 0
  for (const step of tree.walk()) {
    const block = carBlock(step.cid, step.bytes ?? recordOf(next++))
    parts.push(block)
    length += block.length
    if (length < 4e6) continue
    await file.writev(parts)
    parts = []
    length = 0
  }
  if (parts.length > 0) await file.writev(parts)
  await file.close()
  await rename(`${path}.new`, path)
  return path
}

/** An account whose identity once named our key: what it signed may be imported. */
async function ownAccount(host: Host, name: string): Promise<Session> {
  const kept = join(folder, `${host.name}-${name}.json`)
  const handle = `${name}.test`
  if (existsSync(kept)) {
    const input = { identifier: handle, password: PASSWORD }
    return host.call('POST', 'com.atproto.server.createSession', { input })
  }
  const input = {
    handle,
    email: `${name}@mail.example`,
    password: PASSWORD,
    recoveryKey: KEY.publicKey.didKey,
  }
  const session = await host.call<Session>('POST', 'com.atproto.server.createAccount', { input })
  const plc = plcClient({ plcUrl: host.plcUrl, fetch })
  const last = (await plc.last(session.did)) as PlcOperation
  const { sig: _, ...now } = last
  const ours = signPlcOperation(
    {
      ...now,
      verificationMethods: { ...now.verificationMethods, atproto: KEY.publicKey.didKey },
      prev: plcOperationCid(last),
    },
    KEY,
  )
  const back = signPlcOperation({ ...now, prev: plcOperationCid(ours) }, KEY)
  for (const operation of [ours, back]) await plc.submit(session.did, operation)
  appendFileSync(kept, JSON.stringify(session))
  return session
}

async function importInto(host: Host, { did, accessJwt: token }: Session, count: number) {
  const mark = join(folder, `imported-${did.slice(-24)}`)
  if (existsSync(mark)) return
  const path = await carOf(did, count)
  const { size } = statSync(path)
  await host.call('POST', 'com.atproto.server.deactivateAccount', { input: {}, token })
  const before = host.memoryMb()
  const run = await watched(host, 'import', async () => {
    const response = await fetch(`${host.url}/xrpc/com.atproto.repo.importRepo`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/vnd.ipld.car',
        'content-length': String(size),
      },
      body: Readable.toWeb(createReadStream(path, { highWaterMark: 1 << 20 })) as ReadableStream,
      duplex: 'half',
      signal: AbortSignal.timeout(3_600_000),
    } as RequestInit)
    if (!response.ok) throw new Error(`importRepo: ${response.status} ${await response.text()}`)
  })
  await host.call('POST', 'com.atproto.server.activateAccount', { token })
  const mb = (size / 1e6).toFixed(0)
  report(
    `import of ${many(count)} records, ${mb} MB`,
    `${(run.wallMs / 1_000).toFixed(1)} s, ${many(count / (run.cpuMs / 1_000))} records per second of CPU`,
    '≥ 90,000 /s',
  )
  report(
    '  RSS before, at a quarter, half, three quarters, the end, highest',
    quarters(before, run.seen),
  )
  appendFileSync(mark, '')
}

function quarters(before: number, seen: readonly number[]): string {
  const at = (part: number) => seen[Math.floor((seen.length - 1) * part)]
  return `${before}, ${at(0.25)}, ${at(0.5)}, ${at(0.75)}, ${at(1)}; ${Math.max(...seen)} MB`
}

let writes = 0

async function writeOne(host: Host, { did, accessJwt: token }: Session): Promise<number> {
  const input = { repo: did, collection: NOTE, record: { text: `one more, ${writes++}` } }
  const from = performance.now()
  await host.call('POST', 'com.atproto.repo.createRecord', { input, token })
  return performance.now() - from
}

async function exportOf(host: Host, { did }: Session) {
  const before = host.memoryMb()
  let firstMs = 0
  const run = await watched(host, 'export', async () => {
    const from = performance.now()
    const response = await fetch(`${host.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
    if (!response.ok) throw new Error(`getRepo: ${response.status}`)
    let bytes = 0
    for await (const chunk of response.body!) {
      firstMs ||= performance.now() - from
      bytes += chunk.length
    }
    return bytes
  })
  const mb = run.result / 1e6
  report(
    `export, ${mb.toFixed(0)} MB`,
    `${(mb / (run.wallMs / 1_000)).toFixed(0)} MB/s, ${(mb / (run.cpuMs / 1_000)).toFixed(0)} MB per second of CPU, first byte ${ms(firstMs)}`,
    '≥ 120 MB/s, ≤ 10 ms',
  )
  report(
    '  RSS before, at a quarter, half, three quarters, the end, highest',
    quarters(before, run.seen),
  )
}

async function repo(): Promise<void> {
  const count = Number(flags.records)
  const host = await new Host('repo').open()
  const session = await ownAccount(host, `large${count}`)
  await importInto(host, session, count)
  const first = await writeOne(host, session)
  report('first write after the import', ms(first))
  const cpu = host.cpuMs()
  const waits: number[] = []
  for (let i = 0; i < 300; i++) waits.push(await writeOne(host, session))
  report(
    'createRecord, one after another',
    `${spread(waits)}, ${ms((host.cpuMs() - cpu) / 300)} of CPU`,
  )
  await reads(host, session, count)
  await exportOf(host, session)
  report('highest RSS', `${host.memoryMb('VmHWM')} MB`)
  await coldWrites(host, session, count)
  await host.close()
}

async function reads(host: Host, { did }: Session, count: number): Promise<void> {
  const cpu = host.cpuMs()
  const waits: number[] = []
  for (let i = 0; i < 2_000; i++) {
    const rkey = rkeyOf((i * 7_919 * 131) % count)
    const from = performance.now()
    await host.call('GET', 'com.atproto.repo.getRecord', {
      params: { repo: did, collection: NOTE, rkey },
    })
    waits.push(performance.now() - from)
  }
  report(
    'getRecord, one after another, of 2,000 anywhere',
    `${spread(waits)}, ${ms((host.cpuMs() - cpu) / 2_000)} of CPU, RSS ${host.memoryMb()} MB`,
  )
}

/** Of somebody else, so that the program is warm. */
const WARM_WRITES = 100

/** The first write after a start: in good order, where the tree is stored, and after a kill. */
async function coldWrites(host: Host, session: Session, count: number): Promise<void> {
  const other = await ownAccount(host, 'small')
  for (const how of ['stopped', 'killed'] as const) {
    const waits: number[] = []
    const cpus: number[] = []
    const starts: number[] = []
    for (let i = 0; i < Number(flags.starts); i++) {
      if (how === 'killed') for (let n = 0; n < 20; n++) await writeOne(host, session)
      await (how === 'killed' ? host.kill() : host.stop())
      await host.start()
      starts.push(host.startMs)
      // What is cold is the repository, not the way to it.
      await host.call('GET', 'com.atproto.server.getSession', { token: session.accessJwt })
      for (let n = 0; n < WARM_WRITES; n++) await writeOne(host, other)
      const cpu = host.cpuMs()
      waits.push(await writeOne(host, session))
      cpus.push(host.cpuMs() - cpu)
    }
    const budget = how === 'stopped' && count <= 100_000 ? '≤ 20 ms' : ''
    report(`first write to a cold repository of ${many(count)}, ${how}`, spread(waits), budget)
    report('  CPU of it', `${cpus.map((one) => ms(one)).join(', ')}`)
    report('  ready after', spread(starts))
  }
}

async function cold(): Promise<void> {
  const count = Number(flags.cold)
  const host = await new Host('cold').open()
  const session = await ownAccount(host, `cold${count}`)
  await importInto(host, session, count)
  await writeOne(host, session)
  await coldWrites(host, session, count)
  await host.close()
}

mkdirSync(folder, { recursive: true })
const figures = { accounts, repo, cold }
try {
  for (const [name, measure] of Object.entries(figures)) {
    if (flags.only.split(',').includes(name)) await measure()
  }
} finally {
  for (const host of Host.all) await host.close()
}
console.table(rows)
process.exit(0)
