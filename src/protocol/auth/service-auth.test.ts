import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  base64url,
  fromBase64url,
  generateKey,
  importKey,
  type PublicKey,
  type SigningKey,
} from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { type ServiceAuthChecks, signServiceAuth, verifyServiceAuth } from './index.ts'
import { lowestS } from './low-s.ts'

const nowMs = 1_700_000_000_000
const now = nowMs / 1000
const k256 = generateKey('k256')
const p256 = generateKey('p256')
const iss = 'did:plc:abcdefghijklmnopqrstuvwx'
const aud = 'did:web:view.test'
const lxm = 'app.bsky.feed.getTimeline'

function sign(changes: Partial<Parameters<typeof signServiceAuth>[0]> = {}): string {
  return signServiceAuth({ iss, aud, lxm, nowMs, key: k256, jti: 'random', ...changes })
}

function checks(changes: Partial<ServiceAuthChecks> = {}): ServiceAuthChecks {
  return { aud, lxm, nowMs, signingKey: async () => k256.publicKey, ...changes }
}

async function verdict(token: string, changes: Partial<ServiceAuthChecks> = {}): Promise<string> {
  try {
    return `ok ${(await verifyServiceAuth(token, checks(changes))).iss}`
  } catch (thrown) {
    assert.ok(thrown instanceof XrpcError, String(thrown))
    return `${thrown.status} ${thrown.error}`
  }
}

/** A token with any header and payload, signed with a real key. */
function forge(header: unknown, payload: unknown, key: SigningKey = k256): string {
  const encode = (value: unknown) =>
    base64url(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)))
  const signed = `${encode(header)}.${encode(payload)}`
  return `${signed}.${base64url(key.sign(new TextEncoder().encode(signed)))}`
}

const header = { typ: 'JWT', alg: 'ES256K' }
const claims = { iss, aud, lxm, exp: now + 60, iat: now, jti: 'random' }

test('a token of either curve verifies and gives its claims', async () => {
  assert.deepEqual(await verifyServiceAuth(sign(), checks()), claims)
  const signingKey = async () => p256.publicKey
  assert.equal(await verdict(sign({ key: p256 }), { signingKey }), `ok ${iss}`)
})

test('the issuer may name its service, and the key is asked for by that name', async () => {
  const asked: [string, boolean][] = []
  const signingKey = async (who: string, fresh: boolean) => {
    asked.push([who, fresh])
    return k256.publicKey
  }
  const labeler = `${iss}#atproto_labeler`
  assert.equal(await verdict(sign({ iss: labeler }), { signingKey }), `ok ${labeler}`)
  assert.deepEqual(asked, [[labeler, false]])
})

test('a rotated key is found by asking once more, freshly', async () => {
  const asked: boolean[] = []
  const rotating = (next: PublicKey) => async (_: string, fresh: boolean) => {
    asked.push(fresh)
    return fresh ? next : p256.publicKey
  }
  assert.equal(await verdict(sign(), { signingKey: rotating(k256.publicKey) }), `ok ${iss}`)
  assert.deepEqual(asked, [false, true])
  const other = generateKey('k256').publicKey
  assert.equal(await verdict(sign(), { signingKey: rotating(other) }), '401 BadJwtSignature')
  assert.deepEqual(asked, [false, true, false, true], 'once more, not for ever')
})

test('an issuer without a key is refused, a directory that fails is passed on', async () => {
  const unknown = async () => {
    throw new ProtocolError('UnknownDid', 'nobody')
  }
  assert.equal(await verdict(sign(), { signingKey: unknown }), '401 BadJwtIss')
  const down = async () => {
    throw new XrpcError(502, 'UpstreamFailure')
  }
  assert.equal(await verdict(sign(), { signingKey: down }), '502 UpstreamFailure')
})

test('the audience is us, by our DID or by our DID and service', async () => {
  const service = `${aud}#bsky_appview`
  const table: [token: string, own: string | string[], expected: string][] = [
    [aud, aud, 'ok'],
    [aud, service, 'ok'],
    [service, service, 'ok'],
    [service, [aud, service], 'ok'],
    [service, aud, '401'],
    [`${aud}#other`, service, '401'],
    ['did:web:view.test.evil', service, '401'],
    ['did:web:view', service, '401'],
    ['', service, '401'],
  ]
  for (const [given, own, expected] of table) {
    const result = await verdict(sign({ aud: given }), { aud: own })
    assert.equal(result.split(' ')[0], expected, `${given} at ${own}`)
  }
})

test('the method must be the one called, unless any will do', async () => {
  assert.equal(await verdict(sign({ lxm: 'a.b.c' })), '401 BadJwtLexiconMethod')
  assert.equal(await verdict(sign({ lxm: undefined })), '401 BadJwtLexiconMethod')
  assert.equal(await verdict(sign({ lxm: undefined }), { lxm: null }), `ok ${iss}`)
})

test('times are kept with a leeway for clocks, and long lives are not believed', async () => {
  assert.equal(await verdict(sign({ expSeconds: now - 29 })), `ok ${iss}`)
  assert.equal(await verdict(sign({ expSeconds: now - 31 })), '401 JwtExpired')
  assert.equal(await verdict(sign({ expSeconds: now + 3600 })), `ok ${iss}`)
  assert.equal(await verdict(sign({ expSeconds: now + 3700 })), '401 BadJwt')
  const patient = { maxLifetimeSeconds: 7200 }
  assert.equal(await verdict(sign({ expSeconds: now + 3700 }), patient), `ok ${iss}`)
  assert.equal(await verdict(sign({ nowMs: nowMs + 60_000 })), '401 BadJwt', 'made in the future')
  assert.equal(await verdict(forge(header, { ...claims, iat: undefined })), `ok ${iss}`)
})

test('malformed tokens are refused by name', async () => {
  const cases: [name: string, token: string, expected: string][] = [
    ['empty', '', 'BadJwt'],
    ['not base64', 'a.b!.c', 'BadJwt'],
    ['alg none', forge({ typ: 'JWT', alg: 'none' }, claims), 'BadJwt'],
    ['alg HS256', forge({ typ: 'JWT', alg: 'HS256' }, claims), 'BadJwt'],
    ['alg of the other curve', forge({ typ: 'JWT', alg: 'ES256' }, claims), 'BadJwtSignature'],
    ['critical extensions', forge({ ...header, crit: ['x'] }, claims), 'BadJwt'],
    ['an access token', forge({ ...header, typ: 'at+jwt' }, claims), 'BadJwtType'],
    ['a refresh token', forge({ ...header, typ: 'refresh+jwt' }, claims), 'BadJwtType'],
    ['a DPoP proof', forge({ ...header, typ: 'dpop+jwt' }, claims), 'BadJwtType'],
    ['no issuer', forge(header, { ...claims, iss: undefined }), 'BadJwt'],
    ['a handle as issuer', forge(header, { ...claims, iss: 'alice.test' }), 'BadJwtIss'],
    ['an empty service id', forge(header, { ...claims, iss: `${iss}#` }), 'BadJwtIss'],
    ['two service ids', forge(header, { ...claims, iss: `${iss}#a#b` }), 'BadJwtIss'],
    ['no expiry', forge(header, { ...claims, exp: undefined }), 'BadJwt'],
    ['an expiry as text', forge(header, { ...claims, exp: '1' }), 'BadJwt'],
    ['a number as method', forge(header, { ...claims, lxm: 1 }), 'BadJwt'],
    ['an endless jti', forge(header, { ...claims, jti: 'x'.repeat(300) }), 'BadJwt'],
    ['somebody else’s signature', forge(header, claims, generateKey('k256')), 'BadJwtSignature'],
  ]
  for (const [name, token, expected] of cases) {
    assert.equal(await verdict(token), `401 ${expected}`, name)
  }
  const [head, body, signature] = sign().split('.') as [string, string, string]
  assert.equal(await verdict(`${head}.${body}.${signature.slice(4)}`), '401 BadJwtSignature')
  assert.equal(await verdict(`${head}.${body}.`), '401 BadJwtSignature')
})

test('a typ is optional and its case does not matter', async () => {
  assert.equal(await verdict(forge({ alg: 'ES256K' }, claims)), `ok ${iss}`)
  assert.equal(await verdict(forge({ alg: 'ES256K', typ: 'jwt' }, claims)), `ok ${iss}`)
})

test('signatures with a high s, as browsers make them, are taken', async () => {
  const orders = {
    k256: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    p256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  }
  for (const key of [k256, p256]) {
    const { curve } = key.publicKey
    const [head, body, text] = sign({ key }).split('.') as [string, string, string]
    const signature = Buffer.from(text, 'base64url')
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
    const high = Buffer.from((orders[curve] - s).toString(16).padStart(64, '0'), 'hex')
    const twin = Buffer.concat([signature.subarray(0, 32), high])
    assert.deepEqual(Buffer.from(lowestS(curve, twin)), signature)
    const signingKey = async () => key.publicKey
    const token = `${head}.${body}.${twin.toString('base64url')}`
    assert.equal(await verdict(token, { signingKey }), `ok ${iss}`)
  }
  const nonsense = new Uint8Array(64).fill(255)
  assert.equal(lowestS('k256', nonsense), nonsense, 's above the order is left alone')
})

test('arbitrary tokens never crash and never pass', async () => {
  const part = fc.oneof(fc.string(), fc.base64String(), fc.json())
  const token = fc.oneof(
    fc.string(),
    fc.tuple(part, part, part).map((parts) => parts.join('.')),
    fc.tuple(fc.json(), fc.json()).map(([first, second]) => forge(first, second)),
    fc.json().map((payload) => forge(header, payload)),
    fc
      .record({ iss: fc.anything(), aud: fc.anything(), exp: fc.anything(), lxm: fc.anything() })
      .map((payload) => {
        try {
          return forge(header, { ...claims, ...payload })
        } catch {
          return 'not JSON'
        }
      }),
  )
  await fc.assert(
    fc.asyncProperty(token, async (text) => (await verdict(text)).startsWith('401 BadJwt')),
    { numRuns: 500 },
  )
})

test('tokens of the machine’s own P-256 verify here, and ours verify there', async () => {
  const { subtle } = globalThis.crypto
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const pair = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const jwk = await subtle.exportKey('jwk', pair.privateKey)
  const key = importKey('p256', fromBase64url(jwk.d!))
  const signingKey = async () => key.publicKey
  const bytes = (text: string) => new TextEncoder().encode(text)
  const part = (value: unknown) => base64url(bytes(JSON.stringify(value)))
  // Half of these have a high s: sixteen are enough to meet both kinds.
  for (let jti = 0; jti < 16; jti++) {
    const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part({ ...claims, jti: `${jti}` })}`
    const signature = new Uint8Array(await subtle.sign(algorithm, pair.privateKey, bytes(signed)))
    assert.equal(await verdict(`${signed}.${base64url(signature)}`, { signingKey }), `ok ${iss}`)
  }
  const [head, body, text] = sign({ key }).split('.') as [string, string, string]
  const signature = new Uint8Array(fromBase64url(text))
  const verified = subtle.verify(algorithm, pair.publicKey, signature, bytes(`${head}.${body}`))
  assert.equal(await verified, true)
})

test('the claims of a token are those of the specification, and nothing else', () => {
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const [head, body] = sign().split('.') as [string, string]
  assert.deepEqual(decode(head), { typ: 'JWT', alg: 'ES256K' })
  assert.deepEqual(decode(body), claims)
  assert.deepEqual(decode(sign({ key: p256 }).split('.')[0]!), { typ: 'JWT', alg: 'ES256' })
  const withoutMethod = decode(sign({ lxm: undefined }).split('.')[1]!)
  assert.equal('lxm' in withoutMethod, false)
})

test('cheap faults are found before a key is asked for', async () => {
  const never = async () => assert.fail('asked for a key')
  for (const token of [
    sign({ aud: 'did:web:other.test' }),
    sign({ lxm: 'a.b.c' }),
    sign({ expSeconds: now - 100 }),
    forge({ ...header, typ: 'at+jwt' }, claims),
  ]) {
    assert.match(await verdict(token, { signingKey: never }), /^401 /)
  }
})
