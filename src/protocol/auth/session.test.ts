import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { XrpcError } from '#protocol/xrpc'
import { type SessionChecks, type SessionClaims, signSession, verifySession } from './index.ts'

const secret = new Uint8Array(32).fill(7)
const nowMs = 1_700_000_000_000
const access: SessionClaims = {
  scope: 'com.atproto.access',
  sub: 'did:plc:abcdefghijklmnopqrstuvwx',
  aud: 'did:web:pds.test',
  iat: nowMs / 1000,
  exp: nowMs / 1000 + 7200,
}
const refresh: SessionClaims = { ...access, scope: 'com.atproto.refresh', jti: 'abc-_~' }

function verdict(token: string, checks?: SessionChecks, at = nowMs, key = secret): string {
  try {
    return verifySession(token, key, at, checks).scope
  } catch (thrown) {
    assert.ok(thrown instanceof XrpcError, String(thrown))
    return `${thrown.status} ${thrown.error}`
  }
}

/** A token by other means: any header, any payload, signed with node:crypto. */
function forge(header: unknown, payload: unknown, key: Uint8Array | string = secret): string {
  const part = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

const atHeader = { typ: 'at+jwt', alg: 'HS256' }

test('a session token gives back its claims', () => {
  assert.deepEqual(verifySession(signSession(access, secret), secret, nowMs), access)
  const checks = { scopes: ['com.atproto.refresh'] as const }
  assert.deepEqual(verifySession(signSession(refresh, secret), secret, nowMs, checks), refresh)
})

test('a token is the same bytes that a general JWT library makes', () => {
  assert.equal(signSession(access, secret), forge(atHeader, access))
  assert.equal(signSession(refresh, secret), forge({ typ: 'refresh+jwt', alg: 'HS256' }, refresh))
})

test('claims outside ASCII survive', () => {
  const claims = { ...refresh, jti: 'ساقية' }
  const checks = { scopes: ['com.atproto.refresh'] as const }
  assert.equal(verifySession(signSession(claims, secret), secret, nowMs, checks).jti, 'ساقية')
})

test('headers of other PDS software are taken in any order of their fields', () => {
  assert.equal(verdict(forge({ alg: 'HS256', typ: 'at+jwt' }, access)), 'com.atproto.access')
})

test('time over means ExpiredToken, so that clients refresh', () => {
  const token = signSession(access, secret)
  assert.equal(verdict(token, {}, access.exp * 1000 - 1), 'com.atproto.access')
  assert.equal(verdict(token, {}, access.exp * 1000), '400 ExpiredToken')
  assert.equal(verdict(token, { allowExpired: true }, 9e12), 'com.atproto.access')
})

test('everything else that is wrong means InvalidToken', () => {
  const good = signSession(access, secret)
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const without = (name: keyof SessionClaims) => ({ ...access, [name]: undefined })
  const cases: Record<string, string> = {
    empty: '',
    'two parts': `${header}.${payload}`,
    'four parts': `${good}.x`,
    'no signature': `${header}.${payload}.`,
    'a cut signature': good.slice(0, -2),
    'a changed signature': `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'a changed payload': `${header}.${forge({}, { ...access, sub: 'did:plc:evil' }).split('.')[1]}.${signature}`,
    'another secret': signSession(access, new Uint8Array(32)),
    'alg none': forge({ typ: 'at+jwt', alg: 'none' }, access),
    'alg HS512': forge({ typ: 'at+jwt', alg: 'HS512' }, access),
    'no typ': forge({ alg: 'HS256' }, access),
    'typ of a service token': forge({ typ: 'JWT', alg: 'HS256' }, access),
    'critical extensions': forge({ ...atHeader, crit: ['b64'] }, access),
    'a refresh scope under an access header': forge(atHeader, refresh),
    'an access scope under a refresh header': forge({ typ: 'refresh+jwt', alg: 'HS256' }, access),
    'an unknown scope': forge(atHeader, { ...access, scope: 'all' }),
    'no subject': forge(atHeader, without('sub')),
    'a subject that is no DID': forge(atHeader, { ...access, sub: 'alice.test' }),
    'no audience': forge(atHeader, without('aud')),
    'no expiry': forge(atHeader, without('exp')),
    'an expiry as text': forge(atHeader, { ...access, exp: '9999999999' }),
    'a jti that is a number': forge(atHeader, { ...access, jti: 1 }),
    'a sid that is a number': forge(atHeader, { ...access, sid: 1 }),
    'a service method': forge(atHeader, { ...access, lxm: 'a.b.c' }),
    'a proof of possession': forge(atHeader, { ...access, cnf: {} }),
    'a payload that is null': forge(atHeader, 'null'),
    'a payload that is a list': forge(atHeader, '[]'),
    'a payload that is not JSON': forge(atHeader, '{'),
    'a very long token': forge(atHeader, { ...access, pad: 'x'.repeat(9000) }),
  }
  for (const [name, token] of Object.entries(cases)) {
    assert.equal(verdict(token), '400 InvalidToken', name)
  }
})

test('audience and scope must be those asked for', () => {
  const token = signSession(access, secret)
  assert.equal(verdict(token, { aud: 'did:web:pds.test' }), 'com.atproto.access')
  assert.equal(verdict(token, { aud: 'did:web:other.test' }), '400 InvalidToken')
  assert.equal(verdict(token, { scopes: ['com.atproto.appPass'] }), '400 InvalidToken')
  assert.equal(verdict(signSession(refresh, secret)), '400 InvalidToken', 'refresh by default')
})

test('arbitrary tokens never crash and never pass', () => {
  const part = fc.oneof(fc.string(), fc.base64String(), fc.json())
  const token = fc.oneof(
    fc.string(),
    fc.tuple(part, part, part).map((parts) => parts.join('.')),
    fc.tuple(fc.json(), fc.json()).map(([header, payload]) => forge(header, payload)),
  )
  fc.assert(
    fc.property(token, (text) => verdict(text).startsWith('400 ')),
    { numRuns: 2000 },
  )
})

test('changing any one character of a token makes it invalid', () => {
  const token = signSession(access, secret)
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'z', '0', '.', '_'), (at, with_) => {
      const changed = token.slice(0, at) + with_ + token.slice(at + 1)
      return changed === token || verdict(changed) === '400 InvalidToken'
    }),
    { numRuns: 2000 },
  )
})
