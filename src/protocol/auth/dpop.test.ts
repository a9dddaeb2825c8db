import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDpopReader, DpopError, parseJwk } from './index.ts'
import { algOf, forge, jwkOf, newKey, proofBy } from './proofs.test-support.ts'

const url = 'https://pds.test/oauth/token'
const key = newKey()
const read = createDpopReader()
const checks = { method: 'POST', url, accessToken: undefined }

test('a proof names its key, and is good for its request', () => {
  for (const one of [key, newKey('k256')]) {
    const proof = read(proofBy(one, 'POST', url, { jti: 'a', nonce: 'n' }), checks)
    assert.deepEqual(proof, { jkt: parseJwk(jwkOf(one))!.thumbprint, jti: 'a', nonce: 'n' })
  }
})

test('the name of a key is that of RFC 7638, as the platform’s own keys have it', async () => {
  const { subtle } = globalThis.crypto
  const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
  const jwk = await subtle.exportKey('jwk', pair.publicKey)
  const { crv, kty, x, y } = jwk
  const text = JSON.stringify({ crv, kty, x, y })
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(text))
  const read = parseJwk({ crv, kty, x, y })!
  assert.equal(read.thumbprint, Buffer.from(digest).toString('base64url'))
  const raw = new Uint8Array(await subtle.exportKey('raw', pair.publicKey))
  assert.deepEqual(read.key.bytes.subarray(1), raw.subarray(1, 33))
})

test('the address is compared without query and fragment, in its normal form', () => {
  for (const htu of [url, `${url}?a=b`, `${url}#c`, 'HTTPS://PDS.test:443/oauth/token'])
    assert.equal(read(proofBy(key, 'POST', htu), checks).jti.startsWith('proof'), true, htu)
})

test('a proof for anything else is refused', () => {
  const token = 'the token'
  const bound = { ...checks, accessToken: token }
  const wrong: [name: string, proof: string, checks?: typeof bound][] = [
    ['another method', proofBy(key, 'GET', url)],
    ['another path', proofBy(key, 'POST', 'https://pds.test/oauth/par')],
    ['another host', proofBy(key, 'POST', 'https://evil.test/oauth/token')],
    ['another scheme', proofBy(key, 'POST', 'http://pds.test/oauth/token')],
    ['no address', proofBy(key, 'POST', 'pds.test')],
    ['no token hash', proofBy(key, 'POST', url), bound],
    ['another token', proofBy(key, 'POST', url, { accessToken: 'other' }), bound],
    ['no jti', proofBy(key, 'POST', url, { jti: undefined })],
    ['an endless jti', proofBy(key, 'POST', url, { jti: 'x'.repeat(300) })],
    ['no iat', proofBy(key, 'POST', url, { iat: undefined })],
    ['another kind of token', proofBy(key, 'POST', url, {}, { typ: 'JWT' })],
    ['no algorithm', proofBy(key, 'POST', url, {}, { alg: 'none' })],
    ['an algorithm of another key', proofBy(key, 'POST', url, {}, { alg: 'ES256K' })],
    [
      'a curve that is no name',
      proofBy(key, 'POST', url, {}, { jwk: { ...jwkOf(key), crv: { toString: 1 } } }),
    ],
    ['a symmetric key', proofBy(key, 'POST', url, {}, { jwk: { kty: 'oct', k: 'AAAA' } })],
    ['a private key', proofBy(key, 'POST', url, {}, { jwk: jwkOf(key, { d: 'AAAA' }) })],
    ["somebody else's key", proofBy(key, 'POST', url, {}, { jwk: jwkOf(newKey()) })],
    ['an unknown extension', proofBy(key, 'POST', url, {}, { crit: ['exp'] })],
    ['no signature', proofBy(key, 'POST', url).replace(/[^.]+$/, '')],
  ]
  for (const [name, proof, given] of wrong)
    assert.throws(() => read(proof, given ?? checks), DpopError, name)
  assert.ok(read(proofBy(key, 'POST', url, { accessToken: token }), bound))
})

test('arbitrary proofs never crash and never pass', () => {
  const arbitrary = fc.oneof(
    fc.string(),
    fc.tuple(fc.json(), fc.json()).map(([head, claims]) => {
      const [a, b] = [JSON.parse(head), JSON.parse(claims)]
      return forge(Object(a), Object(b), key)
    }),
    fc.anything().map((jwk) => {
      try {
        return forge(
          { typ: 'dpop+jwt', alg: algOf(key), jwk },
          { jti: 'a', htm: 'POST', htu: url, iat: 1 },
          key,
        )
      } catch {
        return 'no JSON'
      }
    }),
  )
  fc.assert(
    fc.property(arbitrary, (proof) => {
      assert.throws(() => read(proof, checks), DpopError)
    }),
  )
})
