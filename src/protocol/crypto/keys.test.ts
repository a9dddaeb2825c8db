import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { type Curve, isLowS, lowerS, ORDER, type PublicKey, type SigningKey } from './curve.ts'
import { formatMultikey, keyParsers } from './did-key.ts'
import * as node from './index.node.ts'
import * as browser from './index.ts'
import { loadNativeKeys } from './libsecp256k1.node.ts'
import { importOpensslPoint, importOpensslScalar } from './openssl.node.ts'

const CURVES: readonly Curve[] = ['k256', 'p256']
const notKey = { name: 'ProtocolError', code: 'InvalidKey' }
const message = new TextEncoder().encode('hello')

type Keys = Pick<typeof browser, 'importKey' | 'generateKey' | 'parseMultikey' | 'parseDidKey'>

/** Node as it is on a machine for which the native library was not built. */
const openssl: Keys = {
  importKey: importOpensslScalar,
  generateKey: (curve) => importOpensslScalar(curve, node.generateKey(curve).export()),
  ...keyParsers(importOpensslPoint),
}

const backs: Record<string, Keys> = { node, openssl, browser }

/** The other signature of the same message by the same key: s from the other half. */
function twin(curve: Curve, signature: Uint8Array): Uint8Array {
  const read = (bytes: Uint8Array) => BigInt(`0x${node.hex(bytes)}`)
  const s = read(ORDER[curve]) - read(signature.subarray(32))
  return concatBytes([signature.subarray(0, 32), node.fromHex(s.toString(16).padStart(64, '0'))])
}

for (const [back, keys] of Object.entries(backs)) {
  for (const curve of CURVES) {
    const key = keys.generateKey(curve)

    test(`${back}: a ${curve} signature is 64 bytes with low s, each time, for any message`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
          const signature = key.sign(bytes)
          assert.equal(signature.length, 64)
          assert.ok(isLowS(curve, signature))
          assert.equal(key.publicKey.verify(bytes, signature), true)
          assert.equal(key.publicKey.verify(Uint8Array.of(...bytes, 0), signature), false)
        }),
        { numRuns: 30 },
      )
    })

    test(`${back}: the high-s twin of a ${curve} signature is refused`, () => {
      const signature = key.sign(message)
      const high = twin(curve, signature)
      assert.equal(key.publicKey.verify(message, high), false)
      assert.equal(key.publicKey.verify(message, lowerS(curve, high)), true)
    })

    test(`${back}: ${curve} signatures out of range or of another length are false, no error`, () => {
      const signature = key.sign(message)
      const zero = new Uint8Array(32)
      const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
      const wrong = [
        new Uint8Array(0),
        new Uint8Array(64),
        new Uint8Array(64).fill(255),
        concatBytes([zero, s]),
        concatBytes([r, zero]),
        concatBytes([ORDER[curve], s]),
        concatBytes([r, ORDER[curve]]),
        concatBytes([new Uint8Array(32).fill(255), s]),
        concatBytes([s, r]),
        signature.subarray(0, 63),
        concatBytes([signature, Uint8Array.of(0)]),
      ]
      for (const other of wrong) assert.equal(key.publicKey.verify(message, other), false)
    })

    test(`${back}: a ${curve} signature with one bit changed is false`, () => {
      const signature = key.sign(message)
      fc.assert(
        fc.property(fc.nat(63), fc.nat(7), (at, bit) => {
          const changed = signature.with(at, signature[at]! ^ (1 << bit))
          assert.equal(key.publicKey.verify(message, changed), false)
        }),
        { numRuns: 30 },
      )
    })

    test(`${back}: arbitrary bytes as a ${curve} signature are false`, () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
      )
      fc.assert(
        fc.property(bytes, (bytes) => {
          assert.equal(key.publicKey.verify(message, bytes), false)
        }),
        { numRuns: 50 },
      )
    })

    test(`${back}: a ${curve} key goes out and comes in the same`, () => {
      const again = keys.importKey(curve, key.export())
      assert.equal(again.publicKey.didKey, key.publicKey.didKey)
      assert.equal(again.publicKey.verify(message, key.sign(message)), true)
      assert.deepEqual(new Uint8Array(again.publicKey.bytes), new Uint8Array(key.publicKey.bytes))
      assert.equal(keys.parseMultikey(key.publicKey.multikey).didKey, key.publicKey.didKey)
    })

    test(`${back}: an exported or imported ${curve} secret is a copy`, () => {
      const secret = Buffer.from(key.export())
      const again = keys.importKey(curve, secret)
      secret.fill(0)
      again.export().fill(0)
      assert.deepEqual(again.export(), key.export())
      assert.equal(again.publicKey.verify(message, again.sign(message)), true)
    })

    test(`${back}: no ${curve} key is made of zero, the order, more, or another length`, () => {
      const order = ORDER[curve]
      const largest = order.with(31, order[31]! - 1)
      keys.importKey(curve, largest)
      keys.importKey(curve, new Uint8Array(32).with(31, 1))
      const wrong = [new Uint8Array(32), order, new Uint8Array(32).fill(255), largest.subarray(1)]
      wrong.push(concatBytes([Uint8Array.of(0), largest]), new Uint8Array(0))
      for (const scalar of wrong) assert.throws(() => keys.importKey(curve, scalar), notKey)
    })

    test(`${back}: points off ${curve}, beyond its field or not compressed are refused`, () => {
      const point = key.publicKey.bytes
      const offCurve = Array.from({ length: 64 }, (_, i) => point.with(32, (point[32]! + i) & 255))
      const refused = offCurve.filter((bytes) => !accepts(keys, curve, bytes))
      assert.ok(refused.length > 10 && refused.length < 54, 'about half of all x are on no point')
      const wrong = [
        new Uint8Array(33),
        new Uint8Array(33).fill(255).with(0, 2),
        point.with(0, 4),
        point.with(0, 0),
        point.with(0, 6),
        point.subarray(0, 32),
        concatBytes([Uint8Array.of(4), point.subarray(1), point.subarray(1)]),
      ]
      for (const bytes of wrong) assert.equal(accepts(keys, curve, bytes), false)
    })

    test(`${back}: a new ${curve} key is drawn from the source given, again when out of range`, () => {
      const draws = [new Uint8Array(32), ORDER[curve], new Uint8Array(32).fill(1)]
      const asked: number[] = []
      const generate = back === 'browser' ? browser.generateKey : node.generateKey
      const drawn = generate(curve, (byteCount) => {
        asked.push(byteCount)
        return draws[asked.length - 1]!
      })
      assert.deepEqual(drawn.export(), new Uint8Array(32).fill(1))
      assert.deepEqual(asked, [32, 32, 32])
      assert.throws(() => generate(curve, () => new Uint8Array(32)), /randomness/)
    })
  }

  test(`${back}: what is no did:key is refused by name`, () => {
    const { didKey, multikey } = keys.generateKey('k256').publicKey
    const ed25519 = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
    const wrong = [
      '',
      'did:key:',
      'did:key:z',
      multikey,
      `${didKey}x`,
      didKey.slice(0, -1),
      didKey.replace('did:key:z', 'did:key:u'),
      didKey.replace('did:key:z', 'did:key:z1'),
      didKey.replace('did:', 'DID:'),
      `${didKey}#${multikey}`,
      `did:key:z${'1'.repeat(60)}`,
      `did:key:z${'2'.repeat(100_000)}`,
      ed25519,
      'did:web:example.com',
    ]
    for (const text of wrong) assert.throws(() => keys.parseDidKey(text), notKey, text.slice(0, 60))
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, prefixed) => {
        assert.throws(() => keys.parseDidKey(prefixed ? `did:key:z${text}` : text), ProtocolError)
      }),
    )
  })
}

function accepts(keys: Keys, curve: Curve, point: Uint8Array): boolean {
  try {
    keys.parseMultikey(formatMultikey(curve, point))
    return true
  } catch (error) {
    assert.ok(error instanceof ProtocolError && error.code === 'InvalidKey')
    return false
  }
}

test('each back verifies what each other signs', () => {
  const secret = new Uint8Array(32).map((_, i) => i + 1)
  for (const curve of CURVES) {
    const signers = Object.values(backs).map((keys) => keys.importKey(curve, secret))
    assert.equal(new Set(signers.map((signer) => signer.publicKey.didKey)).size, 1)
    for (const signer of signers) {
      const signature = signer.sign(message)
      for (const other of signers) assert.equal(other.publicKey.verify(message, signature), true)
    }
  }
})

test('K-256 signatures are the same on Node and in browsers, so that runs can be repeated', (t) => {
  if (loadNativeKeys() === undefined) return t.skip('the native library is not here')
  const secret = new Uint8Array(32).fill(9)
  const [a, b]: SigningKey[] = [node.importKey('k256', secret), browser.importKey('k256', secret)]
  assert.deepEqual(a!.sign(message), b!.sign(message))
})

test('on a machine it was built for, the native library is used', (t) => {
  const builtFor = ['linux-x64', 'darwin-arm64', 'win32-x64']
  if (!builtFor.includes(`${process.platform}-${process.arch}`)) return t.skip('not such a machine')
  assert.notEqual(loadNativeKeys(), undefined)
})

test('a parsed key is kept, and the number kept is bounded', () => {
  const points = Array.from({ length: 12 }, (_, i) => {
    return node.importKey('k256', new Uint8Array(32).fill(i + 1)).publicKey
  })
  let imports = 0
  const importPoint = (_curve: Curve, _point: Uint8Array, multikey?: string): PublicKey => {
    imports++
    return points.find((point) => point.multikey === multikey)!
  }
  const { parseDidKey } = keyParsers(importPoint, 8)
  const [first, ...others] = points
  assert.equal(parseDidKey(first!.didKey), first)
  assert.equal(parseDidKey(first!.didKey), first)
  assert.equal(imports, 1)
  // One that is asked for again and again stays, whatever else passes.
  for (const other of others) {
    parseDidKey(other.didKey)
    parseDidKey(first!.didKey)
  }
  assert.equal(imports, points.length)
  // One that nobody asks for is forgotten.
  for (const other of others.slice(3)) parseDidKey(other.didKey)
  imports = 0
  parseDidKey(others[0]!.didKey)
  assert.equal(imports, 1)
})

test('the generated names of keys are well-formed and begin as the specification says', () => {
  assert.match(node.generateKey('k256').publicKey.didKey, /^did:key:zQ3s[1-9A-HJ-NP-Za-km-z]{45}$/)
  assert.match(node.generateKey('p256').publicKey.didKey, /^did:key:zDn[1-9A-HJ-NP-Za-km-z]{46}$/)
})
