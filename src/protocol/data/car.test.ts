import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readCar as readWithAtproto } from '@atproto/repo'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import {
  bytesKey,
  type CarBlock,
  type CidBytes,
  carBlock,
  carBlockLength,
  carHeader,
  cidText,
  concatBytes,
  encodeCar,
  encodeCbor,
  makeCid,
  parseCid,
  readCar,
} from './index.ts'

const notCar = { name: 'ProtocolError', code: 'InvalidCar' }

function cidOf(n: number): CidBytes {
  return makeCid(n % 2 === 0 ? 0x71 : 0x55, new Uint8Array(32).fill(n))
}

function pairs(blocks: readonly CarBlock[]): [string, string][] {
  return blocks.map(({ cid, bytes }) => [bytesKey(cid), bytesKey(bytes)])
}

test('the CAR vectors are written byte for byte and read back', (t) => {
  const path = vectorPath('repo/car-file-fixtures.json')
  if (path === undefined) return t.skip()
  const vectors: { root: string; blocks: { cid: string; bytes: string }[]; car: string }[] =
    JSON.parse(readFileSync(path, 'utf8'))
  for (const vector of vectors) {
    const blocks = vector.blocks.map(
      ({ cid, bytes }) => [parseCid(cid), new Uint8Array(Buffer.from(bytes, 'base64'))] as const,
    )
    const car = new Uint8Array(Buffer.from(vector.car, 'base64'))
    assert.equal(bytesKey(encodeCar([parseCid(vector.root)], blocks)), bytesKey(car))
    const read = readCar(car)
    assert.deepEqual(read.roots.map(cidText), [vector.root])
    assert.deepEqual(
      read.blocks.map(({ cid, bytes }) => [cidText(cid), bytesKey(bytes)]),
      blocks.map(([cid, bytes]) => [cidText(cid), bytesKey(bytes)]),
    )
  }
})

const anyBlocks = fc.array(fc.tuple(fc.nat(255).map(cidOf), fc.uint8Array({ maxLength: 300 })), {
  maxLength: 20,
})
const anyRoots = fc.array(fc.nat(255).map(cidOf), { maxLength: 3 })

test('what is written is read back, in order, repeats included', () => {
  fc.assert(
    fc.property(anyRoots, anyBlocks, (roots, blocks) => {
      const read = readCar(encodeCar(roots, blocks))
      assert.deepEqual(read.roots.map(bytesKey), roots.map(bytesKey))
      assert.deepEqual(pairs(read.blocks), pairs(blocks.map(([cid, bytes]) => ({ cid, bytes }))))
    }),
  )
})

test('a CAR is its header and its blocks, piece by piece', () => {
  fc.assert(
    fc.property(anyRoots, anyBlocks, (roots, blocks) => {
      const pieces = blocks.map(([cid, bytes]) => carBlock(cid, bytes))
      const whole = encodeCar(roots, new Map(blocks.map((block) => [block, 0])).keys())
      assert.equal(bytesKey(whole), bytesKey(concatBytes([carHeader(roots), ...pieces])))
      pieces.forEach((piece, i) => {
        assert.equal(piece.length, carBlockLength(blocks[i]![1].length))
      })
    }),
  )
})

test('lengths that need one byte more are written and read', () => {
  for (const length of [0, 127 - 36, 128 - 36, 16_383 - 36, 16_384 - 36, 2_097_152]) {
    const bytes = new Uint8Array(length).fill(3)
    const read = readCar(encodeCar([cidOf(0)], [[cidOf(1), bytes]]))
    assert.equal(read.blocks[0]!.bytes.length, length)
  }
})

test('the reference implementation reads what is written here', async () => {
  const content = encodeCbor({ hello: 'world' })
  const cid = makeCid(0x71, createHash('sha256').update(content).digest())
  const read = await readWithAtproto(encodeCar([cid], [[cid, content]]))
  assert.equal(read.roots[0]!.toString(), cidText(cid))
  assert.deepEqual([...read.blocks.entries()].length, 1)
})

const header = carHeader([cidOf(2)])
const block = carBlock(cidOf(1), Uint8Array.of(1, 2, 3))

function headerOf(value: unknown): Uint8Array {
  const bytes = encodeCbor(value)
  return Uint8Array.of(bytes.length, ...bytes)
}

const malformed: [what: string, car: Uint8Array][] = [
  ['nothing', new Uint8Array(0)],
  ['a header of no bytes', Uint8Array.of(0)],
  ['a header that is not a map', headerOf(1)],
  ['a header that is null', headerOf(null)],
  ['a header of version 2', headerOf({ roots: [], version: 2 })],
  ['a header without roots', headerOf({ version: 1 })],
  ['a header with more than it should have', headerOf({ roots: [], version: 1, x: 1 })],
  ['a root that is not a link', headerOf({ roots: ['x'], version: 1 })],
  ['a header longer than allowed', Uint8Array.of(0x81, 0x20, ...new Uint8Array(4097))],
  ['a header that is not canonical', Uint8Array.of(2, 0x18, 0x00)],
  ['a header that ends early', header.subarray(0, header.length - 1)],
  ['a length that ends early', Uint8Array.of(...header, 0x80)],
  ['a length with a needless byte', Uint8Array.of(...header, 39 | 128, 0, ...block.subarray(1))],
  ['a length without an end', Uint8Array.of(...header, ...new Uint8Array(20).fill(0xff))],
  ['a length beyond 2^53', Uint8Array.of(...header, ...new Uint8Array(8).fill(0xff), 0x7f)],
  ['a block of no bytes', Uint8Array.of(...header, 0)],
  ['a block shorter than a CID', Uint8Array.of(...header, 35, ...block.subarray(1, 36))],
  ['a block that ends early', Uint8Array.of(...header, ...block.subarray(0, block.length - 1))],
  ['a CID of version 0', Uint8Array.of(...header, ...block.with(1, 0))],
  ['a CID of another codec', Uint8Array.of(...header, ...block.with(2, 0x70))],
  ['a CID of another hash', Uint8Array.of(...header, ...block.with(3, 0x13))],
  ['a CID of another length', Uint8Array.of(...header, ...block.with(4, 31))],
]

for (const [what, car] of malformed) {
  test(`a CAR with ${what} is refused`, () => {
    assert.throws(() => readCar(car), notCar)
  })
}

test('a CAR cut anywhere but between blocks is refused', () => {
  const car = encodeCar(
    [cidOf(2)],
    [
      [cidOf(1), Uint8Array.of(1)],
      [cidOf(3), new Uint8Array(200)],
    ],
  )
  const whole = new Set([header.length, header.length + 38, car.length])
  for (let end = 0; end <= car.length; end++) {
    if (whole.has(end)) readCar(car.subarray(0, end))
    else assert.throws(() => readCar(car.subarray(0, end)), notCar, `${end}`)
  }
})

test('arbitrary bytes, alone or behind a header, are refused by name or read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, behind) => {
      try {
        readCar(behind ? concatBytes([header, bytes]) : bytes)
      } catch (error) {
        assert.ok(error instanceof ProtocolError && error.code === 'InvalidCar')
      }
    }),
    { numRuns: 2000 },
  )
})
