/**
 * What the app view costs, with the data of the budgets (100 accounts, 5,000 posts, 20 follows and
 * 90 likes each): `node src/services/appview/appview.bench.ts [--scale N] [--path FILE]`. Requests are handed to the
 * service as the listener would; the listener's own cost is not in these figures. CPU is that of this
 * process, so that a busy machine disturbs it less than the rest.
 */
import { parseArgs } from 'node:util'
import type { HttpRequest } from '#platform/runtime'
import type { Nsid } from '#protocol/syntax'
import { type Person, type Ref, World } from './world.test-support.ts'

const { values: options } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    path: { type: 'string', default: ':memory:' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
  },
})
const USERS = 100 * Number(options.scale)
const ROOTS_EACH = 30
const REPLIES_EACH = 20
const FOLLOWS_EACH = 20
const LIKES_EACH = 90
const WRITES_MAX = 200
const FIGURES: Record<string, Record<string, number>> = {}

let seed = 42
/** The same data each time. */
function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
  return seed / 0x7fffffff
}
function pick<T>(list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!
}

const world = await new World({ path: options.path }).start()
await world.stop()
const people = Array.from({ length: USERS }, (_, i) => world.person(`user${letters(i)}`))
const roots: Ref[] = []
let records = 0

console.error('writing repositories …')
for (const person of people) {
  const follows = new Set(Array.from({ length: FOLLOWS_EACH }, () => pick(people)))
  follows.delete(person)
  write(person, [
    ['app.bsky.actor.profile', { displayName: 'User', description: 'bench user' }, 'self'],
    ...[...follows].map((other): Record_ => ['app.bsky.graph.follow', { subject: other.did }]),
  ])
}
for (const person of people)
  roots.push(
    ...write(
      person,
      Array.from({ length: ROOTS_EACH }, (_, i) => post(`post ${i}`)),
    ),
  )
for (const person of people) {
  const replies = Array.from({ length: REPLIES_EACH }, (_, i) => {
    const root = roots[Math.floor(random() ** 2 * roots.length)]!
    return post(`reply ${i}`, { reply: { root, parent: root } })
  })
  write(person, replies)
  const likes = Array.from(
    { length: LIKES_EACH },
    (): Record_ => ['app.bsky.feed.like', { subject: pick(roots) }],
  )
  write(person, likes)
}

type Record_ = [collection: Nsid, fields: object, rkey?: string]

function post(text: string, more: object = {}): Record_ {
  const createdAt = new Date(world.outside.now() - random() * 3_600_000).toISOString()
  return [
    'app.bsky.feed.post',
    { text: text.padEnd(100, ' lorem'), createdAt, langs: ['en'], ...more },
  ]
}

function write(person: Person, list: Record_[]): Ref[] {
  const refs: Ref[] = []
  records += list.length
  for (let i = 0; i < list.length; i += WRITES_MAX) {
    const writes = list.slice(i, i + WRITES_MAX).map(([collection, fields, rkey]) => {
      const path = `${collection}/${rkey ?? person.nextRkey()}`
      const value = { $type: collection, createdAt: person.now, ...fields }
      return { action: 'create' as const, path, value }
    })
    person.commit(writes)
    for (const { path } of writes) refs.push(person.ref(path))
  }
  return refs
}

function letters(i: number): string {
  return [...i.toString(26)].map((c) => String.fromCharCode(97 + Number.parseInt(c, 26))).join('')
}

// Single records, as they come from the network: one commit each.
const singles = 2_000
const before = world.relay.frames.length
await time('index: commits of 20 to 100 records', records, async () => {
  await world.start()
  await world.settle()
})
for (let i = 0; i < singles; i++) pick(people).like(pick(roots))
await time('index: commits of one like', world.relay.frames.length - before, () => world.settle())
const postsBefore = world.relay.frames.length
for (let i = 0; i < singles; i++) pick(people).post(`single ${i}`)
await time('index: commits of one post', world.relay.frames.length - postsBefore, () =>
  world.settle(),
)

async function time(name: string, count: number, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  const cpu = process.cpuUsage()
  await run()
  note(name, { count, ms: performance.now() - start, cpu: process.cpuUsage(cpu) })
}

function note(
  name: string,
  { count, ms, cpu }: { count: number; ms: number; cpu: NodeJS.CpuUsage },
  more: Record<string, number> = {},
): void {
  FIGURES[name] = {
    'per second': Math.round((count / ms) * 1000),
    'CPU µs each': Math.round((cpu.user + cpu.system) / count),
    ...more,
  }
}

const signal = new AbortController().signal
function request(nsid: Nsid, params: object, as?: Person): HttpRequest {
  const query = new URLSearchParams(params as Record<string, string>).toString()
  const headers = as ? { authorization: `Bearer ${tokenOf(as, nsid)}` } : {}
  return {
    method: 'GET',
    path: `/xrpc/${nsid}`,
    query,
    headers,
    body: undefined,
    ip: '',
    id: '',
    signal,
  }
}
const tokens = new Map<string, string>()
function tokenOf(person: Person, nsid: string): string {
  const key = `${person.did} ${nsid}`
  const token = tokens.get(key) ?? world.token(person, nsid)
  tokens.set(key, token)
  return token
}

async function measure(name: string, nsid: Nsid, params: () => object, signedIn = true) {
  if (!name.includes(options.only)) return
  const once = async () => {
    const response = await world.appview.handle(
      request(nsid, params(), signedIn ? pick(people) : undefined),
    )
    if (response.status !== 200) throw new Error(`${nsid} ${response.status} ${response.body}`)
    // As the listener does: the text becomes bytes.
    return Buffer.from(response.body as string).length
  }
  let bytes = 0
  for (let i = 0; i < 300; i++) bytes = await once()
  const start = performance.now()
  const cpu = process.cpuUsage()
  let count = 0
  for (; performance.now() - start < Number(options.seconds) * 1000; count++) {
    bytes += await once()
    // Keeps timers and other work alive, as a listener would.
    if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const figures = { count, ms: performance.now() - start, cpu: process.cpuUsage(cpu) }
  note(name, figures, { bytes: Math.round(bytes / count) })
}

await measure('getTimeline(50)', 'app.bsky.feed.getTimeline', () => ({ limit: 50 }))
const deep = (await world.get('app.bsky.feed.getTimeline', { limit: 100 }, people[0])).cursor
await measure('getTimeline(50), second page', 'app.bsky.feed.getTimeline', () => ({
  limit: 50,
  cursor: deep,
}))
await measure('getAuthorFeed(50)', 'app.bsky.feed.getAuthorFeed', () => ({
  actor: pick(people).did,
  limit: 50,
}))
await measure('getPostThread', 'app.bsky.feed.getPostThread', () => ({
  uri: roots[Math.floor(random() ** 2 * roots.length)]!.uri,
}))
await measure('getPosts(1)', 'app.bsky.feed.getPosts', () => ({ uris: pick(roots).uri }), false)
await measure('getProfile', 'app.bsky.actor.getProfile', () => ({ actor: pick(people).did }))
await measure('getFollowers(50)', 'app.bsky.graph.getFollowers', () => ({
  actor: pick(people).did,
}))
await measure('getLikes(50)', 'app.bsky.feed.getLikes', () => ({ uri: pick(roots).uri }))
await measure('listNotifications(50)', 'app.bsky.notification.listNotifications', () => ({}))
await measure('getUnreadCount', 'app.bsky.notification.getUnreadCount', () => ({}))

console.table(FIGURES)
console.log(
  `rss ${Math.round(process.memoryUsage.rss() / 1e6)} MB, ${records} records and ${2 * singles} single commits`,
)
await world.close()
