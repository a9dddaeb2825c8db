import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { cidCodec, cidText, isCid, makeCid, parseCid } from '#protocol/data'
import { vectorPath } from '../../../network/vectors.ts'
import * as node from './index.node.ts'
import * as browser from './index.ts'

const utf8 = new TextEncoder()

function vectors<T>(name: string): T[] | undefined {
  const path = vectorPath(name)
  return path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'))
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}

for (const [back, crypto] of Object.entries({ node, browser })) {
  test(`${back}: SHA-256 of nothing and of abc are those of FIPS 180-4`, () => {
    assert.equal(
      crypto.hex(crypto.sha256(new Uint8Array(0))),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    assert.equal(
      crypto.hex(crypto.sha256(utf8.encode('abc'))),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  test(`${back}: HMAC is that of RFC 4231, also for a key longer than a block`, () => {
    const short = crypto.hmacSha256(
      utf8.encode('Jefe'),
      utf8.encode('what do ya want for nothing?'),
    )
    assert.equal(
      crypto.hex(short),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
    const long = crypto.hmacSha256(
      new Uint8Array(131).fill(0xaa),
      utf8.encode('Test Using Larger Than Block-Size Key - Hash Key First'),
    )
    assert.equal(
      crypto.hex(long),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    )
  })

  test(`${back}: bytes hashed in pieces have the hash of the whole`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (pieces) => {
        const hasher = crypto.createSha256()
        for (const piece of pieces) hasher.update(piece)
        const digest = hasher.digest()
        assert.deepEqual(digest, crypto.sha256(new Uint8Array(Buffer.concat(pieces))))
        assert.equal(Object.getPrototypeOf(digest), Uint8Array.prototype)
      }),
    )
  })

  test(`${back}: content has the CID of its hash, and no other content has`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, position) => {
        const cid = crypto.cidForCbor(bytes)
        assert.deepEqual(cid, makeCid(0x71, crypto.sha256(bytes)))
        assert.equal(cidCodec(crypto.cidForRaw(bytes)), 0x55)
        assert.ok(isCid(cid) && crypto.verifyCid(cid, bytes))
        const at = position % bytes.length
        assert.equal(crypto.verifyCid(cid, bytes.with(at, bytes[at]! ^ 1)), false)
        const digit = 4 + (position % 32)
        assert.equal(crypto.verifyCid(cid.with(digit, cid[digit]! ^ 1), bytes), false)
      }),
    )
  })

  test(`${back}: what is no CID is never the name of anything`, () => {
    const bytes = utf8.encode('abc')
    const cid = crypto.cidForRaw(bytes)
    assert.equal(crypto.verifyCid(cid.subarray(0, 35), bytes), false)
    assert.equal(crypto.verifyCid(Uint8Array.of(...cid, 0), bytes), false)
    for (const position of [0, 2, 3]) {
      assert.equal(crypto.verifyCid(cid.with(position, 9), bytes), false)
    }
  })

  test(`${back}: the CIDs of the vectors are those of their bytes`, (t) => {
    const values = vectors<{ cid: string; cbor_base64: string }>(
      'atproto-interop/data-model/data-model-fixtures.json',
    )
    const cars = vectors<{ blocks: { cid: string; bytes: string }[] }>(
      'repo/car-file-fixtures.json',
    )
    if (values === undefined || cars === undefined) return t.skip()
    for (const { cid, cbor_base64 } of values) {
      assert.equal(cidText(crypto.cidForCbor(bytesOf(cbor_base64))), cid)
    }
    for (const { cid, bytes } of cars.flatMap((car) => car.blocks)) {
      assert.ok(crypto.verifyCid(parseCid(cid), bytesOf(bytes)))
    }
  })

  test(`${back}: the CID of a record is the one the network knows`, () => {
    const empty = crypto.cidForCbor(Uint8Array.of(0xa0))
    assert.equal(cidText(empty), 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua')
  })

  test(`${back}: bytes are compared to their end, and lengths too`, () => {
    const a = Uint8Array.of(1, 2, 3)
    assert.equal(crypto.constantTimeEqual(a, a.slice()), true)
    assert.equal(crypto.constantTimeEqual(a, Uint8Array.of(1, 2, 4)), false)
    assert.equal(crypto.constantTimeEqual(a, Uint8Array.of(9, 2, 3)), false)
    assert.equal(crypto.constantTimeEqual(a, Uint8Array.of(1, 2)), false)
    assert.equal(crypto.constantTimeEqual(new Uint8Array(0), new Uint8Array(0)), true)
  })
}
