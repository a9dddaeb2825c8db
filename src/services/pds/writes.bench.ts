/**
 * What a write costs, without HTTP: CPU milliseconds of the whole process (all threads) per call.
 * Run: node src/services/pds/writes.bench.ts [seconds]
 */
import { TestHost } from './testing/host.test-support.ts'

const seconds = Number(process.argv[2] ?? 3)
const host = await TestHost.open({ isMeasured: true })
const people = await Promise.all(Array.from({ length: 16 }, (_, i) => host.signUp(`writer${i}`)))
const record = (n: number) => ({
  $type: 'app.bsky.feed.post',
  text: `post number ${n}, of about the length that posts have, with a few words more`,
  createdAt: new Date(1_700_000_000_000 + n).toISOString(),
  langs: ['en'],
})
let made = 0

/** Runs `call` from `clients` callers at once; prints calls a second, CPU by call and the median. */
async function measure(name: string, clients: number, call: (client: number) => Promise<unknown>) {
  const before = process.cpuUsage()
  const started = performance.now()
  const end = started + seconds * 1000
  const tookMs: number[] = []
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() < end) {
        const before = performance.now()
        await call(client)
        tookMs.push(performance.now() - before)
      }
    }),
  )
  const wallMs = performance.now() - started
  const calls = tookMs.length
  tookMs.sort((one, other) => one - other)
  const { user, system } = process.cpuUsage(before)
  const figures = {
    perSecond: Math.round((calls / wallMs) * 1000),
    userUs: Math.round(user / calls),
    systemUs: Math.round(system / calls),
    p50Ms: Number(tookMs[Math.floor(calls / 2)]!.toFixed(3)),
  }
  console.log(JSON.stringify({ name, ...figures }))
}

const create = (index: number) => {
  const person = people[index]!
  const input = { repo: person.did, collection: 'app.bsky.feed.post', record: record(made++) }
  return host.post('com.atproto.repo.createRecord', input, person.accessJwt)
}
const applyWrites = (index: number) => {
  const person = people[index]!
  const writes = Array.from({ length: 200 }, () => ({
    $type: 'com.atproto.repo.applyWrites#create',
    collection: 'app.bsky.feed.post',
    value: record(made++),
  }))
  return host.post('com.atproto.repo.applyWrites', { repo: person.did, writes }, person.accessJwt)
}

await measure('warm up', 16, create)
await measure('createRecord, one after another', 1, () => create(0))
await measure('createRecord, 16 clients on 16 accounts', 16, create)
await measure('createRecord, 16 clients on one account', 16, () => create(0))
await measure('applyWrites of 200', 1, applyWrites)
await host.close()
