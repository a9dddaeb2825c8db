import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeCbor, encodeCbor } from '#protocol/data'
import { findSeq, MAX_NUMBER_BYTES, writeNumber } from './renumber.ts'

const seq = fc.oneof(
  fc.nat(30),
  fc.nat(70_000),
  fc.integer({ min: 0xffff_fff0, max: 0x1_0000_0010 }),
  fc.maxSafeNat(),
)
const value: fc.Memo<unknown> = fc.memo((depth) =>
  depth <= 1 ? leaf() : fc.oneof(leaf(), fc.array(value(), { maxLength: 4 }), map(depth - 1)),
)
const leaf = fc.memo(() =>
  fc.oneof(fc.maxSafeInteger(), fc.string(), fc.boolean(), fc.constant(null)),
)
const map = fc.memo((depth) =>
  fc.dictionary(
    fc.string().filter((key) => !key.startsWith('$') && key !== '__proto__'),
    value(depth),
    { maxKeys: 5 },
  ),
)

function renumbered(body: Uint8Array, to: number): Uint8Array {
  const { start, end } = findSeq(body)!
  const number = new Uint8Array(MAX_NUMBER_BYTES)
  const written = number.subarray(0, writeNumber(number, 0, to))
  return Buffer.concat([body.subarray(0, start), written, body.subarray(end)])
}

test('putting another seq in is the same as encoding anew', () => {
  fc.assert(
    fc.property(map(4), seq, seq, (fields, from, to) => {
      const body = encodeCbor({ ...fields, seq: from })
      assert.deepEqual(
        Buffer.from(renumbered(body, to)),
        Buffer.from(encodeCbor({ ...fields, seq: to })),
      )
    }),
  )
})

test('a body without a seq that is a number has none', () => {
  for (const body of [
    {},
    { sea: 1 },
    { a: { seq: 1 } },
    { seq: -1 },
    { seq: 'seq' },
    { seq: null },
    { sequence: 1, zzz: 'seq' },
  ]) {
    assert.equal(findSeq(encodeCbor(body)), undefined, JSON.stringify(body))
  }
  assert.equal(findSeq(encodeCbor(['seq', 1])), undefined)
})

test('numbers are written as the encoder writes them', () => {
  fc.assert(
    fc.property(seq, (number) => {
      const bytes = new Uint8Array(MAX_NUMBER_BYTES)
      const end = writeNumber(bytes, 0, number)
      assert.equal(decodeCbor(bytes.subarray(0, end)), number)
    }),
  )
})
