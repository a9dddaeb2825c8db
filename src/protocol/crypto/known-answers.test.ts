import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes } from '#protocol/data'
import { type Curve, lowerS } from './curve.ts'
import * as node from './index.node.ts'
import * as browser from './index.ts'
import { importOpensslScalar } from './openssl.node.ts'

interface Answer {
  from: string
  curve: Curve
  secret: string
  message: string
  r: string
  /** As published: high or low. */
  s: string
}

const answers: Answer[] = [
  {
    from: 'the test vectors Bitcoin libraries share',
    curve: 'k256',
    secret: '0000000000000000000000000000000000000000000000000000000000000001',
    message: 'Satoshi Nakamoto',
    r: '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8',
    s: '2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
  },
  {
    from: 'RFC 6979, A.2.5',
    curve: 'p256',
    secret: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    message: 'sample',
    r: 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716',
    s: 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  },
  {
    from: 'RFC 6979, A.2.5',
    curve: 'p256',
    secret: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    message: 'test',
    r: 'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367',
    s: '019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  },
]

function published(answer: Answer): Uint8Array {
  const signature = concatBytes([node.fromHex(answer.r), node.fromHex(answer.s)])
  return lowerS(answer.curve, signature)
}

const backs = {
  node: node.importKey,
  openssl: importOpensslScalar,
  browser: browser.importKey,
}

for (const [back, importKey] of Object.entries(backs)) {
  test(`${back}: signatures published by others are verified`, () => {
    for (const answer of answers) {
      const { publicKey } = importKey(answer.curve, node.fromHex(answer.secret))
      const message = new TextEncoder().encode(answer.message)
      assert.equal(publicKey.verify(message, published(answer)), true, answer.from)
      assert.equal(publicKey.verify(message.subarray(1), published(answer)), false, answer.from)
    }
  })
}

test('browser: signatures are the very ones that RFC 6979 makes', () => {
  for (const answer of answers) {
    const key = browser.importKey(answer.curve, node.fromHex(answer.secret))
    const signature = key.sign(new TextEncoder().encode(answer.message))
    assert.deepEqual(signature, published(answer), answer.from)
  }
})
