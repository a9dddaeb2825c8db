/**
 * What a read costs, without HTTP: CPU microseconds of the whole process (all threads) per call, of a repository that
 * does not fit the page cache. (Streams read back: bench/storage.ts.)
 * Run: node src/services/pds/reads.bench.ts [seconds] [records]
 */
import { TestHost } from './testing/host.test-support.ts'

const seconds = Number(process.argv[2] ?? 2)
const records = Number(process.argv[3] ?? 20_000)
const AT_ONCE = 32
const COLLECTION = 'app.bsky.feed.post'
const host = await TestHost.open({ isMeasured: true })
const { did, accessJwt } = await host.signUp('reader')
const rkeys = Array.from({ length: records }, (_, n) => `record-${String(n).padStart(9, '0')}`)

for (let from = 0; from < records; from += 200) {
  const writes = rkeys.slice(from, from + 200).map((rkey, n) => ({
    $type: 'com.atproto.repo.applyWrites#create',
    collection: COLLECTION,
    rkey,
    value: {
      $type: COLLECTION,
      text: `post number ${from + n}, of about the length that posts have, with a few words more`,
      createdAt: new Date(1_700_000_000_000 + from + n).toISOString(),
      langs: ['en'],
    },
  }))
  await host.post('com.atproto.repo.applyWrites', { repo: did, validate: false, writes }, accessJwt)
}
await host.checkpoint()

function report(name: string, count: number, before: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(before)
  const [userUs, systemUs] = [user, system].map((us) => Number((us / count).toFixed(2)))
  console.log(JSON.stringify({ name, count, userUs, systemUs }))
}

/** Calls are made in turns of the loop, as many at once as clients would. */
async function measure(name: string, params: () => Record<string, unknown>): Promise<void> {
  for (const forSeconds of [seconds / 4, seconds]) {
    const before = process.cpuUsage()
    const end = performance.now() + forSeconds * 1000
    let count = 0
    while (performance.now() < end) {
      const calls = Array.from({ length: AT_ONCE }, () => host.get(name, params()))
      for (const { status } of await Promise.all(calls)) if (status !== 200) throw new Error(name)
      count += AT_ONCE
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (forSeconds === seconds) report(name, count, before)
  }
}

const rkey = () => rkeys[Math.floor(Math.random() * records)]!
await measure('com.atproto.repo.getRecord', () => ({
  repo: did,
  collection: COLLECTION,
  rkey: rkey(),
}))
await measure('com.atproto.sync.getRecord', () => ({ did, collection: COLLECTION, rkey: rkey() }))
await measure('com.atproto.sync.getLatestCommit', () => ({ did }))
await measure('com.atproto.repo.listRecords', () => ({
  repo: did,
  collection: COLLECTION,
  limit: 100,
  cursor: rkey(),
}))

await host.close()
