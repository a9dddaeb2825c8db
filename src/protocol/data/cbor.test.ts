import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decode } from '@atcute/cbor'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import {
  BytesWrapper,
  bytesKey,
  CidLinkWrapper,
  cidLink,
  decodeCbor,
  decodeCborFirst,
  encodeCbor,
  fromJson,
  MAX_DEPTH,
  makeCid,
  toBytes,
} from './index.ts'

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

const notCbor = { name: 'ProtocolError', code: 'InvalidCbor' }
const notValue = { name: 'ProtocolError', code: 'InvalidValue' }
const cid = makeCid(0x71, new Uint8Array(32).fill(7))
const cidHex = Buffer.from(cid).toString('hex')

/** Whether the decoder below refuses by itself is noted, so that an update that stops to shows. */
const refused: [what: string, encoded: string, by: 'decoder' | 'scan'][] = [
  ['nothing at all', '', 'decoder'],
  ['a double', 'fb 3ff8000000000000', 'scan'],
  ['a double that is a whole number', 'fb 3ff0000000000000', 'scan'],
  ['NaN', 'fb 7ff8000000000000', 'decoder'],
  ['a single', 'fa 3fc00000', 'decoder'],
  ['a half', 'f9 3e00', 'decoder'],
  ['a double deep inside', 'a1 6161 82 01 a1 6162 fb 3ff8000000000000', 'scan'],
  ['undefined', 'f7', 'decoder'],
  ['a simple value of one byte', 'f8 20', 'decoder'],
  ['a break without a start', 'ff', 'decoder'],
  ['an integer in one byte too many', '18 17', 'decoder'],
  ['an integer in two bytes instead of one', '19 00ff', 'decoder'],
  ['an integer in four bytes instead of two', '1a 0000ffff', 'decoder'],
  ['an integer in eight bytes instead of four', '1b 00000000ffffffff', 'decoder'],
  ['a negative integer in one byte too many', '38 17', 'decoder'],
  ['an integer of 2^53', '1b 0020000000000000', 'decoder'],
  ['an integer of -2^53', '3b 001fffffffffffff', 'decoder'],
  ['the largest integer of CBOR', '1b ffffffffffffffff', 'decoder'],
  ['a reserved length', '1c', 'decoder'],
  ['text whose length is not minimal', '78 01 61', 'decoder'],
  ['bytes whose length is not minimal', '58 01 00', 'decoder'],
  ['an array whose length is not minimal', '98 01 00', 'decoder'],
  ['a map whose length is not minimal', 'b8 01 6161 00', 'decoder'],
  ['text of indefinite length', '7f 6161 ff', 'decoder'],
  ['bytes of indefinite length', '5f 4100 ff', 'decoder'],
  ['an array of indefinite length', '9f 00 ff', 'decoder'],
  ['a map of indefinite length', 'bf 6161 00 ff', 'decoder'],
  ['keys in the wrong order', 'a2 6162 00 6161 00', 'decoder'],
  ['a longer key before a shorter one', 'a2 626161 00 6162 00', 'decoder'],
  ['a key twice', 'a2 6161 00 6161 01', 'decoder'],
  ['a key that is an integer', 'a1 01 02', 'decoder'],
  ['a key that is bytes', 'a1 4161 02', 'decoder'],
  ['a tag other than 42', 'c1 00', 'decoder'],
  ['a link in a tag written too long', 'd9 002a 00', 'decoder'],
  ['a link that is text', 'd8 2a 6161', 'decoder'],
  ['a link within a link', 'd8 2a d8 2a 41 00', 'decoder'],
  ['a link without the leading zero', `d8 2a 58 24 ${cidHex}`, 'decoder'],
  ['a link to another hash', `d8 2a 58 25 00 01 71 13 20 ${'07'.repeat(32)}`, 'decoder'],
  ['a link to another codec', `d8 2a 58 25 00 01 70 12 20 ${'07'.repeat(32)}`, 'decoder'],
  ['a link that goes on', `d8 2a 58 26 00 ${cidHex} 00`, 'decoder'],
  ['text that is not UTF-8', '62 c328', 'decoder'],
  ['text with half a surrogate pair', '63 eda080', 'decoder'],
  ['long text that is not UTF-8', `78 1e ${'61'.repeat(29)} ff`, 'decoder'],
  ['text that ends early', '65 6161', 'decoder'],
  ['bytes that end early', '45 00', 'decoder'],
  ['an array that ends early', '82 00', 'decoder'],
  ['a map that ends before a value', 'a1 6161', 'decoder'],
  ['an array of 2^53-1 items', '9b 001fffffffffffff', 'decoder'],
  ['text of 2^53-1 bytes', '7b 001fffffffffffff', 'decoder'],
  ['something behind the value', '00 00', 'decoder'],
  ['a map that JSON would show as a link', 'a1 65 246c696e6b 6161', 'scan'],
  ['a map that JSON would show as bytes', 'a1 66 246279746573 6161', 'scan'],
  ['such a map deep inside', 'a1 6161 82 00 a2 6161 00 65 246c696e6b 6161', 'scan'],
]

for (const [what, encoded, by] of refused) {
  test(`${what} is refused`, () => {
    const bytes = hex(encoded)
    assert.throws(() => decodeCbor(bytes), notCbor)
    const decoderRefuses = !accepts(() => decode(bytes))
    assert.equal(decoderRefuses, by === 'decoder', 'refused by another part than noted')
  })
}

function accepts(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch {
    return false
  }
}

const accepted: [encoded: string, value: unknown][] = [
  ['00', 0],
  ['17', 23],
  ['18 18', 24],
  ['1a 00010000', 65536],
  ['1b 001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['3b 001ffffffffffffe', Number.MIN_SAFE_INTEGER],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['60', ''],
  ['63 efbbbf', '\ufeff'],
  ['80', []],
  ['a0', {}],
  ['a2 6162 00 626161 00', { b: 0, aa: 0 }],
  ['82 65 246c696e6b 66 246279746573', ['$link', '$bytes']],
  ['a1 6161 65 246c696e6b', { a: '$link' }],
  ['a1 65 2474797065 66 246279746573', { $type: '$bytes' }],
]

for (const [encoded, value] of accepted) {
  test(`${JSON.stringify(value)} is ${encoded} both ways`, () => {
    assert.deepEqual(decodeCbor(hex(encoded)), value)
    assert.deepEqual(new Uint8Array(encodeCbor(value)), hex(encoded))
  })
}

test('links and bytes come back as wrappers that JSON shows as the data model says', () => {
  const value = { link: cidLink(cid), bytes: toBytes(Uint8Array.of(1, 2, 3)) }
  const back = decodeCbor(encodeCbor(value)) as typeof value
  assert.ok(back.link instanceof CidLinkWrapper)
  assert.ok(back.bytes instanceof BytesWrapper)
  assert.equal(
    JSON.stringify(back),
    `{"link":{"$link":"${cidLink(cid).$link}"},"bytes":{"$bytes":"AQID"}}`,
  )
})

test('the data model vectors encode to the bytes they say and back', (t) => {
  const path = vectorPath('atproto-interop/data-model/data-model-fixtures.json')
  if (path === undefined) return t.skip()
  const vectors: { json: unknown; cbor_base64: string }[] = JSON.parse(readFileSync(path, 'utf8'))
  for (const vector of vectors) {
    const bytes = new Uint8Array(Buffer.from(vector.cbor_base64, 'base64'))
    assert.deepEqual(new Uint8Array(encodeCbor(fromJson(vector.json))), bytes)
    assert.deepEqual(JSON.parse(JSON.stringify(decodeCbor(bytes))), vector.json)
  }
})

test('values outside of the data model have no encoding', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  const values = [
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    -(2 ** 53),
    10n,
    undefined,
    [undefined],
    Symbol('s'),
    () => 1,
    new Date(0),
    new Map(),
    { at: { deep: [0.1] } },
    { constructor: 0.5 },
    { constructor: undefined, other: Symbol('s') },
    cyclic,
  ]
  for (const value of values) assert.throws(() => encodeCbor(value), notValue)
})

test('a property that is undefined is left out', () => {
  assert.deepEqual(decodeCbor(encodeCbor({ a: undefined, b: 1 })), { b: 1 })
})

function nested(levels: number): unknown[] {
  let value: unknown[] = []
  for (let i = 1; i < levels; i++) value = [value]
  return value
}

test('64 levels are allowed both ways, 65 are not', () => {
  const deepest = encodeCbor(nested(MAX_DEPTH))
  assert.deepEqual(decodeCbor(deepest), nested(MAX_DEPTH))
  assert.throws(() => encodeCbor(nested(MAX_DEPTH + 1)), notValue)
  assert.throws(() => decodeCbor(Uint8Array.of(0x81, ...deepest)), notCbor)
})

test('a million open arrays, maps or tags are refused without running out of stack', () => {
  for (const byte of [0x81, 0xa1, 0xc6, 0xd8]) {
    assert.throws(() => decodeCbor(new Uint8Array(1_000_000).fill(byte)), notCbor)
  }
})

test('properties named like parts of every object are plain properties', () => {
  const text =
    '{"constructor":{"a":1},"__proto__":[{"constructor":null}],"toString":2,"hasOwnProperty":3}'
  const back = decodeCbor(encodeCbor(JSON.parse(text)))
  assert.equal(Object.getPrototypeOf(back), Object.prototype)
  assert.deepEqual(
    new Set(Object.keys(back as object)),
    new Set(['constructor', '__proto__', 'toString', 'hasOwnProperty']),
  )
})

test('objects that hide that they are plain are encoded in the one order of keys', () => {
  const bare = Object.assign(Object.create(null), { constructor: 'x' })
  const value = { zz: [1, bare], constructor: { b: 1, a: 2 }, é: 3, left: undefined }
  const back = { é: 3, zz: [1, { constructor: 'x' }], constructor: { a: 2, b: 1 } }
  assert.deepEqual(decodeCbor(encodeCbor(value)), back)
})

test('decodeCborFirst gives what stands behind the first value', () => {
  const [value, rest] = decodeCborFirst(hex('a1 6161 01 fb 00'))
  assert.deepEqual(value, { a: 1 })
  assert.deepEqual(rest, hex('fb 00'))
  assert.throws(() => decodeCborFirst(hex('81 fb 3ff8000000000000')), notCbor)
  assert.throws(() => decodeCborFirst(new Uint8Array(0)), notCbor)
})

const key = fc.string({ unit: 'grapheme' }).filter((text) => text !== '$link' && text !== '$bytes')

const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => toBytes(bytes)),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => cidLink(makeCid(0x55, bytes))),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { maxKeys: 30 }),
  ),
})).value

/** A value as text that tells all apart: property order and negative zero do not count. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, item) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

test('what is encoded decodes to the same value, and that encodes to the same bytes', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeCbor(value)
      const back = decodeCbor(bytes)
      assert.equal(canonicalText(back), canonicalText(value))
      assert.equal(bytesKey(encodeCbor(back)), bytesKey(bytes))
    }),
  )
})

/** Decodes or is refused by name; and what decodes was the one encoding of its value. */
function assertSound(bytes: Uint8Array): void {
  let value: unknown
  try {
    value = decodeCbor(bytes)
  } catch (error) {
    assert.ok(error instanceof ProtocolError && error.code === 'InvalidCbor')
    return
  }
  assert.equal(bytesKey(encodeCbor(value)), bytesKey(bytes))
}

test('arbitrary bytes are refused, or are the one encoding of what they decode to', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), assertSound), { numRuns: 3000 })
})

test('an encoding with one byte changed, added or cut is refused or is another value', () => {
  fc.assert(
    fc.property(anyValue, fc.nat(), fc.nat(255), (value, position, byte) => {
      const bytes = encodeCbor(value)
      const at = position % bytes.length
      assertSound(Uint8Array.from(bytes).with(at, byte))
      assertSound(Uint8Array.of(...bytes.subarray(0, at), byte, ...bytes.subarray(at)))
      assertSound(bytes.subarray(0, at))
    }),
    { numRuns: 500 },
  )
})
