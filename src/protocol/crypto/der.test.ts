import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '#protocol/data'
import { compactToDer, derToCompact } from './der.ts'
import { fromHex, hex } from './rfc4648.ts'

/** 32 bytes with any number of zeros before them: where DER and compact form differ. */
const scalar = fc
  .tuple(fc.nat(32), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, bytes]) => bytes.map((byte, i) => (i < zeros ? 0 : byte)))

test('any r and s survive the way to DER and back', () => {
  fc.assert(
    fc.property(scalar, scalar, (r, s) => {
      const signature = concatBytes([r, s])
      assert.deepEqual(derToCompact(compactToDer(signature)), signature)
    }),
  )
})

test('DER integers are as short as they can be and never negative', () => {
  const one = '01'.padStart(64, '0')
  const high = `80${'00'.repeat(31)}`
  assert.equal(hex(compactToDer(fromHex(one + one))), '3006020101020101')
  assert.equal(hex(compactToDer(fromHex(high + one))), `3026022100${high}020101`)
  assert.equal(hex(compactToDer(fromHex(one + high))), `3026020101022100${high}`)
  assert.equal(hex(compactToDer(new Uint8Array(64))), '3006020100020100')
})
