/**
 * What an app view costs, seen from outside: `node bench/appview.ts [--scale 1,10,100] [--seconds 3] [--only getTimeline]
 * [--runs 1] [--out FILE] [--cache DIR]`. For each scale a made-up network (`appview-network.ts`) is indexed
 * once by a real `falaj appview`, people by the backfill and followers of the most known by the stream; the
 * index is kept in the cache folder. Then, on a copy: pages over HTTP, single writes, how long until they are
 * seen, and pages while everybody likes one post or follows one account. CPU is that of the server's process:
 * a busy machine disturbs it less than the rest. Linux only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { cpus, homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { signServiceAuth } from '#protocol/auth'
import type { Did, Nsid } from '#protocol/syntax'
import {
  deepThread,
  didOf,
  GIANT,
  Network,
  type Person,
  type Ref,
  rootOf,
  wideThread,
} from './appview-network.ts'

const { values: options } = parseArgs({
  options: {
    scale: { type: 'string', default: '1,10,100' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '1' },
    out: { type: 'string' },
    cache: { type: 'string', default: join(homedir(), '.cache/falaj-bench/appview') },
    prof: { type: 'string' },
  },
})
const SECONDS = Number(options.seconds)
const CLIENTS = 16
/** Requests to every page, however long they take: fewer say nothing of CPU. */
const LEAST = 1_500
const TICK_MS = 10
const DATABASE = 'appview.sqlite'
const root = join(import.meta.dirname, '..')
const TOKEN_SECONDS = 3_000

type Figures = Record<string, number>
/** By name of what was measured. */
type Sheet = Record<string, Figures>

/** The server, its process, and what it has been asked to do. */
class Server {
  readonly #child: ChildProcess
  readonly pid: number
  readonly url: string
  readonly did: Did
  readonly folder: string
  readonly #db: DatabaseSync

  private constructor(
    child: ChildProcess,
    folder: string,
    { url, did }: { url: string; did: Did },
  ) {
    this.#child = child
    this.pid = child.pid!
    this.folder = folder
    this.url = url
    this.did = did
    this.#db = new DatabaseSync(join(folder, DATABASE), { readOnly: true })
  }

  static async start(folder: string, network: Network, flags: string[] = []): Promise<Server> {
    const { url } = network
    const place = ['--data', folder, '--port', '0', '--json', '--dev', '--log-level', 'error']
    const upstreams = ['--plc', url, '--relay', url, '--pds-hosts', url]
    const prof = options.prof ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${options.prof}` } : {}
    const child = spawn(join(root, 'bin/falaj'), ['appview', ...place, ...upstreams, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...prof },
    })
    for await (const line of createInterface({ input: child.stdout! })) {
      const ready = JSON.parse(line) as { services: { appview: { url: string; did: Did } } }
      const dataFolder = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) =>
        name.endsWith(DATABASE),
      )!
      const inner = join(folder, dataFolder.slice(0, -DATABASE.length))
      return new Server(child, inner, ready.services.appview)
    }
    throw new Error('the app view did not become ready')
  }

  async stop(): Promise<void> {
    this.#db.close()
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await gone
  }

  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }

  get rssMb(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1_024)
  }

  /** The first column of the first row. */
  ask(query: string, ...values: number[]): number {
    const row = this.#db.prepare(query).get(...values)
    return row === undefined ? 0 : Number(Object.values(row)[0] ?? 0)
  }

  get seq(): number {
    return this.ask('select seq from cursor')
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(20)
  }

  /** Nothing waits: no event, no repository, no handle. */
  isSettled(seq: number): boolean {
    return (
      this.seq >= seq &&
      this.ask(`select count(*) from jobs where state = 'waiting'`) === 0 &&
      this.ask('select exists (select 1 from actor where handle_due_ms <= ?)', Date.now()) === 0
    )
  }
}

/** Wall and CPU time of the server while something is done `count` times. */
async function timed(server: Server, count: number, run: () => Promise<unknown>): Promise<Figures> {
  const start = performance.now()
  const cpu = server.cpuMs
  await run()
  const ms = performance.now() - start
  return { rate: (count / ms) * 1_000, cpu_us: ((server.cpuMs - cpu) / count) * 1_000 }
}

const rounded = (value: number) => Number(value.toPrecision(3))
const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0

/** The indexed network: from the cache, or made and put there. Returns a copy of it, and what making it cost. */
async function indexed(network: Network, scale: number): Promise<{ folder: string; made: Sheet }> {
  const name = `${scale}-${fingerprint()}`
  const kept = join(options.cache, name)
  if (!existsSync(kept)) {
    const half = `${kept}.half`
    rmSync(half, { recursive: true, force: true })
    mkdirSync(half, { recursive: true })
    const made = await make(network, half)
    writeFileSync(join(half, 'made.json'), JSON.stringify(made))
    renameSync(half, kept)
  }
  const folder = mkdtempSync(join(tmpdir(), 'falaj-bench-appview-'))
  for (const file of readdirSync(kept, { recursive: true, withFileTypes: true })) {
    const from = join(file.parentPath, file.name)
    const to = join(folder, from.slice(kept.length))
    if (file.isDirectory()) mkdirSync(to, { recursive: true })
    else {
      mkdirSync(join(to, '..'), { recursive: true })
      copyFileSync(from, to)
    }
  }
  return { folder, made: JSON.parse(readFileSync(join(kept, 'made.json'), 'utf8')) as Sheet }
}

/** Data sets of other migrations or another network are others. */
function fingerprint(): string {
  const hash = createHash('sha256')
  const migrations = join(root, 'src/services/appview/migrations')
  for (const name of readdirSync(migrations).sort())
    hash.update(readFileSync(join(migrations, name)))
  hash.update(readFileSync(join(import.meta.dirname, 'appview-network.ts')))
  return hash.digest('hex').slice(0, 12)
}

async function make(network: Network, folder: string): Promise<Sheet> {
  const made: Sheet = {}
  const server = await Server.start(folder, network, ['--backfill'])
  console.error(`indexing ${network.records} records of ${network.people} repositories …`)
  const done = `select count(*) from jobs where kind = 'repair' and state = 'waiting'`
  const posts = () => server.ask('select count(*) from (select 1 from actor where rev is not null)')
  made['index: whole repositories, handles and all'] = await timed(server, network.records, () =>
    server.until(() => posts() >= network.people && server.ask(done) === 0),
  )
  console.error(made)
  if (network.fans > 0) {
    console.error(`then ${network.fans} followers of one, by the stream …`)
    made['index: first commit of an account'] = await timed(server, network.fans, async () => {
      for (let i = 0; i < network.fans; i++) {
        network.emit(network.first(network.people + i))
        if (i % 200 === 0) await server.until(() => network.seq - server.seq < 4_000)
      }
      await server.until(() => server.seq >= network.seq)
    })
  }
  await server.until(() => server.isSettled(network.seq))
  const rows = network.records + network.fans
  await server.stop()
  const bytes = readdirSync(server.folder)
    .filter((name) => name.startsWith(DATABASE))
    .reduce((sum, name) => sum + statSync(join(server.folder, name)).size, 0)
  made.disk = { records: rows, bytes_a_record: bytes / rows, mb: bytes / 1e6 }
  console.error(made)
  return made
}

/** Clients of one server: everybody asks in turn, with a token of their own. */
class Clients {
  readonly #server: Server
  readonly #network: Network
  readonly #pool: Pool
  readonly #tokens = new Map<string, string>()

  constructor(server: Server, network: Network) {
    this.#server = server
    this.#network = network
    this.#pool = new Pool(server.url, { connections: CLIENTS, headersTimeout: 120_000 })
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  async get(nsid: Nsid, query: string, as?: Person): Promise<string> {
    const headers = as ? { authorization: `Bearer ${this.#token(as, nsid)}` } : {}
    const path = `/xrpc/${nsid}?${query}`
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${path} ${statusCode} ${text.slice(0, 300)}`)
    return text
  }

  #token(as: Person, lxm: string): string {
    const key = `${as.did} ${lxm}`
    const known = this.#tokens.get(key)
    if (known !== undefined) return known
    const nowMs = Date.now()
    const expSeconds = Math.floor(nowMs / 1_000) + TOKEN_SECONDS
    const made = signServiceAuth({
      ...{ iss: as.did, aud: this.#server.did, lxm, nowMs, expSeconds, key: as.key },
      jti: key,
    })
    this.#tokens.set(key, made)
    return made
  }

  /** Asks for pages with all clients until the time is over; viewers are the first `viewers` people. */
  async load(
    nsid: Nsid,
    page: Page,
    { clients = CLIENTS, seconds = SECONDS } = {},
  ): Promise<Figures> {
    const latencies: number[] = []
    let bytes = 0
    let end = 0
    let least = 0
    const viewers = Math.min(this.#network.people, page.viewers ?? 200)
    let turn = 0
    const client = async () => {
      while (performance.now() < end || latencies.length < least) {
        const as = page.isOpen ? undefined : this.#network.person(turn++ % viewers)
        const start = performance.now()
        const text = await this.get(nsid, page.query(turn), as)
        bytes += text.length
        latencies.push(performance.now() - start)
      }
    }
    const run = async (share: number) => {
      end = performance.now() + seconds * 1_000 * share
      least = LEAST * share
      latencies.length = 0
      bytes = 0
      await Promise.all(Array.from({ length: clients }, client))
    }
    await run(0.5)
    const cpu = this.#server.cpuMs
    const start = performance.now()
    await run(1)
    const ms = performance.now() - start
    latencies.sort((a, b) => a - b)
    const count = latencies.length
    return {
      rate: (count / ms) * 1_000,
      p50_ms: quantile(latencies, 0.5),
      p99_ms: quantile(latencies, 0.99),
      cpu_us: ((this.#server.cpuMs - cpu) / count) * 1_000,
      bytes: bytes / count,
    }
  }
}

/** A page that is asked for again and again. */
interface Page {
  nsid: Nsid
  query(turn: number): string
  /** Nobody is signed in. */
  isOpen?: boolean
  viewers?: number
}

/** The pages measured, by name. What the turns choose is the same at every scale. */
function pagesOf(network: Network): Record<string, Page> {
  // A walk through everybody that repeats only after everybody.
  const somebody = (turn: number) => (turn * 7_919) % network.people
  const known = (turn: number) => (turn * 31) % 100
  const uris = (turn: number) =>
    Array.from({ length: 25 }, (_, i) => rootOf(somebody(turn * 25 + i), i).uri)
  const deep = encodeURIComponent(deepThread.root().uri)
  const wide = encodeURIComponent(wideThread.root().uri)
  const thread = 'app.bsky.feed.getPostThread'
  return {
    'getTimeline(50)': { nsid: 'app.bsky.feed.getTimeline', query: () => 'limit=50' },
    'getAuthorFeed(50)': {
      nsid: 'app.bsky.feed.getAuthorFeed',
      query: (turn) => `actor=${didOf(known(turn))}&limit=50`,
    },
    'getAuthorFeed(50), of anybody': {
      nsid: 'app.bsky.feed.getAuthorFeed',
      query: (turn) => `actor=${didOf(somebody(turn))}&limit=50`,
    },
    getPostThread: {
      nsid: thread,
      query: (turn) => `uri=${encodeURIComponent(rootOf(known(turn), turn % 30).uri)}`,
    },
    'getPostThread, deep': { nsid: thread, query: () => `uri=${deep}&depth=100` },
    'getPostThread, wide': { nsid: thread, query: () => `uri=${wide}` },
    'listNotifications(50)': {
      nsid: 'app.bsky.notification.listNotifications',
      query: () => 'limit=50',
    },
    getUnreadCount: { nsid: 'app.bsky.notification.getUnreadCount', query: () => '' },
    'getPosts(25)': {
      nsid: 'app.bsky.feed.getPosts',
      query: (turn) =>
        uris(turn)
          .map((uri) => `uris=${encodeURIComponent(uri)}`)
          .join('&'),
    },
    getProfile: {
      nsid: 'app.bsky.actor.getProfile',
      query: (turn) => `actor=${didOf(somebody(turn))}`,
    },
    'getFollowers(50), of the most followed': {
      nsid: 'app.bsky.graph.getFollowers',
      query: () => `actor=${didOf(GIANT)}&limit=50`,
    },
    'getLikes(50)': {
      nsid: 'app.bsky.feed.getLikes',
      query: (turn) => `uri=${encodeURIComponent(rootOf(known(turn), turn % 30).uri)}&limit=50`,
    },
  }
}

/** How long after the relay had it a post is shown, asked for every millisecond. */
async function lag(
  clients: Clients,
  network: Network,
  { count, gapMs }: Record<'count' | 'gapMs', number>,
) {
  const lags: number[] = []
  for (let i = 0; i < count; i++) {
    await sleep(gapMs)
    const { uri } = network.person(i % 100).post(`lag ${i}`)
    const start = performance.now()
    const query = `uris=${encodeURIComponent(uri)}`
    while (!(await clients.get('app.bsky.feed.getPosts', query)).includes(uri)) await sleep(1)
    lags.push(performance.now() - start)
  }
  lags.sort((a, b) => a - b)
  return { p50_ms: quantile(lags, 0.5), p99_ms: quantile(lags, 0.99) }
}

/** Events of many accounts, made beforehand, sent while readers read. */
async function whileReading(
  { server, clients, network }: { server: Server; clients: Clients; network: Network },
  page: Page,
  write: (writer: Person) => unknown,
): Promise<Figures> {
  let isOver = false
  let sent = 0
  const first = network.seq
  const storm = (async () => {
    while (!isOver) {
      write(network.person(sent++ % Math.min(network.people, 1_000)))
      if (network.seq - server.seq > 2_000) await sleep(5)
      else if (sent % 20 === 0) await sleep(0)
    }
  })()
  const figures = await clients.load(page.nsid, page, { clients: 4 })
  isOver = true
  await storm
  await server.until(() => server.seq >= network.seq)
  return { ...figures, events: network.seq - first }
}

async function measure(scale: number): Promise<Sheet> {
  const network = new Network(scale)
  await network.listen()
  const { folder, made } = await indexed(network, scale)
  const sheet: Sheet = { ...made }
  const server = await Server.start(folder, network)
  const clients = new Clients(server, network)
  try {
    network.resumeAt(server.seq)
    sheet['RSS at rest'] = { mb: server.rssMb }
    const pages = pagesOf(network)
    for (const [name, page] of Object.entries(pages)) {
      if (!name.includes(options.only)) continue
      sheet[name] = await clients.load(page.nsid, page)
      console.error(scale, name, shown(sheet[name]))
    }
    sheet['RSS after pages'] = { mb: server.rssMb }
    if (options.only === '' || 'live'.includes(options.only)) {
      await measureLive(sheet, { server, clients, network, page: pages['getTimeline(50)']! })
      sheet['RSS after writes'] = { mb: server.rssMb }
    }
    return sheet
  } finally {
    await clients.close()
    await server.stop()
    await network.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureLive(
  sheet: Sheet,
  parts: { server: Server; clients: Clients; network: Network; page: Page },
): Promise<void> {
  const { server, clients, network } = parts
  const liked: Ref = rootOf(3, 0)
  const note = (name: string, figures: Figures) => {
    sheet[name] = figures
    console.error(network.people / 100, name, shown(figures))
  }
  const writers = Math.min(network.people, 1_000)
  for (let i = 0; i < writers; i++) network.person(i).post('makes the tree')
  await server.until(() => server.seq >= network.seq)
  const singles = 3_000
  const one = async (write: (i: number) => unknown) => {
    const frames = Array.from({ length: singles }, (_, i) => () => write(i))
    return timed(server, singles, async () => {
      for (const frame of frames) frame()
      await server.until(() => server.seq >= network.seq)
    })
  }
  note(
    'index: commits of one post',
    await one((i) => network.person(i % writers).post(`single ${i}`)),
  )
  note(
    'index: commits of one like',
    await one((i) => network.person(i % writers).like(rootOf((i * 31) % 100, i % 30))),
  )
  note('write → seen, idle', await lag(clients, network, { count: 15, gapMs: 300 }))
  let isOver = false
  const busy = (async () => {
    for (let i = 0; !isOver; i++) {
      network.person(i % writers).like(rootOf((i * 17) % 100, i % 30))
      if (i % 5 === 0) await sleep(10)
    }
  })()
  note('write → seen, 500 events/s', await lag(clients, network, { count: 60, gapMs: 10 }))
  isOver = true
  await busy
  await server.until(() => server.seq >= network.seq)
  note('4 readers of getTimeline(50), at rest', {
    ...(await clients.load(parts.page.nsid, parts.page, { clients: 4 })),
  })
  note(
    '… while everybody likes one post',
    await whileReading(parts, parts.page, (writer) => writer.like(liked)),
  )
  note(
    '… while everybody follows one account',
    await whileReading(parts, parts.page, (writer) => writer.follow(didOf(4))),
  )
}

function shown(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${rounded(value)}`)
    .join(', ')
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!

/** Of several runs, the median of each figure. */
function medians(sheets: readonly Sheet[]): Sheet {
  const names = Object.entries(sheets[0]!)
  return Object.fromEntries(
    names.map(([name, figures]) => [
      name,
      Object.fromEntries(
        Object.keys(figures).map((figure) => [
          figure,
          rounded(median(sheets.map((sheet) => sheet[name]![figure]!))),
        ]),
      ),
    ]),
  )
}

const scales = options.scale.split(',').map(Number)
const results: Record<string, Sheet> = {}
for (const scale of scales) {
  const sheets: Sheet[] = []
  for (let i = 0; i < Number(options.runs); i++) sheets.push(await measure(scale))
  results[scale] = medians(sheets)
}
const names = new Set(Object.values(results).flatMap((sheet) => Object.keys(sheet)))
const columns = ['rate', 'cpu_us', 'p50_ms', 'p99_ms', 'mb', 'bytes_a_record', 'events'] as const
console.log(`| figure | ${scales.map((scale) => `${scale}×`).join(' | ')} |`)
console.log(`|---|${scales.map(() => '---|').join('')}`)
for (const name of names) {
  const cells = scales.map((scale) =>
    columns
      .filter((column) => results[scale]?.[name]?.[column] !== undefined)
      .map((column) => `${column} ${results[scale]![name]![column]}`)
      .join(', '),
  )
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
const cores = cpus().length
const told = JSON.stringify({ bench: 'appview', seconds: SECONDS, cores, scales: results })
if (options.out) writeFileSync(options.out, `${told}\n`)
else console.log(told)
