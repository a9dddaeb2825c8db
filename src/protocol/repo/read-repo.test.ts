import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor } from '#protocol/crypto'
import {
  BytesWrapper,
  bytesKey,
  type CidBytes,
  cidLink,
  cidText,
  encodeCar,
  encodeCbor,
} from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { encodeCommit } from './commit.ts'
import { keyHeight, keyOf } from './keys.ts'
import { planCommit } from './plan.ts'
import { type ReadRepoOptions, readRepo, verifyRepoCar, walkRepo } from './read-repo.ts'
import {
  create,
  DID,
  KEY,
  OTHER_KEY,
  pathAt,
  recordOf,
  revOf,
  SampleRepo,
} from './samples.test-support.ts'
import { memorySpill, type RepoRecord, type Spill } from './spill.ts'
import { type Block, Tree } from './tree.ts'

interface Sample {
  root: CidBytes
  /** In the order of a walk, the commit first. */
  blocks: Block[]
  records: RepoRecord[]
}

/** A repository of so many records; `textOf` says what each holds. */
function sample(count: number, textOf = (i: number): string | number => i): Sample {
  const texts = new Map(Array.from({ length: count }, (_, i) => [pathAt(i), textOf(i)]))
  const paths = [...texts.keys()].toSorted()
  const tree = Tree.build(paths.map((path) => [path, recordOf(texts.get(path)!).cid]))
  const { head, commitBytes } = planCommit({ did: DID, tree, writes: [], rev: revOf(0), key: KEY })
  const blocks: Block[] = [[head.commit, commitBytes]]
  for (const { path, cid, bytes } of tree.walk()) {
    blocks.push([cid, path === undefined ? bytes : recordOf(texts.get(path)!).bytes])
  }
  const records = paths.map((path) => ({ path, ...recordOf(texts.get(path)!) }))
  return { root: head.commit, blocks, records }
}

function carOf({ root, blocks }: Sample, order = (list: Block[]) => list): Uint8Array {
  return encodeCar([root], order([...blocks]))
}

async function* chunked(car: Uint8Array, chunkBytes = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < car.length; at += chunkBytes) yield car.subarray(at, at + chunkBytes)
}

const KEYS = [KEY.publicKey]

async function readAll(
  car: Uint8Array,
  options: ReadRepoOptions = {},
  chunkBytes?: number,
): Promise<RepoRecord[]> {
  const reading = await readRepo(chunked(car, chunkBytes), { did: DID, keys: KEYS, ...options })
  const records: RepoRecord[] = []
  for await (const batch of reading.records) {
    assert.ok(batch.length > 0)
    records.push(...batch)
  }
  return records
}

/** Both ways of reading give this, or fail with this code. */
async function bothRefuse(code: string, car: Uint8Array, options: ReadRepoOptions = {}) {
  const isRight = (error: unknown) => error instanceof ProtocolError && error.code === code
  await assert.rejects(readAll(car, options), isRight)
  assert.throws(() => verifyRepoCar(car, { did: DID, keys: KEYS, ...options }), isRight)
}

/** A spill that counts what is asked of it, and forgets what it gave. */
class CountingSpill implements Spill {
  puts = 0
  gets = 0
  largest = 0
  readonly #blocks = new Map<string, Uint8Array>()

  async put(cid: CidBytes, bytes: Uint8Array): Promise<void> {
    this.puts++
    this.#blocks.set(bytesKey(cid), bytes)
    this.largest = Math.max(this.largest, this.#blocks.size)
  }

  async get(cid: CidBytes): Promise<Uint8Array | undefined> {
    this.gets++
    const bytes = this.#blocks.get(bytesKey(cid))
    this.#blocks.delete(bytesKey(cid))
    return bytes
  }
}

const whole = sample(300)
const car = carOf(whole)

describe('reading a repository', () => {
  it('gives its commit, then all records in order', async () => {
    const reading = await readRepo(chunked(car), { did: DID, keys: KEYS })
    assert.equal(reading.commit.did, DID)
    assert.deepEqual(reading.head.commit, whole.root)
    assert.deepEqual(reading.head.data, reading.commit.data)
    const records: RepoRecord[] = []
    for await (const batch of reading.records) records.push(...batch)
    assert.deepEqual(records, whole.records)
  })

  it('does so at once from memory', () => {
    const repo = verifyRepoCar(car, { did: DID, keys: KEYS })
    assert.deepEqual(repo.records, whole.records)
    assert.equal(repo.blocks.size, whole.blocks.length)
    const tree = Tree.open(repo.head.data, repo.blocks)
    assert.equal([...tree.entries()].length, 300)
  })

  it('needs no spill when blocks come in the order of a walk', async () => {
    const spill = new CountingSpill()
    assert.deepEqual(await readAll(car, { spill }), whole.records)
    assert.equal(spill.puts + spill.gets, 0)
  })

  it('tells of each node once, in the order of a walk, whatever the order of the file', async () => {
    const nodes = [...Tree.build(whole.records.map(({ path, cid }) => [path, cid])).blocks()]
    for (const file of [car, carOf(whole, (list) => list.toReversed())]) {
      const told: Block[] = []
      const onNode = (cid: CidBytes, bytes: Uint8Array) => void told.push([cid, bytes.slice()])
      await readAll(file, { onNode })
      assert.deepEqual(
        told.map(([cid, bytes]) => [cidText(cid), bytes.length]),
        nodes.map(([cid, bytes]) => [cidText(cid), bytes.length]),
      )
    }
  })

  it('takes chunks of any length', async () => {
    for (const chunkBytes of [1, 7, 64, 65536, car.length]) {
      assert.deepEqual(await readAll(car, {}, chunkBytes), whole.records)
    }
  })

  it('hands on large repositories in batches', async () => {
    const large = sample(5000, (i) => i % 50)
    const reading = await readRepo(chunked(carOf(large), 1_000_000), { did: DID, keys: KEYS })
    const sizes: number[] = []
    for await (const batch of reading.records) sizes.push(batch.length)
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      5000,
    )
    assert.ok(Math.max(...sizes) <= 1000, sizes.join(' '))
  })

  it('takes an empty repository', async () => {
    const empty = carOf(sample(0))
    assert.deepEqual(await readAll(empty), [])
    assert.deepEqual(verifyRepoCar(empty).records, [])
  })

  it('takes blocks in any order, and asks the spill for each at most once', async () => {
    const orders: ((list: Block[]) => Block[])[] = [
      (list) => list.toReversed(),
      (list) => list.toSorted(([left], [right]) => (cidText(left) < cidText(right) ? -1 : 1)),
      ([commit, ...rest]) => [...rest, commit!],
      ([commit, ...rest]) => [commit!, ...rest.toReversed()],
    ]
    for (const order of orders) {
      const spill = new CountingSpill()
      const mixed = carOf(whole, order)
      assert.deepEqual(await readAll(mixed, { spill }), whole.records)
      assert.ok(spill.gets <= 2 * whole.blocks.length, `${spill.gets} asked`)
      assert.deepEqual(await readAll(mixed), whole.records)
      assert.deepEqual(verifyRepoCar(mixed).records, whole.records)
    }
  })

  it('takes any order at all', async () => {
    const small = sample(40)
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(small.blocks, { minLength: small.blocks.length }),
        fc.integer({ min: 1, max: 5000 }),
        async (blocks, chunkBytes) => {
          const records = await readAll(encodeCar([small.root], blocks), {}, chunkBytes)
          assert.deepEqual(records, small.records)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('spills only what comes out of turn', async () => {
    const spill = new CountingSpill()
    const swapped = carOf(whole, (list) => {
      ;[list[50], list[51]] = [list[51]!, list[50]!]
      return list
    })
    assert.deepEqual(await readAll(swapped, { spill }), whole.records)
    assert.ok(spill.puts <= 2 && spill.gets <= 4, `${spill.puts} ${spill.gets}`)
  })

  it('gives a record at every path it stands at, though its block comes once', async () => {
    const twins = sample(60, (i) => i % 7)
    const seen = new Set<string>()
    const once = (list: Block[]) => list.filter(([cid]) => seen.size < seen.add(cidText(cid)).size)
    const short = carOf(twins, once)
    assert.deepEqual(verifyRepoCar(short).records, twins.records)
    assert.deepEqual(await readAll(short), twins.records)
    assert.deepEqual(await readAll(short, {}, 50), twins.records)
    // As its contract asks, this spill knows what was given out before.
    const kept = new Map<string, Uint8Array>()
    const memory = memorySpill()
    const spill: Spill = {
      put: (cid, bytes) => memory.put(cid, bytes),
      get: (cid) => memory.get(cid) ?? kept.get(bytesKey(cid)),
    }
    const reading = await readRepo(chunked(short), { spill })
    const records: RepoRecord[] = []
    for await (const batch of reading.records) {
      for (const { cid, bytes } of batch) kept.set(bytesKey(cid), bytes)
      records.push(...batch)
    }
    assert.deepEqual(records, twins.records)
  })

  it('keeps in memory no more than it may, the newest records for those that come again', () => {
    const spill = memorySpill(100)
    const record = (i: number): RepoRecord => {
      const bytes = new Uint8Array(30).fill(i)
      return { path: pathAt(i), cid: cidForCbor(bytes), bytes }
    }
    for (let i = 0; i < 5; i++) spill.given!(record(i))
    const kept = [0, 1, 2, 3, 4].filter((i) => spill.get(record(i).cid) !== undefined)
    assert.deepEqual(kept, [2, 3, 4])
    spill.put(record(7).cid, record(7).bytes)
    assert.equal(spill.get(record(2).cid), undefined)
    assert.deepEqual(spill.get(record(7).cid), record(7).bytes)
  })

  it('leaves blocks aside that the tree does not lead to', async () => {
    const { cid, bytes } = recordOf('nowhere')
    for (const order of [
      (list: Block[]) => [...list, [cid, bytes] as Block],
      (list: Block[]) => [[cid, bytes] as Block, ...list],
    ]) {
      assert.deepEqual(await readAll(carOf(whole, order)), whole.records)
      assert.deepEqual(verifyRepoCar(carOf(whole, order)).records, whole.records)
    }
  })

  it('ends its source when it is left early, or fails', async () => {
    let ended = 0
    async function* source(bytes: Uint8Array) {
      try {
        yield* chunked(bytes)
      } finally {
        ended++
      }
    }
    const reading = await readRepo(source(car))
    for await (const _ of reading.records) break
    assert.equal(ended, 1)
    await assert.rejects(readRepo(source(car), { did: 'did:web:example.com' }))
    assert.equal(ended, 2)
    await assert.rejects(readRepo(source(new Uint8Array(2000))))
    assert.equal(ended, 3)
  })
})

describe('a repository is refused', () => {
  const without = (index: number) => (list: Block[]) => list.toSpliced(index, 1)

  it('when it is of another account', async () => {
    await bothRefuse('WrongRepo', car, { did: 'did:web:example.com' })
  })

  it('when none of the keys signed it', async () => {
    await bothRefuse('InvalidSignature', car, { keys: [OTHER_KEY.publicKey] })
    await bothRefuse('InvalidSignature', car, { keys: [] })
    const keys = [OTHER_KEY.publicKey, KEY.publicKey]
    assert.deepEqual(await readAll(car, { keys }), whole.records)
  })

  it('when any block is missing', async () => {
    for (let i = 0; i < whole.blocks.length; i += 13) {
      await bothRefuse('MissingBlock', carOf(whole, without(i)))
    }
    await bothRefuse('MissingBlock', carOf(whole, without(whole.blocks.length - 1)))
  })

  it('when any block does not have its hash, also one out of turn', async () => {
    for (let i = 0; i < whole.blocks.length; i += 17) {
      const damaged = (list: Block[]) => {
        const [cid, bytes] = list[i]!
        const changed = bytes.slice()
        changed[changed.length - 1]! ^= 1
        return list.with(i, [cid, changed])
      }
      await bothRefuse('InvalidBlock', carOf(whole, damaged))
      await bothRefuse(
        'InvalidBlock',
        carOf(whole, (list) => damaged(list).toReversed()),
      )
    }
  })

  it('when its commit is none, or of version 2', async () => {
    const { cid, bytes } = recordOf('not a commit')
    await bothRefuse('InvalidCommit', encodeCar([cid], [[cid, bytes]]))
  })

  it('when it is no CAR, or one without a root', async () => {
    await bothRefuse('InvalidCar', new Uint8Array(0))
    await bothRefuse('InvalidCar', new Uint8Array(100))
    await bothRefuse('InvalidCar', encodeCar([], whole.blocks))
    await bothRefuse('InvalidCar', car.subarray(0, car.length - 1))
  })

  it('when its tree has a path that no record may have', async () => {
    const tree = Tree.empty().put('no-nsid/x', recordOf(1).cid)
    await bothRefuse('InvalidTree', signedCar(tree.root(), [...tree.blocks()]))
  })

  it('when its tree is out of order from one node to the next', async () => {
    const upper = pathOn(1)
    const lower = pathOn(0, (path) => path > upper)
    const entryOf = (path: string) => ({
      k: new BytesWrapper(keyOf(path)),
      p: 0,
      t: null,
      v: cidLink(recordOf(1).cid),
    })
    const child = encodeCbor({ e: [entryOf(lower)], l: null })
    const onLeft = encodeCbor({ e: [entryOf(upper)], l: cidLink(cidForCbor(child)) })
    const right = { ...entryOf(upper), t: cidLink(cidForCbor(child)) }
    const onRight = encodeCbor({ e: [right], l: null })
    for (const [root, isRight] of [
      [onLeft, false],
      [onRight, true],
    ] as const) {
      const nodes: Block[] = [
        [cidForCbor(root), root],
        [cidForCbor(child), child],
      ]
      const bytes = signedCar(cidForCbor(root), nodes)
      if (isRight) assert.equal((await readAll(bytes)).length, 2)
      else await bothRefuse('InvalidTree', bytes)
    }
  })

  it('when it or a block is larger than allowed', async () => {
    const refused = (code: string) => (error: unknown) =>
      error instanceof ProtocolError && error.code === code
    await assert.rejects(readAll(car, { maxBytes: 5000 }), refused('InvalidCar'))
    await assert.rejects(readAll(car, { maxBlockBytes: 20 }), refused('InvalidCar'))
    const spill = memorySpill(500)
    const reversed = carOf(whole, (list) => list.toReversed())
    await assert.rejects(readAll(reversed, { spill }), refused('TooLarge'))
  })

  it('without a crash or a hang, whatever byte is changed', async () => {
    const small = sample(12)
    const bytes = carOf(small)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const changed = bytes.slice()
          changed[at]! ^= change
          const outcomes = await Promise.all([outcome(changed), Promise.resolve(atOnce(changed))])
          for (const result of outcomes) {
            if (result !== 'whole') assert.ok(result instanceof ProtocolError, String(result))
          }
        },
      ),
      { numRuns: 1000 },
    )
    function isWhole(records: RepoRecord[]): string {
      assert.deepEqual(records, small.records)
      return 'whole'
    }
    async function outcome(changed: Uint8Array): Promise<unknown> {
      return readAll(changed).then(
        (records) => isWhole(records),
        (error) => error,
      )
    }
    function atOnce(changed: Uint8Array): unknown {
      try {
        return isWhole(verifyRepoCar(changed, { did: DID, keys: KEYS }).records)
      } catch (error) {
        return error
      }
    }
  })
})

/** A CAR of a tree signed as it is, with one record. */
function signedCar(data: CidBytes, nodes: Block[]): Uint8Array {
  const bytes = encodeCommit({ did: DID, rev: revOf(0), data }, KEY)
  const commit = cidForCbor(bytes)
  return encodeCar([commit], [[commit, bytes], ...nodes, [recordOf(1).cid, recordOf(1).bytes]])
}

function pathOn(layer: number, isWanted = (_path: string) => true): string {
  for (let i = 0; ; i++) {
    const path = pathAt(i)
    if (keyHeight(keyOf(path)) === layer && isWanted(path)) return path
  }
}

describe('an import after commits', () => {
  it('reads what a repository came to', async () => {
    const repo = new SampleRepo()
    for (let i = 0; i < 30; i++) repo.commit([create(pathAt(i), i)])
    const blocks: Block[] = [[repo.head!.commit, encodeCbor(null)]]
    const plan = repo.plan([])
    blocks[0] = [plan.head.commit, plan.commitBytes]
    for (const { path, cid, bytes } of plan.tree.walk()) {
      const number = Array.from({ length: 30 }, (_, i) => i).find((i) => pathAt(i) === path)
      blocks.push([cid, bytes ?? recordOf(number!).bytes])
    }
    const records = await readAll(encodeCar([plan.head.commit], blocks))
    assert.deepEqual(
      records.map(({ path }) => path),
      Array.from({ length: 30 }, (_, i) => pathAt(i)).toSorted(),
    )
  })
})

describe('a repository in a store', () => {
  const storeOf = ({ blocks }: Sample) => {
    const byCid = new Map(blocks.map(([cid, bytes]) => [cidText(cid), bytes]))
    return { byCid, get: (cid: CidBytes) => byCid.get(cidText(cid)) }
  }

  it('is walked block by block, every node once and in order', () => {
    const one = sample(2_500)
    const nodes: string[] = []
    const walk = walkRepo(one.root, storeOf(one).get, {
      did: DID,
      keys: [KEY.publicKey],
      onNode: (cid) => void nodes.push(cidText(cid)),
    })
    const batches = [...walk.records]
    assert.deepEqual(batches.flat(), one.records)
    assert.ok(batches.length > 1)
    const known = new Set(one.records.map(({ cid }) => cidText(cid)))
    const expected = one.blocks.slice(1).map(([cid]) => cidText(cid))
    assert.deepEqual(nodes, [...new Set(expected.filter((cid) => !known.has(cid)))])
  })

  it('is refused with a block missing, changed, or signed by a stranger', () => {
    const one = sample(50)
    const read = (change: (blocks: Map<string, Uint8Array>, last: string) => void) => () => {
      const { byCid, get } = storeOf(one)
      change(byCid, cidText(one.blocks.at(-1)![0]))
      return [...walkRepo(one.root, get, { keys: [KEY.publicKey] }).records]
    }
    assert.throws(
      read((blocks, last) => blocks.delete(last)),
      { code: 'MissingBlock' },
    )
    assert.throws(
      read((blocks, last) => blocks.set(last, Uint8Array.of(0xa0))),
      {
        code: 'InvalidBlock',
      },
    )
    const get = storeOf(one).get
    assert.throws(() => walkRepo(one.root, get, { keys: [OTHER_KEY.publicKey] }), {
      code: 'InvalidSignature',
    })
  })
})
