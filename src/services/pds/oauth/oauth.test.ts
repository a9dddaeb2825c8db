import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { vectorPath } from '../../../../network/vectors.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { AppKey, TestApp } from './oauth.test-support.ts'

const MINUTE_MS = 60_000
const documents = new Map<string, Response>()
let fetched: string[] = []

let host: TestHost
let alice: Person
let bob: Person
let app: TestApp

before(async () => {
  host = await TestHost.open({
    async fetch(url) {
      fetched.push(String(url))
      const found = documents.get(String(url))
      if (!found) throw new Error('no such host')
      return found.clone()
    },
  })
  alice = await host.signUp('alice')
  bob = await host.signUp('bob')
  app = await TestApp.of(host)
})
after(() => host.close())

const json = (value: unknown, init: ResponseInit = {}) =>
  new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' }, ...init })

const WEB = 'https://app.example.com/client.json'
const webDocument = {
  client_id: WEB,
  client_name: 'Example',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['https://app.example.com/callback'],
  scope: 'atproto transition:generic',
  dpop_bound_access_tokens: true,
}
const webApp = { clientId: WEB, redirectUri: 'https://app.example.com/callback' }

/** What every server's document has to say, by the profile. */
function requireServerMetadata(document: Record<string, unknown>) {
  const holds = (name: string, ...values: string[]) => {
    for (const value of values)
      assert.ok((document[name] as string[])?.includes(value), `${name}: ${value}`)
  }
  assert.equal(new URL(document.issuer as string).origin, document.issuer)
  holds('response_types_supported', 'code')
  holds('grant_types_supported', 'authorization_code', 'refresh_token')
  holds('code_challenge_methods_supported', 'S256')
  holds('token_endpoint_auth_methods_supported', 'none', 'private_key_jwt')
  holds('token_endpoint_auth_signing_alg_values_supported', 'ES256')
  assert.ok(
    !(document.token_endpoint_auth_signing_alg_values_supported as string[]).includes('none'),
  )
  holds('scopes_supported', 'atproto')
  holds('dpop_signing_alg_values_supported', 'ES256')
  assert.equal(document.authorization_response_iss_parameter_supported, true)
  assert.equal(document.require_pushed_authorization_requests, true)
  assert.notEqual(document.require_request_uri_registration, false)
  assert.equal(document.client_id_metadata_document_supported, true)
  for (const name of ['authorization', 'token', 'pushed_authorization_request'])
    assert.equal(new URL(document[`${name}_endpoint`] as string).origin, document.issuer, name)
}

test('the host says what it is, as other servers do', async (t) => {
  const server = await host.page('/.well-known/oauth-authorization-server')
  assert.equal(server.status, 200)
  assert.equal(server.headers['content-type'], 'application/json')
  assert.equal(server.headers['access-control-allow-origin'], '*')
  assert.equal(server.body.issuer, host.url)
  requireServerMetadata(server.body)
  const resource = await host.page('/.well-known/oauth-protected-resource')
  assert.deepEqual(resource.body.authorization_servers, [host.url])
  const folder = vectorPath('indigo/oauth-metadata')
  if (!folder) return t.diagnostic('vectors absent')
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  for (const name of ['bsky-entryway', 'indie'])
    requireServerMetadata(read(`${name}-authorization-server.json`))
  for (const name of ['indie', 'morel']) {
    const keys = Object.keys(read(`${name}-protected-resource.json`))
    assert.deepEqual(Object.keys(resource.body).toSorted(), keys.toSorted(), name)
  }
})

test('a handle of this host has no authorization server', async () => {
  for (const name of ['oauth-authorization-server', 'oauth-protected-resource']) {
    const asHandle = await host.page(`/.well-known/${name}`, { host: 'alice.test' })
    assert.equal(asHandle.status, 404)
    assert.equal((await host.page(`/.well-known/${name}`, { host: 'pds.test' })).status, 200)
  }
})

test('any page may ask: preflights are answered', async () => {
  const headers = { 'access-control-request-headers': 'dpop,content-type' }
  const answer = await host.visit('OPTIONS', '/oauth/token', { headers })
  assert.equal(answer.status, 204)
  assert.equal(answer.headers?.['access-control-allow-headers'], 'dpop,content-type')
  assert.equal((await host.visit('GET', '/oauth/token')).status, 405)
})

test('an app gets tokens for its code, calls, renews them and ends its session', async () => {
  const tokens = await app.signIn(alice)
  assert.equal(tokens.token_type, 'DPoP')
  assert.equal(tokens.sub, alice.did)
  assert.equal(tokens.scope, 'atproto transition:generic')
  assert.ok(tokens.expires_in > 0 && tokens.expires_in <= 1_800, 'within half an hour')
  const record = {
    $type: 'app.bsky.feed.post',
    text: 'by an app',
    createdAt: new Date().toISOString(),
  }
  const input = { repo: alice.did, collection: 'app.bsky.feed.post', record }
  const written = await app.call('POST', 'com.atproto.repo.createRecord', tokens.access_token, {
    input,
  })
  assert.equal(written.status, 200, JSON.stringify(written.body))
  const renewed = await app.refresh(tokens.refresh_token)
  assert.equal(renewed.status, 200, JSON.stringify(renewed.body))
  assert.notEqual(renewed.body.access_token, tokens.access_token)
  const session = await app.call('GET', 'com.atproto.server.getSession', renewed.body.access_token)
  assert.equal(session.body.did, alice.did)
  assert.equal((await app.post('/oauth/revoke', { token: renewed.body.refresh_token })).status, 200)
  const after = await app.call('GET', 'com.atproto.server.getSession', renewed.body.access_token)
  assert.equal(after.status, 401)
  assert.match(after.headers['www-authenticate']!, /^DPoP .*error="invalid_token"/)
  assert.equal(after.body.error, 'InvalidToken')
  assert.equal((await app.refresh(renewed.body.refresh_token)).body.error, 'invalid_grant')
})

test('without a nonce the host gives one, on both sides, and each answer brings the next', async () => {
  const fresh = await TestApp.of(host)
  const first = await fresh.post(
    '/oauth/par',
    {},
    { proof: await fresh.proof('POST', '/oauth/par') },
  )
  assert.equal(first.status, 400)
  assert.equal(first.body.error, 'use_dpop_nonce')
  assert.ok(first.headers['dpop-nonce'])
  const { access_token: token } = await fresh.signIn(alice)
  fresh.nonce = 'old'
  const proof = await fresh.proof('GET', '/xrpc/com.atproto.server.getSession', { ath: undefined })
  const wrong = await fresh.call('GET', 'com.atproto.server.getSession', token, { proof })
  assert.equal(wrong.body.error, 'invalid_dpop_proof', 'a token needs its hash in the proof')
  fresh.nonce = 'old'
  const stale = await fresh.call('GET', 'com.atproto.server.getSession', token, { claims: {} })
  assert.equal(stale.status, 401)
  assert.match(stale.headers['www-authenticate']!, /^DPoP .*error="use_dpop_nonce"/)
  const good = await fresh.call('GET', 'com.atproto.server.getSession', token)
  assert.equal(good.status, 200)
  assert.ok(good.headers['dpop-nonce'])
})

test('a nonce is good for some minutes and no longer', async () => {
  const fresh = await TestApp.of(host)
  await fresh.par()
  const given = fresh.nonce
  const stillGood = async () => {
    const proof = await fresh.proof('POST', '/oauth/par', { nonce: given })
    return (await fresh.post('/oauth/par', {}, { proof })).body.error !== 'use_dpop_nonce'
  }
  await host.outside.advance(2 * MINUTE_MS)
  assert.equal(await stillGood(), true, 'others may be on their way')
  await host.outside.advance(3 * MINUTE_MS)
  assert.equal(await stillGood(), false)
})

test('a lost answer may be asked for again, by the same key, for a minute', async () => {
  const tokens = await app.signIn(alice)
  const renewed = (await app.refresh(tokens.refresh_token)).body
  const again = (await app.refresh(tokens.refresh_token)).body
  assert.equal(again.access_token, renewed.access_token)
  assert.equal(again.refresh_token, renewed.refresh_token)
  const session = await app.call('GET', 'com.atproto.server.getSession', again.access_token)
  assert.equal(session.status, 200)
  const next = (await app.refresh(renewed.refresh_token)).body
  assert.ok(next.access_token)
})

test('two tabs that renew at once get the same tokens', async () => {
  const tokens = await app.signIn(alice)
  const [one, two] = await Promise.all([
    app.refresh(tokens.refresh_token),
    app.refresh(tokens.refresh_token),
  ])
  assert.equal(one.status, 200)
  assert.deepEqual(two.body.access_token, one.body.access_token)
})

test('an access token ends after a quarter of an hour; a session after two weeks', async () => {
  const tokens = await app.signIn(alice)
  await host.outside.advance(15 * MINUTE_MS)
  const late = await app.call('GET', 'com.atproto.server.getSession', tokens.access_token)
  assert.equal(late.body.error, 'InvalidToken')
  const renewed = (await app.refresh(tokens.refresh_token)).body
  await host.outside.advance(14 * 24 * 60 * MINUTE_MS)
  assert.equal((await app.refresh(renewed.refresh_token)).body.error, 'invalid_grant')
})

test('the owner sees the apps, and ends one: its tokens open nothing from that moment', async () => {
  const { oauth } = host.service
  const carol = await host.signUp('carol')
  const [one, two] = [await app.signIn(carol), await app.signIn(carol)]
  const listed = await oauth.listAuthorizedApps(carol.did)
  assert.equal(listed.length, 2)
  assert.equal(listed[0]?.clientId, app.clientId)
  const call = (token: string) => app.call('GET', 'com.atproto.server.getSession', token)
  assert.equal((await call(one.access_token)).status, 200)
  assert.equal(await oauth.revokeApp(bob.did, listed[0]!.sessionId), false, "not one of bob's")
  for (const { sessionId } of listed)
    assert.equal(await oauth.revokeApp(carol.did, sessionId), true)
  for (const { access_token } of [one, two]) assert.equal((await call(access_token)).status, 401)
  assert.deepEqual(await oauth.listAuthorizedApps(carol.did), [])
})

test('a new password, by a code or by the operator, ends the apps too', async () => {
  const dave = await host.signUp('dave')
  const { access_token: token } = await app.signIn(dave)
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const input = { did: dave.did, password: 'another password' }
  await host.call('POST', 'com.atproto.admin.updateAccountPassword', { input, headers })
  assert.equal((await app.call('GET', 'com.atproto.server.getSession', token)).status, 401)
})

test('of too many sessions those used least lately end', async () => {
  const erin = await host.signUp('erin')
  const { sessions } = host.service.oauth
  const first = await app.signIn(erin)
  const now = host.outside.now()
  for (let i = 0; i < 200; i++) {
    await host.outside.advance(1)
    await sessions.begin(host.sql, {
      id: sessions.newId(),
      did: erin.did,
      clientId: app.clientId,
      clientName: undefined,
      clientKey: undefined,
      jkt: 'x',
      scope: 'atproto',
      permissions: 'atproto',
      mayRefresh: true,
    })
  }
  assert.ok(host.outside.now() > now)
  assert.equal((await sessions.list(erin.did)).length, 200)
  assert.equal(
    (await app.call('GET', 'com.atproto.server.getSession', first.access_token)).status,
    401,
  )
})

test('a web app is known by its document, fetched once for all', async () => {
  documents.set(WEB, json(webDocument))
  fetched = []
  const web = await TestApp.of(host, webApp)
  await web.signIn(alice)
  await web.signIn(bob)
  assert.deepEqual(fetched, [WEB])
  assert.equal((await host.service.oauth.listAuthorizedApps(bob.did))[0]?.clientName, 'Example')
})

test('a confidential app proves itself, and stays bound to that key', async () => {
  const clientId = 'https://server.example.com/client.json'
  const clientKey = await AppKey.make({ kid: 'one' })
  const other = await AppKey.make({ kid: 'two' })
  const jwksUri = 'https://server.example.com/jwks.json'
  const document = {
    ...webDocument,
    client_id: clientId,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks_uri: jwksUri,
  }
  documents.set(clientId, json(document))
  documents.set(jwksUri, json({ keys: [clientKey.jwk, other.jwk] }))
  const server = await TestApp.of(host, { ...webApp, clientId, clientKey })
  const tokens = await server.signIn(alice)
  await host.outside.advance(30 * 24 * 60 * MINUTE_MS)
  const renewed = await server.refresh(tokens.refresh_token)
  assert.equal(renewed.status, 200, 'its sessions live longer')
  server.clientKey = other
  assert.equal((await server.refresh(renewed.body.refresh_token)).body.error, 'invalid_grant')
  server.clientKey = undefined
  assert.equal((await server.par()).body.error, 'invalid_client')
  // A key that was taken back ends what began with it.
  server.clientKey = clientKey
  const last = await server.signIn(alice)
  documents.set(jwksUri, json({ keys: [other.jwk] }))
  await host.outside.advance(10 * MINUTE_MS)
  assert.equal((await server.refresh(last.refresh_token)).body.error, 'invalid_client')
})

test('rows that are over are deleted', async () => {
  await app.par()
  await app.signIn(alice)
  await host.outside.advance(800 * 24 * 60 * MINUTE_MS)
  await host.service.oauth.deleteExpired()
  for (const table of ['requests', 'challenges', 'sessions', 'permission_sets']) {
    const { n } = (await host.sql.get<{ n: number }>(`SELECT count(*) AS n FROM oauth_${table}`))!
    assert.equal(n, 0, table)
  }
})
