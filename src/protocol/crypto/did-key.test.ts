import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base58btc } from './base58.ts'
import type { Curve, PublicKey } from './curve.ts'
import { didKeyMultikey, formatMultikey, keyParsers, PointKey, splitMultikey } from './did-key.ts'

const notKey = { name: 'ProtocolError', code: 'InvalidKey' }
const curves = fc.constantFrom<Curve[]>('k256', 'p256')
const points = fc.uint8Array({ minLength: 33, maxLength: 33 })

class NamedPoint extends PointKey {
  verify(): boolean {
    return false
  }
}

test('curve and bytes come back from the multikey that was made of them', () => {
  fc.assert(
    fc.property(curves, points, (curve, point) => {
      const multikey = formatMultikey(curve, point)
      assert.deepEqual(splitMultikey(multikey), { curve, point })
    }),
  )
})

test('a key names itself, or takes the name it was found under', () => {
  const point = new Uint8Array(33).fill(2)
  const key = new NamedPoint('p256', point)
  assert.equal(key.multikey, formatMultikey('p256', point))
  assert.equal(key.didKey, `did:key:${key.multikey}`)
  assert.equal(new NamedPoint('p256', point, 'zKnown').didKey, 'did:key:zKnown')
})

test('another kind of key, length or base is refused', () => {
  const point = new Uint8Array(33).fill(2)
  const encoded = (...bytes: number[]) => `z${base58btc(Uint8Array.from(bytes))}`
  const wrong = [
    encoded(0xed, 0x01, ...point),
    encoded(0xe7, 0x02, ...point),
    encoded(0xe7, 0x01, ...point, 0),
    encoded(0xe7, 0x01, ...point.subarray(1)),
    encoded(0xe7, 0x01),
    encoded(...point),
    formatMultikey('k256', point).slice(1),
    formatMultikey('k256', point).replace('z', 'm'),
    'z',
    '',
  ]
  for (const text of wrong) assert.throws(() => splitMultikey(text), notKey, text)
})

test('the multikey of a did:key stands behind its prefix', () => {
  assert.equal(didKeyMultikey('did:key:zabc'), 'zabc')
  for (const text of ['zabc', 'did:plc:zabc', 'did:keyzabc', ' did:key:zabc', '']) {
    assert.throws(() => didKeyMultikey(text), notKey, text)
  }
})

/** Parsers over an import that counts, and never looks at the point. */
function countingParsers(cacheEntries: number) {
  const imported: string[] = []
  const parsers = keyParsers((curve, point, multikey): PublicKey => {
    imported.push(multikey!)
    return new NamedPoint(curve, point, multikey)
  }, cacheEntries)
  return { imported, ...parsers }
}

const names = Array.from({ length: 40 }, (_, i) =>
  formatMultikey('k256', new Uint8Array(33).fill(i)),
)

test('did:key and multikey of the same key share one parsed key', () => {
  const { imported, parseDidKey, parseMultikey } = countingParsers(10)
  assert.equal(parseDidKey(`did:key:${names[0]}`), parseMultikey(names[0]!))
  assert.deepEqual(imported, [names[0]])
})

test('however keys are asked for, each answer is the right one and few are forgotten', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(names.length - 1), { maxLength: 200 }), (asked) => {
      const { imported, parseMultikey } = countingParsers(10)
      asked.forEach((index, i) => {
        const before = imported.length
        assert.equal(parseMultikey(names[index]!).multikey, names[index])
        // What was asked for within the last five others is always known still.
        const recent = new Set(asked.slice(Math.max(0, i - 5), i))
        if (recent.has(index)) assert.equal(imported.length, before)
      })
    }),
  )
})

test('never more than the bound is kept', () => {
  const { imported, parseMultikey } = countingParsers(10)
  for (const name of names) parseMultikey(name)
  const before = imported.length
  for (const name of names.toReversed()) parseMultikey(name)
  assert.ok(imported.length - before >= names.length - 10)
})

test('a text that is refused is not kept', () => {
  let asked = 0
  const { parseMultikey } = keyParsers(() => {
    asked++
    throw new Error('not a point')
  })
  for (let i = 0; i < 2; i++) assert.throws(() => parseMultikey(names[0]!), /not a point/)
  assert.equal(asked, 2)
})
