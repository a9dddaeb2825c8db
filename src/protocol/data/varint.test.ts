import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readVarint, scanVarint, varintLength, writeVarint } from './varint.ts'

test('every safe integer is written in its length and read back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(300)), fc.nat(5), (value, at) => {
      const bytes = new Uint8Array(20)
      const length = varintLength(value)
      assert.equal(writeVarint(bytes, at, value), at + length)
      assert.equal(scanVarint(bytes, at, bytes.length), length)
      assert.equal(readVarint(bytes, at, length), value)
    }),
  )
})

test('the bytes are those of unsigned LEB128', () => {
  const bytes = new Uint8Array(3)
  assert.equal(writeVarint(bytes, 0, 300), 2)
  assert.deepEqual(bytes, Uint8Array.of(0xac, 0x02, 0))
})

test('one that is not there yet is told apart from one that is wrong', () => {
  assert.equal(scanVarint(Uint8Array.of(), 0, 0), 0)
  assert.equal(scanVarint(Uint8Array.of(0x80), 0, 1), 0)
  assert.equal(scanVarint(Uint8Array.of(0x80, 0x01), 0, 1), 0)
  assert.equal(scanVarint(Uint8Array.of(0x80, 0x00), 0, 2), -1)
  assert.equal(scanVarint(new Uint8Array(9).fill(0xff), 0, 9), -1)
  assert.equal(scanVarint(Uint8Array.of(0), 0, 1), 1)
})
