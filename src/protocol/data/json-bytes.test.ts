import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import { cidLink, cidText, decodeCbor, encodeCbor, JsonBytes, makeCid, toBytes } from './index.ts'

const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
const jsonOf = (value: unknown) => textOf(new JsonBytes(1).cbor(encodeCbor(value)).bytes())

const cids = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((digest) => makeCid(digest[0]! % 2 ? 0x71 : 0x55, digest))
const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary-ascii' }),
  fc.constantFrom('', '"', '\\', '\u0000\n\u001f\u007f', '\u2028 سلام 👨‍👩‍👧', 'x'.repeat(300)),
)
const integers = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -70_000, max: 70_000 }))
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    texts,
    integers,
    fc.boolean(),
    fc.constant(null),
    cids.map(cidLink),
    fc.uint8Array({ maxLength: 40 }).map(toBytes),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(
      // Keys that look like numbers have an order of their own in objects: see below.
      texts.filter((key) => key !== '$link' && key !== '$bytes' && !/^\d+$/.test(key)),
      tie('value'),
      { maxKeys: 30 },
    ),
  ),
}))

test('what is written of any value is what its decoded form is written as', () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeCbor(value)
      const plain = JSON.stringify(decodeCbor(bytes))
      const written = textOf(new JsonBytes(1).cbor(bytes).bytes())
      assert.equal(written, plain)
    }),
    { numRuns: 400 },
  )
})

test('keys that look like numbers stand where the block has them', () => {
  const value = { b: 1, 10: 'ten', a: { 2: [], x: null, 1: true } }
  assert.equal(jsonOf(value), '{"a":{"1":true,"2":[],"x":null},"b":1,"10":"ten"}')
  assert.deepEqual(JSON.parse(jsonOf(value)), value)
})

test('every character comes out as JSON.stringify has it', () => {
  for (let code = 0; code < 0x3000; code++) {
    const text = `a${String.fromCharCode(code)}b`
    assert.equal(jsonOf(text), JSON.stringify(text))
  }
})

test('a record is written among other JSON, from the middle of other bytes', () => {
  const record = encodeCbor({ $type: 'com.example.note', text: 'سلام "friend"' })
  const around = new Uint8Array(record.length + 7).fill(0xff)
  around.set(record, 3)
  const out = new JsonBytes()
    .raw('{"value":')
    .cbor(around, 3, 3 + record.length)
    .raw('}')
  assert.equal(
    textOf(out.bytes()),
    '{"value":{"text":"سلام \\"friend\\"","$type":"com.example.note"}}',
  )
})

test('text is written as a string, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(JSON.parse(textOf(new JsonBytes(1).text(text).bytes())), text)
    }),
  )
})

test('a CID is written as its text', () => {
  fc.assert(
    fc.property(cids, fc.nat(5), (cid, at) => {
      const among = new Uint8Array(50).fill(0x77)
      among.set(cid, at)
      assert.equal(textOf(new JsonBytes().cid(among, at).bytes()), `"${cidText(cid)}"`)
    }),
  )
  assert.throws(() => new JsonBytes().cid(new Uint8Array(35)), { code: 'InvalidCbor' })
})

test('arbitrary bytes are written or refused, and never anything else', () => {
  const refused = (bytes: Uint8Array) => {
    try {
      const written = new JsonBytes().cbor(bytes).bytes()
      JSON.parse(new TextDecoder().decode(written))
    } catch (error) {
      assert.ok(error instanceof ProtocolError && error.code === 'InvalidCbor', String(error))
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), refused), { numRuns: 2_000 })
  const broken = fc.tuple(values, fc.nat(), fc.nat(255))
  const changed = ([value, place, byte]: [unknown, number, number]) => {
    const bytes = encodeCbor(value)
    refused(bytes.subarray(0, place % bytes.length))
    bytes[place % bytes.length] = byte
    refused(bytes)
  }
  fc.assert(fc.property(broken, changed), { numRuns: 300 })
})

test('lengths beyond the end and nesting without end are refused at once', () => {
  const deep = new Uint8Array(5_000).fill(0x81)
  const long = Uint8Array.of(0x5b, 0, 31, 255, 255, 255, 255, 255, 255)
  for (const bytes of [deep, long, new Uint8Array(0), Uint8Array.of(0x61)]) {
    assert.throws(() => new JsonBytes().cbor(bytes), { code: 'InvalidCbor' })
  }
})
