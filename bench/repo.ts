/**
 * What the repository room costs, beside @atproto/repo on the same machine in the same run:
 * `node bench/repo.ts [--records 100000] [--quick]`. Each figure is the best of many short
 * rounds, so that a busy machine disturbs it least.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  blocksToCarFile,
  DataDiff,
  MemoryBlockstore,
  MST,
  BlockMap as ReferenceBlockMap,
  Repo as ReferenceRepo,
  verifyProofs,
  WriteOpAction,
} from '@atproto/repo'
import { cidForCbor, generateKey, type PublicKey, sha256 } from '#protocol/crypto'
import { type CidBytes, decodeCborFirst, encodeCar, encodeCbor } from '#protocol/data'
import {
  BlockMap,
  type CommitPlan,
  commitEvent,
  parseCommitEvent,
  planCommit,
  type RepoHead,
  readRepo,
  Tree,
  verifyCommitEvent,
  verifyRepoCar,
} from '#protocol/repo'
import { formatTid } from '#protocol/syntax'

const quick = process.argv.includes('--quick')
const recordCount = Number(process.argv[process.argv.indexOf('--records') + 1]) || 100_000
const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const key = generateKey('k256')
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

interface Row {
  figure: string
  ours: string
  reference?: string
  ratio?: string
  aim?: string
}
const rows: Row[] = []

function report(figure: string, unit: string, ours: number, reference?: number, aim?: string) {
  const show = (value: number) => `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`
  const row: Row = { figure, ours: show(ours) }
  if (reference !== undefined) {
    row.reference = show(reference)
    row.ratio = `${(reference / ours).toFixed(1)}×`
  }
  if (aim !== undefined) row.aim = aim
  rows.push(row)
  console.error(`${figure}: ${row.ours}${row.reference ? ` (reference ${row.reference})` : ''}`)
}

function microsSince(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1000
}

/** Microseconds per item of the best of some rounds, each on input of its own. */
function best(rounds: number, itemCount: number, round: (number: number) => void): number {
  let result = Number.POSITIVE_INFINITY
  collect()
  for (let i = 0; i < rounds; i++) {
    const start = process.hrtime.bigint()
    round(i)
    result = Math.min(result, microsSince(start) / itemCount)
  }
  return result
}

async function bestAsync(
  rounds: number,
  itemCount: number,
  round: (number: number) => Promise<void>,
): Promise<number> {
  let result = Number.POSITIVE_INFINITY
  collect()
  for (let i = 0; i < rounds; i++) {
    const start = process.hrtime.bigint()
    await round(i)
    result = Math.min(result, microsSince(start) / itemCount)
  }
  return result
}

const COLLECTIONS = ['app.bsky.feed.like', 'app.bsky.feed.post', 'app.bsky.graph.follow']

/** Paths as a person makes them: TIDs over two years in three collections. */
function makePaths(count: number, seed: number): string[] {
  const start = 1_700_000_000_000_000 + seed * 7919
  return Array.from({ length: count }, (_, i) => {
    const micros = start + Math.floor((i * 6.3e13) / count)
    return `${COLLECTIONS[i % 3]}/${formatTid(micros, (seed * 31) % 1024)}`
  })
}

function post(number: number): Uint8Array {
  return encodeCbor({
    $type: 'app.bsky.feed.post',
    text: `A post of ordinary length, as people write them, number ${number}.`,
    createdAt: '2026-01-01T00:00:00.000Z',
    langs: ['en'],
  })
}

const cids = Array.from({ length: 1000 }, (_, i) => cidForCbor(sha256(Uint8Array.of(i, i >> 8))))
const cidOf = (i: number): CidBytes => cids[i % cids.length]!

function sortedEntries(count: number): [string, CidBytes][] {
  return makePaths(count, 0)
    .toSorted()
    .map((path, i) => [path, cidOf(i)])
}

const entries = sortedEntries(recordCount)
const rounds = quick ? 2 : 5

function benchBuild(): Tree {
  let tree = Tree.empty()
  const micros = best(rounds, 1, () => {
    tree = Tree.build(entries)
  })
  report(
    `build a tree of ${recordCount} sorted entries`,
    'ms',
    micros / 1000,
    undefined,
    '≤ 250 ms',
  )
  return tree
}

async function memoryInUse(): Promise<{ heap: number; buffers: number }> {
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers }
}

async function reportMemory(what: string, make: () => Tree): Promise<void> {
  const before = await memoryInUse()
  const tree = make()
  const after = await memoryInUse()
  const [heap, buffers] = [after.heap - before.heap, after.buffers - before.buffers]
  const parts = `${(heap / recordCount).toFixed(0)} heap + ${(buffers / recordCount).toFixed(0)} nodes`
  report(`memory per record, ${what} (${parts})`, 'B', (heap + buffers) / recordCount)
  if (tree.isEmpty) throw new Error('unreachable')
}

async function benchMemory(): Promise<void> {
  await reportMemory('built', () => Tree.build(entries))
  await reportMemory('after 20,000 single inserts', () => {
    let tree = Tree.build(entries)
    for (const path of makePaths(20_000, 99)) {
      tree = tree.put(path, cidOf(0))
      tree.root()
    }
    return tree
  })
}

/** Single inserts, each with all a commit needs of the tree, one after the other. */
function benchInserts(tree: Tree): number {
  const count = 300
  return best(rounds * 10, count, (round) => {
    let current = tree
    for (const path of makePaths(count, round + 1)) {
      const next = current.put(path, cidOf(round))
      next.changes(current, [path])
      current = next
    }
  })
}

async function benchReferenceInserts(count: number): Promise<number> {
  const storage = new MemoryBlockstore()
  let mst = await MST.create(storage)
  const value = await new ReferenceBlockMap().add({ text: 'any' })
  for (const path of makePaths(count, 0)) mst = await mst.add(path, value)
  await mst.getPointer()
  const inserts = quick ? 30 : 200
  return bestAsync(3, inserts, async (round) => {
    let current = mst
    for (const path of makePaths(inserts, round + 1)) {
      const next = await current.add(path, value)
      await DataDiff.of(next, current)
      await next.getCoveringProof(path)
      current = next
    }
  })
}

function planned(tree: Tree, head: RepoHead | undefined, path: string, n: number): CommitPlan {
  const bytes = post(n)
  const rev = formatTid(1_760_000_000_000_000 + n, 0)
  const write = { action: 'create' as const, path, cid: cidForCbor(bytes), bytes }
  return planCommit({ did, tree, head, writes: [write], rev, key })
}

/** Frames of single creates, one after the other, and what each cost. */
function benchCommits(tree: Tree): { frames: Uint8Array[]; micros: number } {
  const first = planned(tree, undefined, 'app.bsky.actor.profile/self', 0)
  const count = 300
  let frames: Uint8Array[] = []
  const micros = best(rounds * 5, count, (round) => {
    let { tree: current, head } = first
    frames = []
    makePaths(count, round + 1).forEach((path, i) => {
      const plan = planned(current, head, path, i + 1)
      frames.push(commitEvent({ plan, seq: i + 1, time: '2026-01-01T00:00:00.000Z' }))
      current = plan.tree
      head = plan.head
    })
  })
  return { frames, micros }
}

/** As people write: all at once, in one collection; and all over the tree. */
function benchBatch(tree: Tree, isSpread: boolean): void {
  const { head } = planned(tree, undefined, 'app.bsky.actor.profile/self', 0)
  const commits = 10
  const micros = best(rounds + 10, 200 * commits, (round) => {
    for (let i = 0; i < commits; i++) commitMany(round * commits + i)
  })
  const where = isSpread ? 'all over' : 'side by side'
  report(`commit of 200 writes ${where}, per write`, 'µs', micros, undefined, '≤ 25 µs (40k/s)')

  function commitMany(round: number): void {
    const paths = isSpread
      ? makePaths(200, round + 50)
      : Array.from({ length: 200 }, (_, i) => {
          const rkey = formatTid(1_770_000_000_000_000 + round * 1e6 + i, 7)
          return `app.bsky.feed.post/${rkey}`
        })
    const writes = paths.map((path, i) => {
      const bytes = post(i)
      return { action: 'create' as const, path, cid: cidForCbor(bytes), bytes }
    })
    const rev = formatTid(1_760_000_000_000_000 + round, 0)
    const plan = planCommit({ did, tree, head, writes, rev, key })
    commitEvent({ plan, seq: 1, time: '2026-01-01T00:00:00.000Z' })
  }
}

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const trusting = { verify: () => true } as unknown as PublicKey

function benchVerify(frames: readonly Uint8Array[]): number {
  // Few enough to stay in the processor's cache: a relay has just read its frames, too.
  const bodies = frames.slice(0, 100).map((frame) => decodeCborFirst(frame)[1])
  const time = (key: PublicKey, isKnown: boolean) =>
    best(rounds * 20, bodies.length, () => {
      for (const body of bodies) verifyBody(body, key, isKnown)
    })
  report('verify an event, all but the signature', 'µs', time(trusting, true))
  report('verify an event of a repository not known before', 'µs', time(key.publicKey, false))
  const message = new Uint8Array(180)
  const signature = key.sign(message)
  const alone = best(rounds * 20, 200, () => {
    for (let i = 0; i < 200; i++) key.publicKey.verify(message, signature)
  })
  report('a K-256 signature alone', 'µs', alone)
  return time(key.publicKey, true)
}

function verifyBody(bytes: Uint8Array, key: PublicKey, isKnown: boolean): void {
  const parsed = parseCommitEvent(decodeCborFirst(bytes)[0])
  if (!parsed.ok) throw new Error(parsed.detail)
  const { since, prevData } = parsed.event
  const previous = isKnown ? { rev: since!, data: prevData! } : undefined
  const verdict = verifyCommitEvent(parsed.event, { key, nowMs, previous })
  if (!verdict.ok) throw new Error(verdict.reason)
}

/** What @atproto/sync's Firehose does for an event; it verifies proofs but inverts nothing. */
async function benchReferenceVerify(frames: readonly Uint8Array[]): Promise<number> {
  const claims = frames.slice(0, quick ? 50 : 300).map((frame) => {
    const parsed = parseCommitEvent(decodeCborFirst(decodeCborFirst(frame)[1])[0])
    if (!parsed.ok) throw new Error(parsed.detail)
    const { ops, blocks, commit } = parsed.event
    const [collection, rkey] = ops[0]!.path.split('/') as [string, string]
    return { car: encodeCar([commit], blocks), claim: { collection, rkey, cid: null } }
  })
  return bestAsync(3, claims.length, async () => {
    for (const { car, claim } of claims) {
      await verifyProofs(car, [claim], did, key.publicKey.didKey)
    }
  })
}

async function benchReferenceCommit(count: number): Promise<number> {
  // Our signatures, so that the difference is the repository's own.
  const keypair = {
    jwtAlg: 'ES256K',
    did: () => key.publicKey.didKey,
    sign: async (message: Uint8Array) => key.sign(message) as Uint8Array<ArrayBuffer>,
  }
  const storage = new MemoryBlockstore()
  const initial = makePaths(count, 0).map((path, i) => referenceCreate(path, i))
  let repo = await ReferenceRepo.create(storage, did, keypair, initial)
  const commits = quick ? 20 : 100
  return bestAsync(2, commits, async (round) => {
    const paths = makePaths(commits, round + 1)
    for (const [i, path] of paths.entries()) {
      const data = await repo.formatCommit([referenceCreate(path, i)], keypair)
      const all = new ReferenceBlockMap()
      all.addMap(data.newBlocks)
      all.addMap(data.relevantBlocks)
      await blocksToCarFile(data.cid, all)
      repo = await repo.applyCommit(data)
    }
  })
}

function referenceCreate(path: string, number: number) {
  const [collection, rkey] = path.split('/') as [`${string}.${string}.${string}`, string]
  const text = `A post of ordinary length, as people write them, number ${number}.`
  const record = { $type: 'app.bsky.feed.post', text, createdAt: '2026-01-01T00:00:00.000Z' }
  return { action: WriteOpAction.Create as const, collection, rkey, record }
}

/** A CAR of a whole repository in the order of a walk. */
function wholeCar(): Uint8Array {
  const records = new BlockMap()
  const pairs = entries.map(([path], i): [string, CidBytes] => {
    const bytes = post(i)
    const cid = cidForCbor(bytes)
    records.add(cid, bytes)
    return [path, cid]
  })
  const plan = planCommit({
    did,
    tree: Tree.build(pairs),
    writes: [],
    rev: formatTid(1_760_000_000_000_000, 0),
    key,
  })
  const blocks: [CidBytes, Uint8Array][] = [[plan.head.commit, plan.commitBytes]]
  for (const { cid, bytes } of plan.tree.walk()) blocks.push([cid, bytes ?? records.get(cid)!])
  return encodeCar([plan.head.commit], blocks)
}

async function benchRead(): Promise<void> {
  const car = wholeCar()
  const whole = best(rounds, recordCount, () => {
    verifyRepoCar(car, { did, keys: [key.publicKey] })
  })
  report('verify a whole CAR in memory, per record', 'µs', whole)
  const streamed = await bestAsync(rounds, recordCount, async () => {
    const reading = await readRepo(chunksOf(car), { did, keys: [key.publicKey] })
    let count = 0
    for await (const batch of reading.records) count += batch.length
    if (count !== recordCount) throw new Error('records missing')
  })
  report('read it as a stream, per record', 'µs', streamed, undefined, '≤ 11 µs (90k/s)')
}

async function* chunksOf(car: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < car.length; at += 65536) yield car.subarray(at, at + 65536)
}

const tree = benchBuild()
await benchMemory()
const small = Tree.build(sortedEntries(10_000))
report(
  'insert + diff + proof at 10k',
  'µs',
  benchInserts(small),
  await benchReferenceInserts(10_000),
)
report(
  `insert + diff + proof at ${recordCount}`,
  'µs',
  benchInserts(tree),
  quick ? undefined : await benchReferenceInserts(recordCount),
  '≤ 60 µs',
)
const few = Tree.build(sortedEntries(2000))
const whole = 'whole commit (record, plan, signature, frame)'
report(`${whole} at 2000`, 'µs', benchCommits(few).micros, await benchReferenceCommit(2000))
const { frames, micros } = benchCommits(tree)
report(`${whole} at ${recordCount}`, 'µs', micros)
benchBatch(tree, false)
benchBatch(tree, true)
const verified = benchVerify(frames)
report(
  'verify an event: decode, hashes, signature, inversion',
  'µs',
  verified,
  await benchReferenceVerify(frames),
  '≤ 95 µs',
)
await benchRead()
console.table(rows)
