import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SealError, sealer } from './sealer.ts'

test('what was sealed opens again, for the same purpose only', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), fc.string(), (bytes, purpose, other) => {
      const { seal, open } = sealer(randomBytes(32))
      const sealed = seal(bytes, purpose)
      assert.deepEqual(Buffer.from(open(sealed, purpose)), Buffer.from(bytes))
      if (other !== purpose) assert.throws(() => open(sealed, other), SealError)
    }),
  )
})

test('any changed bit, any other key and any cut is noticed', () => {
  const { seal, open } = sealer(randomBytes(32))
  const sealed = seal(Buffer.from('secret'), 'test')
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Uint8Array.from(sealed)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.throws(() => open(changed, 'test'), SealError)
  }
  for (let length = 0; length < sealed.length; length++)
    assert.throws(() => open(sealed.subarray(0, length), 'test'), SealError)
  assert.throws(() => sealer(randomBytes(32)).open(sealed, 'test'), SealError)
})

test('sealing twice gives two texts', () => {
  const { seal } = sealer(randomBytes(32))
  assert.notDeepEqual(seal(Buffer.from('a'), 'test'), seal(Buffer.from('a'), 'test'))
})

test('a key has 32 bytes', () => {
  assert.throws(() => sealer(randomBytes(16)), /32 bytes/)
})
