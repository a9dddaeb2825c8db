/**
 * What search costs: `node bench/search.ts [--posts 200000] [--accounts 5000]`. A jetstream that says
 * everything at once feeds a search service on a file; then queries are asked one after another.
 * Texts are made of a vocabulary with Zipf's law, half Arabic with marks and articles, half English.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  localTransport,
  realOutside,
  type Service,
  silentLog,
  superviseLoops,
} from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { formatTid } from '#protocol/syntax'
import { createSearch, searchConfig, searchMigrations } from '#services/search'

const option = (name: string, fallback: number) =>
  Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || fallback
const postCount = option('posts', 200_000)
const accountCount = option('accounts', 5_000)
const WORDS = 30_000
const FRAMES_A_BATCH = 400
const ROUNDS = 400

/** xorshift: the same texts in every run. */
let state = 0x2545f491
function random(): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) / 2 ** 32
}
const pick = (length: number) => Math.floor(random() * length)
/** The rank of a word by Zipf's law: few words are most of a text. */
const zipf = () => Math.min(WORDS - 1, Math.floor(WORDS ** random()) - 1)

function vocabulary(letters: string, marks: string): string[] {
  return Array.from({ length: WORDS }, (_, rank) => {
    let word = ''
    for (let left = rank + 7, i = 0; left > 0 || i < 2; i++) {
      word +=
        letters[left % letters.length]! +
        (marks !== '' && pick(3) === 0 ? marks[pick(marks.length)] : '')
      left = Math.floor(left / letters.length)
    }
    return word
  })
}
const arabic = vocabulary('ابتثجحخدذرزسشصضطظعغفقكلمنهوي', 'َُِّْ')
const english = vocabulary('etaoinshrdlucmfwypvbgkjqxz', '')

const START_MS = Date.UTC(2026, 0, 1)
/** Profiles come first: posts begin this much later. */
const PROFILES_MS = 60_000
const didOf = (account: number) =>
  `did:plc:${account
    .toString(26)
    .replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)]!)
    .padStart(24, 'a')}`

function frame(i: number): string {
  const isArabic = i % 2 === 0
  const words = Array.from({ length: 6 + pick(20) }, () => {
    const word = (isArabic ? arabic : english)[zipf()]!
    return isArabic && pick(4) === 0 ? `ال${word}` : word
  })
  const ms = START_MS + PROFILES_MS + i * 1_000
  const tid = formatTid(ms * 1_000, 1)
  const record = {
    $type: 'app.bsky.feed.post',
    text: words.join(' ').slice(0, 290),
    langs: [isArabic ? 'ar' : 'en'],
    tags: i % 10 === 0 ? [`tag${zipf()}`] : undefined,
    createdAt: new Date(ms).toISOString(),
  }
  const commit = { rev: tid, operation: 'create', collection: record.$type, rkey: tid, record }
  const did = didOf(pick(accountCount))
  return JSON.stringify({ did, time_us: ms * 1_000, kind: 'commit', commit })
}

function profile(i: number): string {
  const words = i % 2 === 0 ? arabic : english
  const record = {
    $type: 'app.bsky.actor.profile',
    displayName: `${words[zipf()]} ${words[zipf()]}`,
    description: Array.from({ length: 12 }, () => words[zipf()]).join(' '),
  }
  const rev = formatTid(START_MS * 1_000 + i, 0)
  const commit = { rev, operation: 'create', collection: record.$type, rkey: 'self', record }
  return JSON.stringify({ did: didOf(i), time_us: START_MS * 1_000 + i, kind: 'commit', commit })
}

const folder = mkdtempSync(join(tmpdir(), 'falaj-bench-search-'))
const path = join(folder, 'search.sqlite')
const frames = [
  ...Array.from({ length: accountCount }, (_, i) => profile(i)),
  ...Array.from({ length: postCount }, (_, i) => frame(i)),
]
const transport = localTransport()
transport.add('http://jetstream.test', {
  handle: () => ({ status: 404 }),
  subscribe: async function* (request: HttpRequest): AsyncGenerator<FrameBatch> {
    for (let at = 0; at < frames.length; at += FRAMES_A_BATCH)
      yield frames.slice(at, at + FRAMES_A_BATCH)
    await new Promise((done) => request.signal.addEventListener('abort', done))
  },
})
transport.add('http://plc.test', {
  handle({ path: name }) {
    const did = decodeURIComponent(name.slice(1))
    const handle = `${did.slice(-5)}.${english[did.length]}.test`
    return { status: 200, body: JSON.stringify({ id: did, alsoKnownAs: [`at://${handle}`] }) }
  },
})
const outside = realOutside({ local: transport })
const metrics = createMetrics()
const sql = await openSqlite(path, { migrations: loadMigrations(searchMigrations) })
const search: Service = await createSearch(
  { ...searchConfig.with({ jetstream: 'http://jetstream.test' }), plc: 'http://plc.test' },
  {
    sql,
    outside,
    subscribe: transport.subscribe,
    log: silentLog,
    metrics,
    version: '0',
    local: true,
  },
)

const rows: Record<string, string>[] = []
const say = (row: Record<string, string>) => rows.push(row)

const started = performance.now()
const cpu = process.cpuUsage()
const loops = superviseLoops(search.loops, { outside, log: silentLog, metrics })
const indexed = () =>
  metrics.value('search_records', 'app.bsky.feed.post', 'indexed') +
  metrics.value('search_records', 'app.bsky.actor.profile', 'indexed')
let longestMs = 0
for (let last = performance.now(); indexed() < frames.length; ) {
  await new Promise((done) => setTimeout(done, 1))
  longestMs = Math.max(longestMs, performance.now() - last)
  last = performance.now()
}
const seconds = (performance.now() - started) / 1_000
const { user, system } = process.cpuUsage(cpu)
say({
  figure: 'indexing',
  rate: `${Math.round(frames.length / seconds)} /s`,
  each: `${((user + system) / frames.length).toFixed(1)} µs CPU`,
  worst: `${longestMs.toFixed(0)} ms without the loop`,
})
await loops.stop()
say({
  figure: 'size',
  rate: `${Math.round(statSync(path).size / postCount)} bytes a post`,
  each: `${Math.round(process.memoryUsage().rss / 1e6)} MB RSS (frames included)`,
})

async function ask(method: string, params: Record<string, string>): Promise<number> {
  const response = await search.handle({
    method: 'GET',
    path: `/xrpc/app.bsky.unspecced.${method}`,
    query: new URLSearchParams(params).toString(),
    headers: {},
    body: undefined,
    ip: '::1',
    id: 'bench',
    signal: new AbortController().signal,
  })
  if (response.status !== 200) throw new Error(String(response.body))
  return JSON.parse(response.body as string).hitsTotal ?? 0
}

async function measure(figure: string, method: string, params: () => Record<string, string>) {
  const times: number[] = []
  let hits = 0
  for (let i = 0; i < ROUNDS; i++) {
    const query = params()
    const from = performance.now()
    hits += await ask(method, query)
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => `${times[Math.floor(times.length * share)]!.toFixed(2)} ms`
  say({
    figure,
    rate: `p50 ${at(0.5)}`,
    each: `p99 ${at(0.99)}`,
    worst: `${Math.round(hits / ROUNDS)} hits on average (counted to 1000)`,
  })
}

const rare = () => 2_000 + pick(WORDS - 2_000)
const word = (rank: number) => (pick(2) === 0 ? `ال${arabic[rank]}` : english[rank]!)
for (const sort of ['latest', 'top']) {
  const posts = (figure: string, q: () => string) =>
    measure(`${sort}: ${figure}`, 'searchPostsSkeleton', () => ({ q: q(), sort, limit: '25' }))
  await posts('a rare word', () => word(rare()))
  await posts('a word of any rank', () => word(zipf()))
  await posts('one of the ten commonest words', () => word(pick(10)))
  await posts('three words', () => {
    const words = pick(2) === 0 ? arabic : english
    return [zipf(), zipf(), zipf()].map((rank) => words[rank]).join(' ')
  })
  await posts('a phrase of two common words', () => `"${english[pick(10)]} ${english[pick(10)]}"`)
  await posts(
    'a common word and a filter',
    () => `${english[pick(10)]} from:${didOf(pick(accountCount))}`,
  )
}
const latest = (figure: string, q: () => string) =>
  measure(figure, 'searchPostsSkeleton', () => ({ q: q(), limit: '25' }))
await latest('all of one account', () => `from:${didOf(pick(accountCount))}`)
await latest('a language', () => 'lang:ar')
await latest('a tag', () => `#tag${zipf()}`)
for (const length of [1, 2, 3, 5])
  await measure(`accounts, ${length} letters typed`, 'searchActorsSkeleton', () => ({
    q: word(rare()).slice(0, length),
    typeahead: 'true',
    limit: '10',
  }))
await measure('accounts by a word', 'searchActorsSkeleton', () => ({ q: word(zipf()) }))

console.table(rows)
await sql.close()
rmSync(folder, { recursive: true })
