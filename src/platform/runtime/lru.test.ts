import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLru } from './lru.ts'

test('the least recently used entry goes first, and is told', () => {
  const gone: string[] = []
  const lru = createLru<string, number>({ maxEntries: 2, onEvict: (key) => void gone.push(key) })
  lru.set('a', 1)
  lru.set('b', 2)
  assert.equal(lru.get('a'), 1)
  lru.set('c', 3)
  assert.deepEqual(gone, ['b'])
  assert.deepEqual(
    [...lru.entries()],
    [
      ['a', 1],
      ['c', 3],
    ],
  )
  lru.delete('a')
  assert.deepEqual(gone, ['b'])
})

test('it never holds more than its bound, and always what was set last', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.nat())),
      fc.integer({ min: 1, max: 8 }),
      (sets, max) => {
        const lru = createLru<number, number>({ maxEntries: max })
        for (const [key, value] of sets) {
          lru.set(key, value)
          assert.equal(lru.get(key), value)
          assert.ok(lru.size <= max)
        }
      },
    ),
  )
})
