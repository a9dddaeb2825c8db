import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import {
  CODEC_CBOR,
  CODEC_RAW,
  cidCodec,
  cidDigest,
  cidLink,
  cidText,
  isCid,
  linkBytes,
  makeCid,
  parseCid,
} from './index.ts'

const notCid = { name: 'ProtocolError', code: 'InvalidCid' }
const digest = new Uint8Array(32).map((_, i) => i * 7)

test('a CID is its codec and its digest, and its text leads back to its bytes', () => {
  const digests = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(fc.constantFrom(CODEC_CBOR, CODEC_RAW), digests, (codec, bytes) => {
      const cid = makeCid(codec, bytes)
      assert.equal(cidCodec(cid), codec)
      assert.deepEqual(cidDigest(cid), bytes)
      assert.ok(isCid(cid))
      assert.deepEqual(new Uint8Array(parseCid(cidText(cid))), cid)
    }),
  )
})

test('the text of a CID is what others write', () => {
  const text = 'bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq'
  assert.equal(cidText(parseCid(text)), text)
})

test('a digest of any other length than 32 bytes makes no CID', () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => makeCid(CODEC_RAW, new Uint8Array(length)), notCid)
  }
})

test('CIDs of other versions, codecs, hashes, bases and spellings are refused', () => {
  const text = cidText(makeCid(CODEC_CBOR, digest))
  const others = [
    '',
    'b',
    text.slice(1),
    text.slice(0, -1),
    `${text}a`,
    text.toUpperCase(),
    text.replace('bafyrei', 'Bafyrei'),
    ` ${text.slice(1)}`,
    // dag-pb, version 1 of another hash, base 58, version 0, non-zero bits behind the last byte
    'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
    'zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7',
    'QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR',
    `${text.slice(0, -1)}7`,
  ]
  for (const other of others) assert.throws(() => parseCid(other), notCid, other)
})

test('bytes are a CID only whole and with each byte of its head right', () => {
  const cid = makeCid(CODEC_CBOR, digest)
  for (let i = 0; i < 4; i++) assert.equal(isCid(cid.with(i, 0x99)), false)
  assert.equal(isCid(cid.subarray(1)), false)
  assert.equal(isCid(Uint8Array.of(...cid, 0)), false)
})

test('a link gives its bytes, be it decoded or plain JSON', () => {
  const cid = makeCid(CODEC_CBOR, digest)
  assert.equal(linkBytes(cidLink(cid)), cid)
  assert.deepEqual(new Uint8Array(linkBytes({ $link: cidText(cid) })), cid)
  assert.equal(JSON.stringify(cidLink(cid)), `{"$link":"${cidText(cid)}"}`)
  for (const link of [{ $link: 'x' }, { $link: 1 }, {}, null]) {
    assert.throws(() => linkBytes(link as never), notCid)
  }
})

test('arbitrary text is refused by name', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ minLength: 59, maxLength: 59 })), (text) => {
      try {
        parseCid(text)
      } catch (error) {
        assert.ok(error instanceof ProtocolError && error.code === 'InvalidCid')
      }
    }),
  )
})
