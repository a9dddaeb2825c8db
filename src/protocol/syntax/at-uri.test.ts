import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type AtIdentifier,
  formatAtUri,
  isAtIdentifier,
  isAtUri,
  type Nsid,
  parseAtIdentifier,
  parseAtUri,
} from './index.ts'

const notAtUri = { name: 'ProtocolError', code: 'InvalidAtUri' }

test('an AT-URI is taken apart into as many parts as it has', () => {
  assert.deepEqual(parseAtUri('at://did:plc:asdf123'), { authority: 'did:plc:asdf123' })
  assert.deepEqual(parseAtUri('at://alice.test/com.example.post'), {
    authority: 'alice.test',
    collection: 'com.example.post',
  })
  assert.deepEqual(parseAtUri('at://did:web:a.test/com.example.post/self'), {
    authority: 'did:web:a.test',
    collection: 'com.example.post',
    rkey: 'self',
  })
})

const authority = fc.constantFrom<AtIdentifier[]>(
  'did:plc:asdf123',
  'did:web:localhost%3A2583',
  'alice.test',
)
const collection = fc.constantFrom<Nsid[]>('com.example.post', 'a.b.c', 'app.example.fooBar')
const rkey = fc
  .string({ unit: fc.constantFrom(...'aZ09_~.:-'), minLength: 1, maxLength: 512 })
  .filter((text) => text !== '.' && text !== '..')

test('what is put together is taken apart again', () => {
  fc.assert(
    fc.property(authority, fc.option(collection), rkey, (authority, collection, rkey) => {
      if (collection === null) {
        assert.deepEqual(parseAtUri(formatAtUri(authority)), { authority })
        return
      }
      assert.deepEqual(parseAtUri(formatAtUri(authority, collection)), { authority, collection })
      const parts = { authority, collection, rkey }
      assert.deepEqual(parseAtUri(formatAtUri(authority, collection, rkey)), parts)
    }),
  )
})

test('queries, fragments, trailing slashes and other schemes are refused', () => {
  const record = 'at://did:plc:asdf123/com.example.post/self'
  const others = [
    `${record}?a=b`,
    `${record}#/a`,
    `${record}/`,
    `${record}/x`,
    `AT${record.slice(2)}`,
  ]
  others.push(record.slice(5), '', 'at://', 'at:///', 'at://did:plc:asdf123//self')
  for (const text of others) assert.throws(() => parseAtUri(text), notAtUri, text)
})

test('an AT-URI has at most 8192 characters', () => {
  const longest = `at://did:web:${'a'.repeat(2040)}/${'a.'.repeat(100)}b/${'x'.repeat(512)}`
  assert.equal(isAtUri(longest), true)
  assert.equal(isAtUri(`at://${'a'.repeat(8190)}`), false)
})

test('an identifier keeps its case as a DID and loses it as a handle', () => {
  assert.equal(parseAtIdentifier('did:plc:AbC'), 'did:plc:AbC')
  assert.equal(parseAtIdentifier('Alice.TEST'), 'alice.test')
  assert.equal(isAtIdentifier('alice'), false)
  assert.throws(() => parseAtIdentifier('@alice.test'), { code: 'InvalidAtIdentifier' })
})
