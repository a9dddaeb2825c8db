import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { XrpcError } from '#protocol/xrpc'
import { equalText, isBasic, parseAuthorization, requireBearer } from './index.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('bearer, DPoP and basic are told apart, whatever the case of the scheme', () => {
  assert.equal(parseAuthorization(undefined), undefined)
  assert.equal(parseAuthorization(''), undefined)
  assert.deepEqual(parseAuthorization('Bearer a.b.c'), { kind: 'bearer', token: 'a.b.c' })
  assert.deepEqual(parseAuthorization('bEARER a.b.c'), { kind: 'bearer', token: 'a.b.c' })
  assert.deepEqual(parseAuthorization('DPoP a.b.c'), { kind: 'dpop', token: 'a.b.c' })
  assert.deepEqual(parseAuthorization(basic('admin:pass:wörd')), {
    kind: 'basic',
    username: 'admin',
    password: 'pass:wörd',
  })
})

test('malformed headers are refused as InvalidToken', () => {
  for (const header of [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Digest x',
    'Basic !!!',
    basic('nocolon'),
  ]) {
    assert.throws(
      () => parseAuthorization(header),
      (thrown) => thrown instanceof XrpcError && thrown.error === 'InvalidToken',
      header,
    )
  }
})

test('a missing bearer token is 401 AuthMissing', () => {
  assert.equal(requireBearer('Bearer x'), 'x')
  for (const header of [undefined, basic('a:b'), 'DPoP x']) {
    assert.throws(
      () => requireBearer(header),
      (thrown) =>
        thrown instanceof XrpcError && thrown.status === 401 && thrown.error === 'AuthMissing',
    )
  }
})

test('basic credentials are compared whole', () => {
  assert.equal(isBasic(basic('admin:secret'), 'admin', 'secret'), true)
  assert.equal(isBasic(basic('admin:secret2'), 'admin', 'secret'), false)
  assert.equal(isBasic(basic('other:secret'), 'admin', 'secret'), false)
  assert.equal(isBasic('Bearer secret', 'admin', 'secret'), false)
  assert.equal(isBasic(undefined, 'admin', 'secret'), false)
})

test('texts are equal exactly when they are', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equalText(a, b) === (a === b)))
  fc.assert(fc.property(fc.string(), (a) => equalText(a, `${a}`)))
})

test('arbitrary headers never crash', () => {
  const header = fc.oneof(
    fc.string(),
    fc.string().map((text) => `Basic ${text}`),
    fc.base64String().map((text) => `basic ${text}`),
  )
  fc.assert(
    fc.property(header, (text) => {
      try {
        parseAuthorization(text)
      } catch (thrown) {
        assert.ok(thrown instanceof XrpcError)
      }
    }),
    { numRuns: 2000 },
  )
})
