import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteMap, bytesKey, compareBytes, concatBytes, equalBytes } from './index.ts'

const bytes = fc.uint8Array({ maxLength: 40 })

test('bytes are equal exactly when no byte differs', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const same = Buffer.compare(a, b) === 0
      assert.equal(equalBytes(a, b), same)
      assert.equal(bytesKey(a) === bytesKey(b), same)
      assert.ok(equalBytes(a, a.slice()))
    }),
  )
})

test('bytes are ordered as unsigned numbers, a prefix first', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b))
    }),
  )
  assert.ok(compareBytes(Uint8Array.of(0x7f), Uint8Array.of(0x80)) < 0)
  assert.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0)
})

test('parts are joined in order', () => {
  fc.assert(
    fc.property(fc.array(bytes), (parts) => {
      assert.ok(equalBytes(concatBytes(parts), new Uint8Array(Buffer.concat(parts))))
    }),
  )
})

test('a key has one latin-1 character for each byte, however many there are', () => {
  const long = new Uint8Array(1_000_000).map((_, i) => i)
  assert.equal(bytesKey(long), Buffer.from(long).toString('latin1'))
  assert.equal(bytesKey(new Uint8Array(0)), '')
})

test('a ByteMap finds by content what was put under another array', () => {
  const map = new ByteMap<string>()
  map.set(Uint8Array.of(1, 2), 'first').set(Uint8Array.of(1), 'second')
  assert.equal(map.get(Uint8Array.of(1, 2)), 'first')
  assert.equal(map.get(Uint8Array.of(2)), undefined)
  map.set(Uint8Array.of(1, 2), 'changed')
  assert.equal(map.size, 2)
  assert.deepEqual([...map.keys()], [Uint8Array.of(1, 2), Uint8Array.of(1)])
  assert.deepEqual([...map.values()], ['changed', 'second'])
  assert.deepEqual([...map], [...map.entries()])
  assert.equal(map.delete(Uint8Array.of(1, 2)), true)
  assert.equal(map.delete(Uint8Array.of(1, 2)), false)
  assert.equal(map.has(Uint8Array.of(1, 2)), false)
  map.clear()
  assert.equal(map.size, 0)
})
