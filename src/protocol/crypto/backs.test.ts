import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { vectorPath } from '../../../network/vectors.ts'
import * as node from './index.node.ts'
import * as browser from './index.ts'

interface SignatureVector {
  comment: string
  messageBase64: string
  publicKeyDid: string
  signatureBase64: string
  validSignature: boolean
}

function vectors<T>(file: string): T[] | undefined {
  const path = vectorPath(`atproto-interop/crypto/${file}.json`)
  return path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'))
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}

const backs: Record<string, typeof browser> = { node, browser }

for (const [name, crypto] of Object.entries(backs)) {
  test(`${name}: each signature of the vectors is judged as they say`, (t) => {
    const list = vectors<SignatureVector>('signature-fixtures')
    if (list === undefined) return t.skip()
    for (const vector of list) {
      const key = crypto.parseDidKey(vector.publicKeyDid)
      const verdict = key.verify(bytesOf(vector.messageBase64), bytesOf(vector.signatureBase64))
      assert.equal(verdict, vector.validSignature, vector.comment)
    }
  })

  test(`${name}: a private key of the vectors has the did:key they say`, (t) => {
    const k256 = vectors<{ privateKeyBytesHex: string; publicDidKey: string }>('w3c_didkey_K256')
    const p256 = vectors<{ privateKeyBytesBase58: string; publicDidKey: string }>('w3c_didkey_P256')
    if (k256 === undefined || p256 === undefined) return t.skip()
    for (const vector of k256) {
      const key = crypto.importKey('k256', crypto.fromHex(vector.privateKeyBytesHex))
      assert.equal(key.publicKey.didKey, vector.publicDidKey)
    }
    for (const vector of p256) {
      const key = crypto.importKey('p256', crypto.fromBase58btc(vector.privateKeyBytesBase58))
      assert.equal(key.publicKey.didKey, vector.publicDidKey)
    }
  })

  test(`${name}: what a key signs, the same key parsed from its did:key verifies`, () => {
    for (const curve of ['k256', 'p256'] as const) {
      const key = crypto.generateKey(curve)
      const message = new TextEncoder().encode(`signed with ${curve}`)
      const signature = key.sign(message)
      assert.equal(signature.length, 64)
      assert.equal(crypto.parseDidKey(key.publicKey.didKey).verify(message, signature), true)
    }
  })
}

test('both backs are the same door', () => {
  assert.deepEqual(Object.keys(node).sort(), Object.keys(browser).sort())
  const types: [typeof node, typeof browser] = [browser, node]
  assert.equal(types.length, 2)
})
