import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cache, Changes } from './cache.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { marks, padded, paddedPairs, pairMarks, pieces } from './lists.ts'

test('what was read before a change is not kept after it', () => {
  const changes = new Changes()
  const cache = new Cache<string, number>(changes, 10)
  const { version } = changes
  changes.version++
  cache.drop('a')
  cache.fill(version, 'a', 1)
  assert.equal(cache.get('a'), undefined)
  cache.fill(changes.version, 'a', 2)
  assert.equal(cache.get('a'), 2)
})

test('a cache stays within its bound, and keeps what is used', () => {
  const changes = new Changes()
  const cache = new Cache<number, number>(changes, 100)
  for (let i = 0; i < 10_000; i++) {
    cache.fill(0, i, i)
    assert.equal(cache.get(0), 0)
    assert.ok(cache.size <= 100)
  }
  assert.equal(cache.get(9_999), 9_999)
  assert.equal(cache.get(5_000), undefined)
  cache.clear()
  assert.equal(cache.size, 0)
})

test('lists are lengthened to few sizes by repeating their last item', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 256 }), (list) => {
      const long = padded(list)
      assert.deepEqual(new Set(long), new Set(list))
      assert.equal(marks(list.length).split(',').length, long.length)
      const pairs = list.map((one) => [one, 'x'] as const)
      assert.equal(pairMarks(list.length).match(/\?/g)!.length, paddedPairs(pairs).length)
    }),
  )
  assert.deepEqual(
    pieces(Array(600).fill(0)).map((piece) => piece.length),
    [256, 256, 88],
  )
})

test('cursors come back as they were made, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 4 }), fc.string(), (numbers, text) => {
      assert.deepEqual(readCursor(cursorOf(...numbers, text), numbers.length), { numbers, text })
    }),
  )
  for (const bad of ['', 'a:b', '1', '1.5:x', '1e99:x', 'NaN:x'])
    assert.throws(() => readCursor(bad, 1), /Malformed cursor/)
})
