import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generateKey, parseDidKey } from '#protocol/crypto'
import { decodeCbor, encodeCbor, fromBytes, fromJson, toBytes } from '#protocol/data'
import { isInForce, type Label, parseLabel, signLabel, verifyLabel } from './index.ts'

const key = generateKey('k256')
const claim = {
  src: 'did:plc:labeler',
  uri: 'at://did:plc:alice/app.bsky.feed.post/3kabc',
  cid: 'bafyreihqhqv7h4x5gc54fpnfs2dp6kvhnlpiqkh2s2vt2ql7pcyyk2xb4i',
  val: 'spam',
  cts: '2026-01-01T00:00:00.000Z',
} as const

/** As it comes out of a frame. */
const overTheWire = (label: Label): unknown => decodeCbor(encodeCbor(label))

describe('a label', () => {
  test('is signed over its CBOR without the signature, by either curve', () => {
    for (const curve of ['k256', 'p256'] as const) {
      const signer = generateKey(curve)
      const label = signLabel(claim, signer)
      const { sig, ...rest } = label
      assert.deepEqual(rest, { ver: 1, ...claim })
      assert.equal(signer.publicKey.verify(encodeCbor(rest), fromBytes(sig)), true)
      assert.equal(verifyLabel(label, parseDidKey(signer.publicKey.didKey)), true)
    }
  })

  test('leaves out of what is signed what it does not say', () => {
    const label = signLabel({ ...claim, cid: undefined, neg: false, exp: undefined }, key)
    assert.deepEqual(Object.keys(label).sort(), ['cts', 'sig', 'src', 'uri', 'val', 'ver'])
  })

  test('survives the wire, as CBOR and as JSON', () => {
    const label = signLabel({ ...claim, neg: true, exp: '2027-01-01T00:00:00.000Z' }, key)
    for (const copy of [overTheWire(label), fromJson(JSON.parse(JSON.stringify(label)))]) {
      const read = parseLabel(copy)
      assert.ok(read)
      assert.equal(verifyLabel(read, key.publicKey), true)
    }
  })

  test('is not believed when a field was changed, added or taken away', () => {
    const label = signLabel(claim, key)
    const { cid: _, ...withoutCid } = label
    for (const changed of [
      { ...label, val: 'nice' },
      { ...label, src: 'did:plc:other' },
      { ...label, neg: true },
      { ...label, exp: claim.cts },
      { ...label, more: 1 },
      withoutCid,
      { ...label, sig: toBytes(new Uint8Array(64)) },
      { ...label, sig: toBytes(fromBytes(label.sig).subarray(0, 63)) },
      { ...label, sig: toBytes(new Uint8Array()) },
    ])
      assert.equal(verifyLabel(changed as Label, key.publicKey), false)
    assert.equal(verifyLabel(label, generateKey('k256').publicKey), false)
  })

  test('covers fields that we do not know, and bears a $type', () => {
    const unsigned = { ver: 1, ...claim, later: { a: 1 } }
    const sig = toBytes(key.sign(encodeCbor(unsigned)))
    assert.equal(verifyLabel({ ...unsigned, sig } as unknown as Label, key.publicKey), true)
    const typed = { ...signLabel(claim, key), $type: 'com.atproto.label.defs#label' }
    assert.equal(verifyLabel(typed, key.publicKey), true)
  })
})

describe('reading a label', () => {
  test('takes records and accounts as subjects', () => {
    const label = signLabel(claim, key)
    assert.equal(parseLabel(label), label)
    assert.ok(parseLabel({ ...label, uri: 'did:plc:alice' }))
  })

  test('refuses what is none', () => {
    const label = signLabel(claim, key)
    const wrong: unknown[] = [
      undefined,
      null,
      'label',
      [],
      { ...label, ver: 2 },
      { ...label, ver: undefined },
      { ...label, src: 'labeler' },
      { ...label, uri: 'no uri' },
      { ...label, uri: `at://did:plc:alice/${'x'.repeat(4_000)}` },
      { ...label, val: '' },
      { ...label, val: 'é'.repeat(65) },
      { ...label, val: 5 },
      { ...label, cid: 'nope!' },
      { ...label, neg: 'yes' },
      { ...label, cts: 'yesterday' },
      { ...label, exp: '2026' },
      { ...label, sig: 'bytes' },
      { ...label, sig: undefined },
    ]
    for (const value of wrong) assert.equal(parseLabel(value), undefined, JSON.stringify(value))
  })

  test('survives anything', () => {
    fc.assert(fc.property(fc.anything(), (value) => void parseLabel(value)))
    const fields = fc.record({
      ver: fc.constantFrom(1, 2),
      src: fc.constantFrom('did:plc:a', 'x'),
      uri: fc.string(),
      val: fc.string(),
      cts: fc.string(),
      sig: fc.uint8Array({ maxLength: 70 }).map((bytes) => toBytes(bytes)),
    })
    fc.assert(
      fc.property(fields, (value) => {
        const label = parseLabel(value)
        if (label) assert.equal(verifyLabel(label, key.publicKey), false)
      }),
    )
  })
})

test('a label is in force until it is taken back or expires', () => {
  const nowMs = Date.parse('2026-06-01T00:00:00Z')
  assert.equal(isInForce({}, nowMs), true)
  assert.equal(isInForce({ neg: true }, nowMs), false)
  assert.equal(isInForce({ neg: false, exp: '2026-06-01T00:00:01Z' }, nowMs), true)
  assert.equal(isInForce({ exp: '2026-06-01T00:00:00Z' }, nowMs), false)
})
