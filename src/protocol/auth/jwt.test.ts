import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodePart,
  decodeTrustedPart,
  encodePart,
  maxTokenLength,
  parseJwt,
  scratchBytes,
  splitToken,
  tokenBytes,
} from './jwt.ts'

const textual = fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer()))

test('a part is the base64url of JSON, as every other implementation writes it', () => {
  fc.assert(
    fc.property(textual, (value) => {
      const part = encodePart(value)
      assert.equal(part, Buffer.from(JSON.stringify(value)).toString('base64url'))
      assert.deepEqual({ ...decodePart(part) }, { ...value })
      assert.deepEqual({ ...decodeTrustedPart(part) }, { ...value })
    }),
  )
})

test('only objects are parts', () => {
  const part = (text: string) => Buffer.from(text).toString('base64url')
  for (const text of ['', 'null', '1', '"x"', '[]', '[{}]', '{', 'undefined']) {
    assert.equal(decodePart(part(text)), undefined, text)
    assert.equal(decodeTrustedPart(part(text)), undefined, text)
  }
  const notUtf8 = Buffer.from([0x22, 0xff, 0x22]).toString('base64url')
  assert.equal(decodePart(notUtf8), undefined)
  assert.equal(decodeTrustedPart(notUtf8), undefined)
})

test('a strict part has no padding, no other alphabet, no white space', () => {
  const part = encodePart({ a: '>>>???' })
  assert.ok(part.includes('-') || part.includes('_'))
  for (const other of [
    `${part}=`,
    part.replaceAll('-', '+').replaceAll('_', '/'),
    ` ${part}`,
    `${part}\n`,
  ]) {
    assert.equal(decodePart(other), undefined, other)
  }
})

test('a token has three parts, the first two of them not empty', () => {
  assert.deepEqual(splitToken('a.b.c'), {
    header: 'a',
    payload: 'b',
    signature: 'c',
    signed: 'a.b',
  })
  assert.deepEqual(splitToken('a.b.')?.signature, '')
  for (const token of ['', 'a', 'a.b', '.b.c', 'a..c', '..', 'a.b.c.d', '...']) {
    assert.equal(splitToken(token), undefined, token)
  }
  const long = `a.b.${'c'.repeat(maxTokenLength - 4)}`
  assert.notEqual(splitToken(long), undefined)
  assert.equal(splitToken(`${long}c`), undefined)
})

test('bytes in passing are the same bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      assert.deepEqual(new Uint8Array(scratchBytes(text)), tokenBytes(text))
    }),
  )
  const longest = '€'.repeat(maxTokenLength)
  assert.equal(scratchBytes(longest).length, 3 * maxTokenLength, 'nothing is cut off')
})

test('arbitrary text is a token or not, never a crash', () => {
  const part = fc.oneof(fc.string(), fc.base64String(), textual.map(encodePart))
  const token = fc.oneof(
    fc.string(),
    fc.tuple(part, part, part).map((parts) => parts.join('.')),
  )
  fc.assert(
    fc.property(token, (text) => {
      const jwt = parseJwt(text)
      if (jwt === undefined) return
      assert.deepEqual(jwt.signed, tokenBytes(text.slice(0, text.lastIndexOf('.'))))
      assert.equal(typeof jwt.header, 'object')
      assert.equal(typeof jwt.payload, 'object')
    }),
    { numRuns: 2000 },
  )
})
