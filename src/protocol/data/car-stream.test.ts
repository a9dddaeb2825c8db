import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bytesKey,
  type CarBlock,
  type CarLimits,
  carBlock,
  carHeader,
  concatBytes,
  encodeCar,
  makeCid,
  readCar,
  readCarStream,
} from './index.ts'

const notCar = { name: 'ProtocolError', code: 'InvalidCar' }
const cid = makeCid(0x71, new Uint8Array(32).fill(5))
const header = carHeader([cid])

interface Source extends AsyncIterable<Uint8Array> {
  taken: number
  closed: boolean
}

/** The chunks one after the other, counting what was taken and noting when it was closed. */
function source(chunks: Iterable<Uint8Array>, failure?: Error): Source {
  const result: Source = {
    taken: 0,
    closed: false,
    async *[Symbol.asyncIterator]() {
      try {
        for (const chunk of chunks) {
          result.taken += 1
          yield chunk
        }
        if (failure !== undefined) throw failure
      } finally {
        result.closed = true
      }
    },
  }
  return result
}

async function readAll(chunks: AsyncIterable<Uint8Array>, limits?: CarLimits) {
  const { roots, blocks } = await readCarStream(chunks, limits)
  const batches: CarBlock[][] = []
  for await (const batch of blocks) batches.push(batch)
  return { roots, batches, blocks: batches.flat() }
}

function cut(car: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < car.length; i++) {
    const size = sizes[i % sizes.length]!
    chunks.push(car.slice(at, at + size))
    at += size
  }
  return chunks
}

function text(blocks: readonly CarBlock[]): string[] {
  return blocks.map((block) => bytesKey(block.cid) + bytesKey(block.bytes))
}

test('however it is cut, a stream gives what the whole gives, and never an empty batch', async () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 })
  const sizes = fc.array(fc.nat(300), { minLength: 1 }).filter((list) => list.some((n) => n > 0))
  await fc.assert(
    fc.asyncProperty(contents, sizes, async (list, cuts) => {
      const car = encodeCar(
        [cid],
        list.map((bytes) => [cid, bytes] as const),
      )
      const read = await readAll(source(cut(car, cuts)))
      const whole = readCar(car)
      assert.deepEqual(read.roots.map(bytesKey), whole.roots.map(bytesKey))
      assert.deepEqual(text(read.blocks), text(whole.blocks))
      assert.ok(read.batches.every((batch) => batch.length > 0))
    }),
  )
})

test('the roots are given before any block was asked for', async () => {
  const chunks = source([header.subarray(0, 5), header.subarray(5), new Uint8Array(9)])
  const { roots } = await readCarStream(chunks)
  assert.equal(bytesKey(roots[0]!), bytesKey(cid))
  assert.equal(chunks.taken, 2)
})

test('all blocks that a chunk completes come in one batch', async () => {
  const block = carBlock(cid, new Uint8Array(10))
  const chunks = [concatBytes([header, block, block]), concatBytes([block, block.subarray(0, 4)])]
  const read = await readAll(source([...chunks, block.subarray(4)]))
  assert.deepEqual(
    read.batches.map((batch) => batch.length),
    [2, 1, 1],
  )
})

test('blocks given earlier do not change when later ones are read', async () => {
  const list = Array.from({ length: 50 }, (_, i) => new Uint8Array(100).fill(i))
  const car = encodeCar(
    [cid],
    list.map((bytes) => [cid, bytes] as const),
  )
  const read = await readAll(source(cut(car, [7])))
  read.blocks.forEach((block, i) => {
    assert.ok(block.bytes.every((byte) => byte === i))
  })
})

test('a block larger than allowed is refused at its length, before its content arrives', async () => {
  const block = carBlock(cid, new Uint8Array(1001))
  const limits = { maxBlockBytes: 1000 }
  const chunks = source([header, block.subarray(0, 2), block.subarray(2)])
  await assert.rejects(readAll(chunks, limits), notCar)
  assert.equal(chunks.taken, 2)
  assert.ok(chunks.closed)
  const smaller = carBlock(cid, new Uint8Array(1000))
  assert.equal((await readAll(source([header, smaller]), limits)).blocks.length, 1)
})

test('without a limit given, a block may have 2 MiB and not a byte more', async () => {
  const most = 2 * 1024 * 1024
  const fits = source([header, carBlock(cid, new Uint8Array(most))])
  assert.equal((await readAll(fits)).blocks[0]!.bytes.length, most)
  await assert.rejects(readAll(source([header, carBlock(cid, new Uint8Array(most + 1))])), notCar)
})

test('a header larger than allowed is refused at its length', async () => {
  const chunks = source([Uint8Array.of(0x81, 0x20), new Uint8Array(4097)])
  await assert.rejects(readCarStream(chunks), notCar)
  assert.deepEqual([chunks.taken, chunks.closed], [1, true])
  const small = source([header])
  await assert.rejects(readCarStream(small, { maxHeaderBytes: 10 }), notCar)
})

test('a file larger than allowed is refused as soon as it is', async () => {
  const block = carBlock(cid, new Uint8Array(100))
  const chunks = source([header, block, block, block])
  await assert.rejects(readAll(chunks, { maxBytes: header.length + 2 * block.length }), notCar)
  assert.deepEqual([chunks.taken, chunks.closed], [4, true])
})

test('a stream that ends early is refused', async () => {
  const car = encodeCar([cid], [[cid, new Uint8Array(50)]])
  for (const end of [0, 1, 10, header.length + 1, header.length + 40, car.length - 1]) {
    await assert.rejects(readAll(source([car.subarray(0, end)])), notCar)
  }
  assert.equal((await readAll(source([header]))).blocks.length, 0)
})

test('malformed blocks and headers are refused as in a whole file', async () => {
  await assert.rejects(readAll(source([header, Uint8Array.of(0)])), notCar)
  await assert.rejects(readAll(source([header, new Uint8Array(12).fill(0xff)])), notCar)
  await assert.rejects(readAll(source([header, carBlock(cid.with(2, 0x13), cid)])), notCar)
  await assert.rejects(readCarStream(source([Uint8Array.of(1, 0xff)])), notCar)
})

test('an error of the source passes through and nothing is lost before it', async () => {
  const failure = new Error('connection lost')
  await assert.rejects(readCarStream(source([], failure)), failure)
  const { blocks } = await readCarStream(source([header, carBlock(cid, cid)], failure))
  const iterator = blocks[Symbol.asyncIterator]()
  assert.equal((await iterator.next()).value?.length, 1)
  await assert.rejects(iterator.next(), failure)
})

test('leaving early closes the source', async () => {
  const chunks = source([header, carBlock(cid, cid), carBlock(cid, cid)])
  const { blocks } = await readCarStream(chunks)
  for await (const batch of blocks) {
    assert.equal(batch.length, 1)
    break
  }
  assert.deepEqual([chunks.taken, chunks.closed], [2, true])
})

test('a large block in tiny chunks is copied a few times, not once for each chunk', async () => {
  const bytes = new Uint8Array(1_000_000).map((_, i) => i * 31)
  const car = encodeCar([cid], [[cid, bytes]])
  // With a copy for each chunk of ten bytes this would move 50 GB and not end.
  const read = await readAll(source(cut(car, [10])))
  assert.equal(Buffer.compare(read.blocks[0]!.bytes, bytes), 0)
})
