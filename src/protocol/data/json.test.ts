import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import {
  BytesWrapper,
  CidLinkWrapper,
  decodeCbor,
  encodeCbor,
  fromJson,
  MAX_DEPTH,
} from './index.ts'

const notValue = { name: 'ProtocolError', code: 'InvalidValue' }
const text = 'bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity'

function vectors(name: string): { note: string; json: unknown }[] | undefined {
  const path = vectorPath(`atproto-interop/data-model/${name}.json`)
  return path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'))
}

test('every valid value of the vectors survives the way to CBOR and back', (t) => {
  const valid = vectors('data-model-valid')
  if (valid === undefined) return t.skip()
  for (const { note, json } of valid) {
    const back = decodeCbor(encodeCbor(fromJson(json)))
    assert.deepEqual(JSON.parse(JSON.stringify(back)), json, note)
  }
})

test('every invalid value of the vectors is refused', (t) => {
  const invalid = vectors('data-model-invalid')
  if (invalid === undefined) return t.skip()
  for (const { note, json } of invalid) {
    assert.throws(() => fromJson(json), ProtocolError, note)
  }
})

test('links and bytes become wrappers; the source is not changed', () => {
  const json = { list: [{ $link: text }, 1], b: { $bytes: 'AQID' }, same: { deep: ['x'] } }
  const before = structuredClone(json)
  const value = fromJson(json) as { list: unknown[]; b: unknown; same: unknown }
  assert.ok(value.list[0] instanceof CidLinkWrapper)
  assert.ok(value.b instanceof BytesWrapper)
  assert.deepEqual(value.b.buf, Uint8Array.of(1, 2, 3))
  assert.equal(value.same, json.same, 'what needs no change is not copied')
  assert.deepEqual(json, before)
  assert.deepEqual(JSON.parse(JSON.stringify(value)), before)
})

test('a value with nothing to change is returned itself, wrappers included', () => {
  const value = { a: [1, 'two', null, true], link: new CidLinkWrapper(new Uint8Array(36)) }
  assert.equal(fromJson(value), value)
})

test('bytes may carry padding and nothing else beside base64', () => {
  assert.deepEqual((fromJson({ b: { $bytes: 'AQ==' } }).b as BytesWrapper).buf, Uint8Array.of(1))
  assert.deepEqual((fromJson({ b: { $bytes: 'AQ' } }).b as BytesWrapper).buf, Uint8Array.of(1))
  for (const bad of ['A', 'AQ=', 'AR', '-_-_', 'AQ ==', 'AQ\n', 'é']) {
    assert.throws(() => fromJson({ b: { $bytes: bad } }), notValue, bad)
  }
})

const sound = { $type: 'blob', ref: { $link: text }, mimeType: 'image/png', size: 0 }

test('a blob is refused when a part of it is missing or of another kind', () => {
  fromJson({ blob: sound })
  const changes = [
    { ref: undefined },
    { ref: text },
    { mimeType: '' },
    { mimeType: 3 },
    { size: -1 },
    { size: '5' },
    { size: undefined },
  ]
  for (const change of changes) {
    assert.throws(() => fromJson({ blob: { ...sound, ...change } }), notValue)
  }
})

test('numbers, text and tops outside of the data model are refused', () => {
  const values: unknown[] = [
    null,
    [],
    'text',
    5,
    undefined,
    { n: 1.5 },
    { n: 2 ** 53 },
    { n: Number.NaN },
    { big: 5n },
    { list: [undefined] },
    { half: '\ud800' },
    { '\udfff': 1 },
    { call: () => 1 },
    { $type: '' },
    { inner: { $type: 7 } },
    { link: { $link: null } },
    { link: { $bytes: 'AQ', $link: text } },
  ]
  for (const value of values) assert.throws(() => fromJson(value), notValue)
})

test('64 levels are allowed, 65 are not, however the 65th looks', () => {
  let value: unknown = {}
  for (let i = 1; i < MAX_DEPTH; i++) value = { v: value }
  assert.equal(fromJson(value), value)
  encodeCbor(fromJson(value))
  assert.throws(() => fromJson({ v: value }), notValue)
  const deep = JSON.parse(`${'{"v":'.repeat(5000)}[]${'}'.repeat(5000)}`)
  assert.throws(() => fromJson(deep), notValue)
})

test('a property named __proto__ stays a property', () => {
  const value = fromJson(JSON.parse(`{"__proto__":{"$link":"${text}"},"x":1}`))
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  assert.ok(Object.getOwnPropertyDescriptor(value, '__proto__')?.value instanceof CidLinkWrapper)
})

test('any JSON is refused by name, or encodes and comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (json) => {
      let value: unknown
      try {
        value = fromJson(json)
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
        return
      }
      const back = JSON.parse(JSON.stringify(decodeCbor(encodeCbor(value))))
      assert.deepEqual(back, JSON.parse(JSON.stringify(json)))
    }),
  )
})
