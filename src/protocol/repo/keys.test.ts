import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { sha256 } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import {
  commonPrefix,
  compareKeys,
  isKey,
  isRepoPath,
  keyHeight,
  keyOf,
  MAX_KEY_BYTES,
  pathOf,
} from './keys.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('keys of the tree', () => {
  const valid = [
    'a/b',
    'app.bsky.feed.post/3jqfcqzm3fo2j',
    'A0/374913',
    'com.example/self',
    'com.example/_~.:-',
    `${'a'.repeat(MAX_KEY_BYTES - 2)}/b`,
  ]
  for (const path of valid) {
    it(`accepts ${path.slice(0, 40)}`, () => {
      assert.equal(pathOf(keyOf(path)), path)
    })
  }

  const invalid = [
    '',
    '/',
    'a',
    'a/',
    '/a',
    '//',
    'a//b',
    'a/b/',
    '/a/b',
    'a/b/c',
    'a b/c',
    'a/b#c',
    'a/b\u0000',
    'é/b',
    'a/日本',
    'a/b%20',
    `${'a'.repeat(MAX_KEY_BYTES - 1)}/b`,
  ]
  for (const path of invalid) {
    it(`refuses ${JSON.stringify(path.slice(0, 40))}`, () => {
      assert.throws(
        () => keyOf(path),
        (error) => error instanceof ProtocolError && error.code === 'InvalidPath',
      )
    })
  }

  it('asks more of a path in a repository: an NSID and a record key', () => {
    assert.ok(isRepoPath('app.bsky.feed.post/3jqfcqzm3fo2j'))
    for (const path of ['A0/374913', 'a.b/c', 'app.bsky.feed.post/.', 'app.bsky.feed.post', '/x']) {
      assert.ok(!isRepoPath(path), path)
    }
    assert.ok(!isRepoPath(`app.bsky.feed.post/${'a'.repeat(513)}`))
    assert.ok(!isRepoPath('app.bsky.feed.post/a/b'))
  })

  it('decides about bytes as about text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const text = String.fromCharCode(...bytes)
        assert.equal(isKey(bytes, bytes.length), /^[\w~\-:.]+\/[\w~\-:.]+$/.test(text))
      }),
    )
  })

  it('gives a key the layer of the leading zero pairs of its hash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (key) => {
        let bits = ''
        for (const byte of sha256(key)) bits += byte.toString(2).padStart(8, '0')
        assert.equal(keyHeight(key), Math.floor(bits.indexOf('1') / 2))
      }),
    )
  })

  it('orders keys as strings of ASCII are ordered', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '0', '~'), maxLength: 6 })
    fc.assert(
      fc.property(text, text, (left, right) => {
        const order = compareKeys(ascii(left), ascii(right))
        assert.equal(Math.sign(order), left === right ? 0 : left < right ? -1 : 1)
        const common = commonPrefix(ascii(left), ascii(right))
        assert.equal(left.slice(0, common), right.slice(0, common))
        assert.ok(common === Math.min(left.length, right.length) || left[common] !== right[common])
      }),
    )
  })
})
