import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor } from '#protocol/crypto'
import type { CidBytes } from '#protocol/data'
import { BlockMap } from './block-map.ts'

function block(number: number): [CidBytes, Uint8Array] {
  const bytes = Uint8Array.of(number, number >> 8)
  return [cidForCbor(bytes), bytes]
}

describe('a map of blocks', () => {
  it('keeps each block once, in the order they came, be they few or many', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 150 }), (numbers) => {
        const map = new BlockMap()
        for (const number of numbers) map.add(...block(number))
        const expected = [...new Set(numbers)].map(block)
        assert.deepEqual([...map.entries()], expected)
        assert.deepEqual([...map], expected)
        assert.equal(map.size, expected.length)
        assert.equal(map.byteCount, expected.length * 2)
        for (let number = 0; number <= 60; number++) {
          const [cid, bytes] = block(number)
          assert.equal(map.has(cid), numbers.includes(number))
          assert.deepEqual(map.get(cid), numbers.includes(number) ? bytes : undefined)
        }
      }),
    )
  })

  it('keeps the content that came first', () => {
    const map = new BlockMap()
    const [cid, bytes] = block(1)
    map.add(cid, bytes)
    map.add(cid, Uint8Array.of(9, 9, 9))
    assert.deepEqual(map.get(cid), bytes)
    assert.equal(map.byteCount, 2)
  })

  it('tells CIDs apart that differ in any one byte', () => {
    const map = new BlockMap()
    const [cid, bytes] = block(1)
    map.add(cid, bytes)
    for (let at = 0; at < cid.length; at++) {
      const other = cid.slice()
      other[at]! ^= 1
      assert.equal(map.get(other), undefined)
    }
    assert.equal(map.get(cid.subarray(0, 35)), undefined)
    assert.equal(map.get(new Uint8Array(0)), undefined)
  })
})
