import assert from 'node:assert/strict'
import { test } from 'node:test'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { concatBytes } from '#protocol/data'
import {
  type Curve,
  checkPointForm,
  checkScalar,
  drawScalar,
  isLowS,
  isScalar,
  lowerS,
  ORDER,
} from './curve.ts'
import { fromHex, hex } from './rfc4648.ts'

/** The orders as somebody else wrote them down. */
const N: Record<Curve, bigint> = {
  k256: secp256k1.Point.Fn.ORDER,
  p256: p256.Point.Fn.ORDER,
}
const CURVES: readonly Curve[] = ['k256', 'p256']

function toBytes(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0'))
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes)}`)
}

const r = toBytes(5n)

for (const curve of CURVES) {
  const n = N[curve]
  /** Numbers of 256 bits, many of them near zero, the half and the order. */
  const number = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    fc.bigInt({ min: n - 5n, max: n + 5n }),
    fc.bigInt({ min: n / 2n - 5n, max: n / 2n + 5n }),
    fc.bigInt({ min: 0n, max: 5n }),
  )

  test(`the order of ${curve} is the one others know`, () => {
    assert.equal(toNumber(ORDER[curve]), n)
  })

  test(`s is low on ${curve} up to half of the order`, () => {
    fc.assert(
      fc.property(number, (s) => {
        assert.equal(isLowS(curve, concatBytes([r, toBytes(s)])), s <= (n - 1n) / 2n)
      }),
    )
  })

  test(`a high s of ${curve} is changed to n-s in place, a low one stays`, () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: n - 1n }), (s) => {
        const signature = concatBytes([r, toBytes(s)])
        assert.equal(lowerS(curve, signature), signature)
        assert.equal(toNumber(signature.subarray(32)), s <= (n - 1n) / 2n ? s : n - s)
        assert.deepEqual(signature.subarray(0, 32), r)
        assert.ok(isLowS(curve, signature))
      }),
    )
  })

  test(`a private key of ${curve} is a number from 1 to n-1 in 32 bytes`, () => {
    fc.assert(
      fc.property(number, (value) => {
        const bytes = toBytes(value)
        const fits = value > 0n && value < n
        assert.equal(isScalar(curve, bytes), fits)
        if (fits) checkScalar(curve, bytes)
        else assert.throws(() => checkScalar(curve, bytes), { code: 'InvalidKey' })
        assert.equal(isScalar(curve, bytes.subarray(1)), false)
        assert.equal(isScalar(curve, concatBytes([bytes, r])), false)
      }),
    )
  })
}

test('a signature that is not 64 bytes has no low s', () => {
  for (const length of [0, 32, 63, 65, 128]) {
    assert.equal(isLowS('k256', new Uint8Array(length)), false)
  }
})

test('a compressed point is 33 bytes that begin with 2 or 3', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 30, maxLength: 66 }), fc.nat(6), (bytes, first) => {
      bytes[0] = first
      const sound = bytes.length === 33 && (first === 2 || first === 3)
      if (sound) checkPointForm(bytes)
      else assert.throws(() => checkPointForm(bytes), { code: 'InvalidKey' })
    }),
  )
})

test('the first draw in range is the key; a source of nothing but zeros is our own fault', () => {
  const draws = [new Uint8Array(32), new Uint8Array(32).fill(255), r]
  assert.equal(
    drawScalar('k256', () => draws.shift()!),
    r,
  )
  const broken = () => drawScalar('p256', () => new Uint8Array(32))
  assert.throws(broken, (error: Error) => error.name === 'Error')
})
