/** What thieves, tricksters and broken apps try. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { guardedFetch } from '#platform/runtime'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { AppKey, type OAuthAnswer, TestApp } from './oauth.test-support.ts'

const MINUTE_MS = 60_000
const SESSION = 'com.atproto.server.getSession'
type Answering = (url: string, init?: RequestInit) => Response | Promise<Response>

let host: TestHost
let alice: Person
let app: TestApp
let answering: Answering
let fetched: { url: string; init: RequestInit | undefined }[] = []

before(async () => {
  host = await TestHost.open({
    async fetch(url, init) {
      fetched.push({ url: String(url), init })
      return answering(String(url), init)
    },
  })
  alice = await host.signUp('alice')
  app = await TestApp.of(host)
})
after(() => host.close())

const refused = (answer: OAuthAnswer, error: string, name?: string) => {
  assert.equal(answer.body.error, error, name ?? JSON.stringify(answer.body))
  assert.equal(answer.body.access_token, undefined)
}
/** Whether a session's tokens still open something. */
async function isOpen(token: string, by = app): Promise<boolean> {
  return (await by.call('GET', SESSION, token)).status === 200
}

const WEB = 'https://app.example.com/client.json'
const document = {
  client_id: WEB,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['https://app.example.com/callback'],
  scope: 'atproto transition:generic',
  dpop_bound_access_tokens: true,
}

test('a proof is good once, at endpoints and at methods', async () => {
  await app.par()
  const proof = await app.proof('POST', '/oauth/par')
  assert.notEqual((await app.post('/oauth/par', {}, { proof })).body.error, 'invalid_dpop_proof')
  refused(await app.post('/oauth/par', {}, { proof }), 'invalid_dpop_proof')
  const { access_token: token } = await app.signIn(alice)
  const ath = createHash('sha256').update(token).digest('base64url')
  const once = await app.proof('GET', `/xrpc/${SESSION}`, { ath })
  assert.equal((await app.call('GET', SESSION, token, { proof: once })).status, 200)
  const replayed = await app.call('GET', SESSION, token, { proof: once })
  assert.equal(replayed.status, 401)
  assert.equal(replayed.body.error, 'invalid_dpop_proof')
})

test('after a restart of the host sessions go on, and proofs from before do not', async () => {
  const { access_token: token } = await app.signIn(alice)
  const proof = await app.proof('POST', '/oauth/par')
  host = await host.restart()
  app = new TestApp(host, app.key)
  refused(await app.post('/oauth/par', {}, { proof }), 'use_dpop_nonce')
  assert.equal(await isOpen(token), true)
})

test('a proof for another method, address or token opens nothing', async () => {
  const { access_token: token } = await app.signIn(alice)
  const other = await app.signIn(alice)
  const otherHash = createHash('sha256').update(other.access_token).digest('base64url')
  for (const claims of [
    { htm: 'POST' },
    { htu: `${host.url}/xrpc/com.atproto.repo.createRecord` },
    { htu: `https://evil.test/xrpc/${SESSION}` },
    { htu: undefined },
    { ath: otherHash },
    { ath: undefined },
    { jti: undefined },
  ]) {
    const answer = await app.call('GET', SESSION, token, { claims })
    assert.equal(answer.status, 401, JSON.stringify(claims))
    assert.equal(answer.body.error, 'invalid_dpop_proof', JSON.stringify(claims))
  }
})

test('a stolen access token opens nothing without its key, nor as a bearer token', async () => {
  const { access_token: token } = await app.signIn(alice)
  const thief = await TestApp.of(host)
  await thief.par()
  const answer = await thief.call('GET', SESSION, token)
  assert.equal(answer.status, 401)
  assert.equal(answer.body.error, 'invalid_dpop_proof')
  assert.equal((await host.get(SESSION, {}, token)).body.error, 'InvalidToken')
  const withoutProof = await host.call('GET', SESSION, {
    headers: { authorization: `DPoP ${token}` },
  })
  assert.equal(withoutProof.status, 401)
  const bearer = await thief.call('GET', SESSION, alice.accessJwt)
  assert.equal(bearer.body.error, 'InvalidToken', 'nor the other way round')
  assert.equal(await isOpen(token), true, 'the owner of the key goes on')
})

test('a token that was changed anywhere is none', async () => {
  const { access_token: token, refresh_token: refresh } = await app.signIn(alice)
  const [kind, id, generation, mac] = token.split('.') as [string, string, string, string]
  const mine = await app.signIn(alice)
  for (const forged of [
    `${kind}.${id}.2.${mac}`,
    `${kind}.${id}.0${generation}.${mac}`,
    `${kind}.${mine.access_token.split('.')[1]}.${generation}.${mac}`,
    `or.${id}.${generation}.${mac}`,
    `${kind}.${id}.${generation}.${mac.slice(0, -2)}AA`,
    `${token}.x`,
    refresh,
    'x'.repeat(5_000),
  ])
    assert.equal(await isOpen(forged), false, forged.slice(0, 80))
  refused(await app.refresh(token), 'invalid_grant', 'an access token renews nothing')
})

test('a stolen refresh token is bound to its key: using it ends the session', async () => {
  const tokens = await app.signIn(alice)
  const thief = await TestApp.of(host)
  refused(await thief.refresh(tokens.refresh_token), 'invalid_grant')
  assert.equal(await isOpen(tokens.access_token), false)
  refused(await app.refresh(tokens.refresh_token), 'invalid_grant')
})

test('an old refresh token, after its minute, ends the session, whoever brings it', async () => {
  const tokens = await app.signIn(alice)
  const renewed = (await app.refresh(tokens.refresh_token)).body
  await host.outside.advance(MINUTE_MS)
  refused(await app.refresh(tokens.refresh_token), 'invalid_grant')
  assert.equal(await isOpen(renewed.access_token), false)
  refused(await app.refresh(renewed.refresh_token), 'invalid_grant')
})

test('within its minute an old refresh token helps nobody who has not its key', async () => {
  const tokens = await app.signIn(alice)
  const renewed = (await app.refresh(tokens.refresh_token)).body
  const thief = await TestApp.of(host)
  refused(await thief.refresh(tokens.refresh_token), 'invalid_grant')
  assert.equal(await isOpen(renewed.access_token), false)
})

test('one older than the one before ends the session also within the minute', async () => {
  const tokens = await app.signIn(alice)
  const second = (await app.refresh(tokens.refresh_token)).body
  const third = (await app.refresh(second.refresh_token)).body
  refused(await app.refresh(tokens.refresh_token), 'invalid_grant')
  assert.equal(await isOpen(third.access_token), false)
})

test('renewing gives no more than was granted, whatever is asked for', async () => {
  const tokens = await app.signIn(alice, 'atproto')
  const renewed = await app.refresh(tokens.refresh_token, {
    scope: 'atproto transition:generic transition:email',
  })
  assert.equal(renewed.body.scope, 'atproto')
  const record = { $type: 'app.bsky.feed.post', text: 'x', createdAt: new Date().toISOString() }
  const input = { repo: alice.did, collection: 'app.bsky.feed.post', record }
  const token = renewed.body.access_token
  const written = await app.call('POST', 'com.atproto.repo.createRecord', token, { input })
  assert.equal(written.status, 403)
})

test('a code is good once: used again it ends what it gave', async () => {
  const code = await app.code(alice)
  const tokens = (await app.exchange(code)).body
  assert.equal(await isOpen(tokens.access_token), true)
  refused(await app.exchange(code), 'invalid_grant')
  assert.equal(await isOpen(tokens.access_token), false)
})

test('two that bring the same code at once get one session at most', async () => {
  const code = await app.code(alice)
  const answers = await Promise.all([app.exchange(code), app.exchange(code)])
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1)
})

test('a code is over after a minute', async () => {
  const code = await app.code(alice)
  await host.outside.advance(MINUTE_MS)
  refused(await app.exchange(code), 'invalid_grant')
})

test('a stolen code is bound to app, key, verifier and address', async () => {
  answering = () => Response.json(document)
  const web = await TestApp.of(host, { clientId: WEB, redirectUri: document.redirect_uris[0] })
  const code = await app.code(alice)
  const { verifier } = app
  web.verifier = verifier
  refused(
    await web.exchange(code, { redirect_uri: app.redirectUri }),
    'invalid_grant',
    'another app',
  )
  const thief = await TestApp.of(host)
  thief.verifier = verifier
  refused(await thief.exchange(code), 'invalid_grant', 'another key')
  for (const fields of [
    { code_verifier: undefined },
    { code_verifier: 'a'.repeat(43) },
    { code_verifier: createHash('sha256').update(verifier).digest('base64url') },
    { redirect_uri: 'http://127.0.0.1:9999/callback' },
    { redirect_uri: undefined },
    { code: `${code}x` },
    { code: undefined },
  ])
    refused(await app.exchange(code, fields), 'invalid_grant', JSON.stringify(fields))
  assert.equal((await app.exchange(code)).status, 200, 'its own app gets in')
})

test('PKCE cannot be left out, weakened, or used twice', async () => {
  for (const fields of [
    { code_challenge: undefined },
    { code_challenge_method: 'plain' },
    { code_challenge_method: undefined },
    { code_challenge: 'short' },
  ])
    refused(await app.par(fields), 'invalid_request', JSON.stringify(fields))
  await app.signIn(alice)
  const { verifier } = app
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const pushed = await app.par({ code_challenge: challenge })
  const { requests } = host.service.oauth
  const granted = { did: alice.did, scope: 'atproto' }
  const code = (await requests.grant(pushed.body.request_uri, granted))!
  app.verifier = verifier
  refused(await app.exchange(code), 'invalid_grant')
})

test('a request is decided once', async () => {
  const pushed = await app.par()
  const { requests } = host.service.oauth
  const granted = { did: alice.did, scope: 'atproto' }
  assert.ok(await requests.grant(pushed.body.request_uri, granted))
  assert.equal(await requests.grant(pushed.body.request_uri, granted), undefined)
  assert.equal(await requests.decline(pushed.body.request_uri), false)
})

test('nobody is sent to an address that the app does not declare', async () => {
  answering = () => Response.json(document)
  const web = await TestApp.of(host, { clientId: WEB })
  for (const redirectUri of [
    'https://evil.example/callback',
    'https://app.example.com/callback/../evil',
    'https://app.example.com/callback?next=https://evil.example',
    'https://app.example.com:444/callback',
    'https://app.example.com.evil.example/callback',
    'https://app.example.com@evil.example/callback',
    'http://127.0.0.1/callback',
    'javascript:alert(1)',
    '',
  ])
    refused(await web.par({ redirect_uri: redirectUri }), 'invalid_request', redirectUri)
})

test('what is missing, doubled or unknown in a request is refused by name', async () => {
  const cases: [string, Record<string, string | undefined>][] = [
    ['unsupported_response_type', { response_type: 'token' }],
    ['unsupported_response_type', { response_type: undefined }],
    ['invalid_scope', { scope: 'transition:generic' }],
    ['invalid_scope', { scope: 'atproto identity:*' }],
    ['invalid_request', { scope: undefined }],
    ['invalid_request', { state: undefined }],
    ['invalid_request', { response_mode: 'form_post' }],
    ['invalid_request', { prompt: 'whatever' }],
    ['invalid_request', { request: 'eyJ' }],
    ['invalid_request', { dpop_jkt: 'another' }],
    ['invalid_request', { client_id: undefined }],
    ['invalid_client', { client_secret: 'secret' }],
    ['invalid_client_metadata', { client_id: 'http://localhost:3000/' }],
  ]
  for (const [error, fields] of cases) refused(await app.par(fields), error, JSON.stringify(fields))
  const post = (body: string, type = 'application/x-www-form-urlencoded') =>
    host.visit('POST', '/oauth/par', { body, headers: { 'content-type': type } })
  for (const [body, type] of [
    ['client_id=a&client_id=b'],
    ['{}', 'application/json'],
    [`a=${'x'.repeat(40_000)}`],
    [Array.from({ length: 60 }, (_, i) => `f${i}=`).join('&')],
    ['%%%'],
  ] as [string, string?][]) {
    const { status } = await post(body, type)
    assert.ok(status >= 400 && status < 500, body.slice(0, 40))
  }
  refused(await app.post('/oauth/token', { grant_type: 'password' }), 'unsupported_grant_type')
})

test('an app ends no session but its own', async () => {
  const tokens = await app.signIn(alice)
  answering = () => Response.json(document)
  const web = await TestApp.of(host, { clientId: WEB })
  for (const token of [tokens.refresh_token, tokens.access_token, 'nonsense', undefined])
    assert.equal((await web.post('/oauth/revoke', { token })).status, 200)
  assert.equal(await isOpen(tokens.access_token), true)
})

test('an app that proves itself cannot be played by another, nor its proof played back', async () => {
  const clientId = 'https://server.example.com/client.json'
  const clientKey = await AppKey.make({ kid: 'a' })
  const fields = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [clientKey.jwk] } }
  answering = () => Response.json({ ...document, client_id: clientId, ...fields })
  const redirectUri = document.redirect_uris[0]!
  const server = await TestApp.of(host, { clientId, clientKey, redirectUri })
  const assertion = await server.assertion()
  assert.equal((await server.par({ client_assertion: assertion })).status, 201)
  refused(await server.par({ client_assertion: assertion }), 'invalid_client', 'played back')
  const forged = await TestApp.of(host, { clientId, clientKey: await AppKey.make(), redirectUri })
  refused(await forged.par(), 'invalid_client', 'another key')
  for (const claims of [
    { aud: 'https://other.test' },
    { iss: WEB },
    { iat: 1 },
    { jti: undefined },
  ]) {
    const wrong = await server.par({ client_assertion: await server.assertion(claims) })
    refused(wrong, 'invalid_client', JSON.stringify(claims))
  }
  refused(await server.par({ client_assertion_type: 'password' }), 'invalid_client')
})

test('no document is fetched from inside our network', async () => {
  fetched = []
  for (const clientId of [
    'https://127.0.0.1/client.json',
    'https://[::1]/client.json',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost/client.json',
    'https://metadata/client.json',
    'http://app.example.com/client.json',
    'https://app.example.com:8443/client.json',
    'file:///etc/passwd',
  ])
    refused(await app.par({ client_id: clientId }), 'invalid_client_metadata', clientId)
  assert.deepEqual(fetched, [], 'nobody was asked')
  // A public name that leads inside: the address that is connected to is judged, by the guarded fetch.
  const guarded = guardedFetch()
  answering = (url, init) =>
    guarded.fetch(url.replace('inside.example.com', 'inside.localhost'), init)
  const answer = await app.par({ client_id: 'https://inside.example.com/client.json' })
  refused(answer, 'invalid_client_metadata')
  assert.doesNotMatch(
    JSON.stringify(answer.body),
    /localhost|127|refused|address/i,
    'tells nothing',
  )
  await guarded.close()
})

test('a document that redirects, is too long, too slow, no JSON or not there is none', async () => {
  const cases: Record<string, Answering> = {
    redirecting: () => new Response('', { status: 302, headers: { location: 'http://10.0.0.1/' } }),
    html: () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
    broken: () => new Response('{', { headers: { 'content-type': 'application/json' } }),
    missing: () => Response.json(document, { status: 404 }),
    created: () => Response.json(document, { status: 201 }),
    long: () => Response.json({ ...document, padding: 'x'.repeat(100_000) }),
    slow: () => Promise.reject(new Error('Timeout')),
    endless: () =>
      new Response(
        new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(10_000).fill(32)) }),
        { headers: { 'content-type': 'application/json' } },
      ),
    another: () => Response.json({ ...document, client_id: 'https://evil.example/c.json' }),
  }
  for (const [name, answer] of Object.entries(cases)) {
    answering = answer
    fetched = []
    const clientId = `https://${name}.example.com/client.json`
    refused(await app.par({ client_id: clientId }), 'invalid_client_metadata', name)
    assert.equal(fetched.length, 1, name)
    const init = fetched[0]!.init as Record<string, unknown>
    assert.equal(init.redirect, 'error')
    assert.ok((init.timeoutMs as number) <= 5_000 && (init.maxResponseBytes as number) <= 65_536)
    await app.par({ client_id: clientId })
    assert.equal(fetched.length, 1, `${name}: left alone for a while`)
  }
})

test('guesses are counted by address', async () => {
  const counted = await TestHost.open({ config: { rateLimits: 'on' } })
  try {
    const busy = await TestApp.of(counted)
    let last: OAuthAnswer | undefined
    for (let i = 0; i < 310 && last?.status !== 429; i++) last = await busy.refresh('guess')
    assert.equal(last?.body.error, 'slow_down')
    assert.ok(Number(last?.headers['retry-after']) > 0)
  } finally {
    await counted.close()
  }
})
