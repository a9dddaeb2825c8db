import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { vectorPath } from '../../../network/vectors.ts'
import {
  ClientError,
  keysOf,
  loopbackClient,
  matchRedirectUri,
  parseClientMetadata,
  requireClientId,
  verifyClientAssertion,
} from './index.ts'
import { algOf, forge, jwkOf, newKey } from './proofs.test-support.ts'

const folder = vectorPath('indigo/oauth-metadata')
const skip = folder === undefined
const read = (file: string) => JSON.parse(readFileSync(join(folder!, file), 'utf8'))

test('the documents of known apps are taken', { skip }, () => {
  for (const app of ['flaskdemo', 'smokesignal', 'statusphere']) {
    const document = read(`${app}-client-metadata.json`)
    requireClientId(document.client_id)
    const client = parseClientMetadata(document, document.client_id)
    assert.equal(client.isConfidential, app === 'flaskdemo', app)
    assert.ok(client.scopes.has('transition:generic') && client.mayRefresh, app)
    assert.equal(matchRedirectUri(client, document.redirect_uris[0]), document.redirect_uris[0])
  }
  assert.equal(keysOf(read('flaskdemo-jwks.json')).length, 1)
  assert.equal(keysOf(read('smokesignal-jwks.json')).length, 2)
})

const clientId = 'https://app.example.com/client-metadata.json'
const document = {
  client_id: clientId,
  client_name: ' Example ',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['https://app.example.com/callback'],
  scope: 'atproto transition:generic',
  dpop_bound_access_tokens: true,
}
const refused = (fields: object) => () => parseClientMetadata({ ...document, ...fields }, clientId)

test('a document says who may come back where, with what', () => {
  const client = parseClientMetadata(document, clientId)
  assert.equal(client.name, 'Example')
  assert.equal(client.applicationType, 'web')
  assert.equal(client.isConfidential, false)
  assert.deepEqual([...client.scopes], ['atproto', 'transition:generic'])
})

test('a document that breaks a rule is refused', () => {
  const key = jwkOf(newKey())
  const cases: Record<string, object> = {
    'of another app': { client_id: 'https://evil.example/client-metadata.json' },
    'without DPoP': { dpop_bound_access_tokens: false },
    'without atproto': { scope: 'transition:generic' },
    'without scope': { scope: undefined },
    'of an unknown kind': { application_type: 'toaster' },
    'without a code': { response_types: ['token'] },
    'of another flow': { grant_types: ['implicit'] },
    'with a shared secret': { token_endpoint_auth_method: 'client_secret_basic' },
    'confidential without keys': { token_endpoint_auth_method: 'private_key_jwt' },
    'confidential with two sets': {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key] },
      jwks_uri: 'https://app.example.com/jwks.json',
    },
    'with keys of no use': { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{}] } },
    'with keys in the open': {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'http://app.example.com/jwks.json',
    },
    'with keys inside our network': {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://169.254.169.254/jwks.json',
    },
    'without a way back': { redirect_uris: [] },
    'with a way back in the open': { redirect_uris: ['http://app.example.com/callback'] },
    'with a way back to the host itself': { redirect_uris: ['https://localhost/callback'] },
    'with a way back to an address': { redirect_uris: ['https://10.0.0.1/callback'] },
    'with a script as way back': { redirect_uris: ['javascript:alert(1)'] },
    'with a fragment': { redirect_uris: ['https://app.example.com/callback#a'] },
    'with a password in its way back': { redirect_uris: ['https://a:b@app.example.com/callback'] },
    'a web app with a scheme of its own': { redirect_uris: ['com.example.app:/callback'] },
    'a native app with a foreign scheme': {
      application_type: 'native',
      redirect_uris: ['com.example.other:/callback'],
    },
    'a native app with two slashes': {
      application_type: 'native',
      redirect_uris: ['com.example.app://callback'],
    },
    'a native app elsewhere': {
      application_type: 'native',
      redirect_uris: ['https://elsewhere.example.com/callback'],
    },
  }
  for (const [name, fields] of Object.entries(cases))
    assert.throws(refused(fields), ClientError, name)
  for (const junk of [null, [], 'x', 1])
    assert.throws(() => parseClientMetadata(junk, clientId), ClientError)
})

test('a native app comes back by its own scheme, or to the machine it runs on, at any port', () => {
  const native = parseClientMetadata(
    {
      ...document,
      application_type: 'native',
      redirect_uris: ['com.example.app:/callback', 'http://127.0.0.1/callback'],
    },
    clientId,
  )
  assert.ok(matchRedirectUri(native, 'com.example.app:/callback'))
  assert.ok(matchRedirectUri(native, 'http://127.0.0.1:4321/callback'))
  for (const uri of [
    'http://127.0.0.1:4321/other',
    'http://127.0.0.2/callback',
    'http://localhost/callback',
    'https://app.example.com/callback',
    'nonsense',
  ])
    assert.equal(matchRedirectUri(native, uri), undefined, uri)
})

test('the name of an app is an address at a public name', () => {
  requireClientId(clientId)
  requireClientId('http://localhost')
  for (const id of [
    'app',
    'http://app.example.com/client.json',
    'https://app.example.com',
    'https://app.example.com/',
    'https://app.example.com:8443/client.json',
    'https://app.example.com:443/client.json',
    'https://APP.example.com/client.json',
    'https://app.example.com/a/../client.json',
    'https://a:b@app.example.com/client.json',
    'https://app.example.com/client.json#a',
    'https://127.0.0.1/client.json',
    'https://[::1]/client.json',
    'https://localhost/client.json',
    'https://intranet/client.json',
    `https://app.example.com/${'a'.repeat(3000)}`,
    'http://localhost.example.com/',
    'http://localhost:8080/',
  ])
    assert.throws(
      () => {
        requireClientId(id)
        loopbackClient(id)
      },
      ClientError,
      id,
    )
})

test('an app under development says in its name what it needs', () => {
  const plain = loopbackClient('http://localhost')
  assert.ok(matchRedirectUri(plain, 'http://127.0.0.1:9999/'))
  assert.ok(matchRedirectUri(plain, 'http://[::1]:9999/'))
  assert.equal(matchRedirectUri(plain, 'http://127.0.0.1:9999/callback'), undefined)
  assert.deepEqual([...plain.scopes], ['atproto'])
  const query = new URLSearchParams({
    redirect_uri: 'http://127.0.0.1/callback',
    scope: 'atproto transition:generic',
  })
  const named = loopbackClient(`http://localhost/?${query}`)
  assert.ok(matchRedirectUri(named, 'http://127.0.0.1:9999/callback'))
  assert.equal(named.scopes.size, 2)
  for (const id of [
    'http://localhost/path',
    'http://localhost/?client_name=x',
    'http://localhost/?scope=atproto&scope=atproto',
    'http://localhost/?scope=transition:generic',
    'http://localhost/?redirect_uri=http://localhost/',
    'http://localhost/?redirect_uri=https://evil.example/',
  ])
    assert.throws(() => loopbackClient(id), ClientError, id)
})

const nowMs = 1_800_000_000_000
const nowS = nowMs / 1000
const issuer = 'https://pds.test'
const signer = newKey()
const keys = keysOf({ keys: [jwkOf(newKey(), { kid: 'old' }), jwkOf(signer, { kid: 'new' })] })
const claims = { iss: clientId, sub: clientId, aud: issuer, jti: 'once', iat: nowS, exp: nowS + 60 }
const head = { alg: 'ES256', kid: 'new' }
const verify = (token: string) => verifyClientAssertion(token, { clientId, issuer, keys, nowMs })

test('a confidential app proves itself by a key of its document', () => {
  const { kid, alg, jti, expiresMs } = verify(forge(head, claims, signer))
  assert.deepEqual({ kid, alg, jti }, { kid: 'new', alg: 'ES256', jti: 'once' })
  assert.ok(expiresMs > nowMs)
  assert.ok(verify(forge({ alg: 'ES256' }, { ...claims, aud: ['x', issuer] }, signer)))
})

test('an assertion that proves something else is refused', () => {
  const cases: Record<string, string> = {
    'of another app': forge(head, { ...claims, iss: 'https://evil.example/c.json' }, signer),
    'about another app': forge(head, { ...claims, sub: 'https://evil.example/c.json' }, signer),
    'for another server': forge(head, { ...claims, aud: 'https://other.test' }, signer),
    'without a name': forge(head, { ...claims, jti: undefined }, signer),
    'without a time': forge(head, { ...claims, iat: undefined }, signer),
    old: forge(head, { ...claims, iat: nowS - 1000, exp: nowS + 60 }, signer),
    'of the future': forge(head, { ...claims, iat: nowS + 60 }, signer),
    expired: forge(head, { ...claims, exp: nowS - 60 }, signer),
    'by a stranger': forge(head, claims, newKey()),
    'by a key of another name': forge({ ...head, kid: 'old' }, claims, signer),
    'by no algorithm': forge({ ...head, alg: 'none' }, claims, signer),
    'by another algorithm': forge({ ...head, alg: algOf(newKey('k256')) }, claims, signer),
    nonsense: 'a.b.c',
  }
  for (const [name, token] of Object.entries(cases))
    assert.throws(() => verify(token), ClientError, name)
})

test('arbitrary documents, names and assertions never crash', () => {
  const calm = (run: () => unknown) => {
    try {
      run()
    } catch (thrown) {
      assert.ok(thrown instanceof ClientError, String(thrown))
    }
  }
  fc.assert(
    fc.property(fc.object({ maxDepth: 2 }), fc.string(), (fields, text) => {
      calm(() => parseClientMetadata({ ...document, ...fields }, clientId))
      calm(() =>
        parseClientMetadata({ ...document, redirect_uris: [`https://${text}`, text] }, clientId),
      )
      calm(() => requireClientId(text))
      calm(() => loopbackClient(`http://localhost/?${text}`))
      calm(() => verify(text))
    }),
  )
})
