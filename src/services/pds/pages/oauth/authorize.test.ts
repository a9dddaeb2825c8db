import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { AppKey, TestApp } from '../../oauth/oauth.test-support.ts'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

const documents = new Map<string, unknown>()
let host: TestHost
let alice: Person
let bob: Person

const TRUSTED = 'https://trusted.example.com/client.json'

before(async () => {
  host = await TestHost.open({
    config: { oauthTrustedClients: [TRUSTED] },
    async fetch(url) {
      const found = documents.get(String(url))
      if (!found) throw new Error('no such host')
      return Response.json(found)
    },
  })
  alice = await host.signUp('alice')
  bob = await host.signUp('bob')
})
after(() => host.close())

const english = () => new Browser(host, { 'accept-language': 'en' })

/** A web app of this name, asking for `scope`. */
async function webApp(name: string, scope: string, fields: object = {}, clientKey?: AppKey) {
  const clientId = `https://${name}.example.com/client.json`
  const redirectUri = `https://${name}.example.com/callback`
  documents.set(clientId, {
    client_id: clientId,
    client_name: 'The Best App',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    scope,
    dpop_bound_access_tokens: true,
    ...fields,
  })
  return TestApp.of(host, { clientId, redirectUri, clientKey })
}

/** Where an app sends its people. */
async function pageOf(app: TestApp, fields: Record<string, string> = {}): Promise<string> {
  const pushed = await app.par(fields)
  assert.equal(pushed.status, 201, JSON.stringify(pushed.body))
  return `/oauth/authorize?${new URLSearchParams({ client_id: app.clientId, request_uri: pushed.body.request_uri })}`
}

/** What the app is told, at the end of the way. */
function toldTo(app: TestApp, browser: Browser): URLSearchParams {
  const { status, headers } = browser.seen!
  assert.equal(status, 303, plainText(browser.seen!.text))
  const url = new URL(headers.location!)
  assert.equal(url.origin + url.pathname, app.redirectUri)
  const params = url.hash ? new URLSearchParams(url.hash.slice(1)) : url.searchParams
  assert.equal(params.get('state'), 'the state')
  assert.equal(params.get('iss'), host.url)
  return params
}

test('somebody signs in, sees who asks for what, allows it, and the app gets its tokens', async () => {
  const app = await TestApp.of(host)
  const browser = english()
  const page = await pageOf(app, { login_hint: alice.handle })
  const signIn = await browser.open(page)
  assert.match(signIn.at, /^\/account\/sign-in/)
  assert.match(signIn.text, /value="alice.test"/, 'the name is filled in')
  const consent = await browser.send(undefined, { name: alice.handle, password: alice.password })
  const text = plainText(consent.text)
  assert.match(text, /An app on this device/)
  assert.match(text, /@alice\.test/)
  assert.match(text, /Act for you in everything public/)
  assert.match(
    consent.headers['content-security-policy']!,
    /form-action 'self' http:\/\/127\.0\.0\.1:4567;/,
  )
  assert.match(consent.headers['content-security-policy']!, /frame-ancestors 'none'/)
  await browser.send('decision', { decision: 'allow', scope: '0' })
  const told = toldTo(app, browser)
  const tokens = await app.exchange(told.get('code')!)
  assert.equal(tokens.body.sub, alice.did)
  assert.equal(tokens.body.scope, 'atproto transition:generic')
})

test('single permissions may be declined, and are not there afterwards', async () => {
  const scope = 'atproto repo:app.bsky.feed.post account:email identity:handle blob:image/*'
  const app = await webApp('granular', scope)
  const browser = english()
  await browser.signIn(alice, await pageOf(app, { scope }))
  const text = plainText(browser.seen!.text)
  for (const words of [
    'Write, change and delete posts',
    'Know your email address',
    'Change your handle',
    'Upload pictures',
  ])
    assert.ok(text.includes(words), words)
  const ticked = [...browser.seen!.text.matchAll(/name="scope" value="(\d)"( checked)?/g)]
  assert.deepEqual(
    ticked.map((match) => match[2] !== undefined),
    [true, true, false, true],
    'what is grave is not ticked',
  )
  await browser.send('decision', { decision: 'allow', scope: ['0', '3'] })
  const tokens = (await app.exchange(toldTo(app, browser).get('code')!)).body
  assert.equal(tokens.scope, 'atproto repo:app.bsky.feed.post blob:image/*')
  const session = await app.call('GET', 'com.atproto.server.getSession', tokens.access_token)
  assert.equal(session.body.email, undefined)
  const input = { handle: 'alice-2.test' }
  const rename = await app.call('POST', 'com.atproto.identity.updateHandle', tokens.access_token, {
    input,
  })
  assert.equal(rename.status, 403)
  assert.equal(rename.body.error, 'ScopeMissingError')
})

test('who declines sends the app away with nothing, and the request is over', async () => {
  const app = await webApp('declined', 'atproto')
  const browser = english()
  const page = await pageOf(app, { scope: 'atproto', response_mode: 'fragment' })
  await browser.signIn(alice, page)
  await browser.send('decision', { decision: 'deny' })
  assert.equal(toldTo(app, browser).get('error'), 'access_denied')
  const again = await browser.open(page)
  assert.equal(again.status, 400)
  assert.match(plainText(again.text), /This request is over/)
})

test('of several accounts one is chosen; the one that was named is the only one', async () => {
  const app = await TestApp.of(host)
  const browser = english()
  await browser.signIn(alice)
  await host.outside.advance(1_000)
  await browser.signIn(bob)
  await browser.open(await pageOf(app))
  assert.match(plainText(browser.seen!.text), /Which account\?.*@bob\.test.*@alice\.test/)
  await browser.send('decision', { decision: 'allow', account: alice.did })
  const code = toldTo(app, browser).get('code')!
  assert.equal((await app.exchange(code)).body.sub, alice.did)
  await browser.open(await pageOf(app, { login_hint: bob.handle }))
  assert.doesNotMatch(plainText(browser.seen!.text), /alice/)
  await browser.send('decision', { decision: 'allow', account: alice.did })
  assert.equal(browser.seen!.status, 200, 'asked again')
  await browser.send('decision', { decision: 'allow' })
  assert.equal((await app.exchange(toldTo(app, browser).get('code')!)).body.sub, bob.did)
})

test('an app may ask for a fresh sign-in', async () => {
  const app = await TestApp.of(host)
  const browser = english()
  await browser.signIn(alice)
  await host.outside.advance(60_000)
  const page = await pageOf(app, { prompt: 'login' })
  assert.match((await browser.open(page)).at, /^\/account\/sign-in/)
  await browser.signIn(alice, page)
  assert.match(plainText(browser.seen!.text), /wants to work in your account/)
})

test('only an app that proves itself, and was let in before, gets in without a page', async () => {
  const silent = async (app: TestApp, browser: Browser) => {
    await browser.open(await pageOf(app, { prompt: 'none' }))
    const told = toldTo(app, browser)
    return told.get('error') ?? (told.has('code') ? 'code' : 'nothing')
  }
  const fields = { token_endpoint_auth_method: 'private_key_jwt' }
  const key = await AppKey.make({ kid: 'a' })
  const scope = 'atproto transition:generic'
  const server = await webApp('server', scope, { ...fields, jwks: { keys: [key.jwk] } }, key)
  const browser = english()
  assert.equal(await silent(server, browser), 'login_required')
  await browser.signIn(alice)
  assert.equal(await silent(server, browser), 'consent_required')
  await browser.open(await pageOf(server))
  await browser.send('decision', { decision: 'allow', scope: '0' })
  await server.exchange(toldTo(server, browser).get('code')!)
  assert.equal(await silent(server, browser), 'code')
  const open = await webApp('open', scope)
  await open.signIn(alice)
  assert.equal(await silent(open, browser), 'consent_required')
})

test('an app is called by its address, unless the operator trusts it', async () => {
  const browser = english()
  await browser.signIn(alice)
  await browser.open(await pageOf(await webApp('stranger', 'atproto'), { scope: 'atproto' }))
  assert.doesNotMatch(browser.seen!.text, /The Best App/)
  assert.match(plainText(browser.seen!.text), /stranger\.example\.com/)
  await browser.open(await pageOf(await webApp('trusted', 'atproto'), { scope: 'atproto' }))
  assert.match(plainText(browser.seen!.text), /The Best App · trusted\.example\.com/)
})

test('the page is there in Arabic, and names stand in their own direction', async () => {
  const browser = new Browser(host, { 'accept-language': 'ar' })
  const scope =
    'atproto repo:com.example.thing rpc:com.example.read?aud=did:web:api.example.com%23svc'
  await browser.signIn(alice, await pageOf(await webApp('arabic', scope), { scope }))
  const { text } = browser.seen!
  assert.match(text, /<html lang="ar" dir="rtl">/)
  assert.match(text, /يريد أن يعمل في حسابك/)
  assert.match(text, /أن يكتب ويغيّر ويحذف <bdi dir="ltr">com\.example\.thing<\/bdi>/)
})

test('a request belongs to the browser that opened it first', async () => {
  const app = await TestApp.of(host)
  const page = await pageOf(app)
  const [mine, theirs] = [english(), english()]
  await mine.signIn(alice)
  await theirs.signIn(bob)
  await mine.open(page)
  assert.equal((await theirs.open(page)).status, 400)
  assert.equal((await mine.open(page)).status, 200)
})

test('nobody is led anywhere by a request that is none, is over, or is of another app', async () => {
  const app = await TestApp.of(host)
  const other = await webApp('other', 'atproto')
  const browser = english()
  await browser.signIn(alice)
  const page = new URL(await pageOf(app), host.url)
  const requestUri = page.searchParams.get('request_uri')!
  const tries: Record<string, string>[] = [
    {},
    { client_id: app.clientId },
    { request_uri: requestUri },
    { client_id: other.clientId, request_uri: requestUri },
    { client_id: app.clientId, request_uri: `${requestUri}x` },
    { client_id: app.clientId, redirect_uri: 'https://evil.example/', response_type: 'code' },
    { client_id: app.clientId, request_uri: 'https://evil.example/request' },
  ]
  for (const params of tries) {
    const seen = await browser.open(`/oauth/authorize?${new URLSearchParams(params)}`)
    assert.equal(seen.status, 400)
    assert.equal(seen.headers.location, undefined)
    assert.doesNotMatch(seen.text, /(href|action|src)="(?![/#])/, 'no way out')
  }
  const late = await pageOf(app)
  await host.outside.advance(6 * 60_000)
  assert.equal((await browser.open(late)).status, 400)
})

test("another site's form decides nothing, nor one without the browser's own token", async () => {
  const app = await TestApp.of(host)
  const browser = english()
  const page = await pageOf(app)
  await browser.signIn(alice, page)
  const form = String(new URLSearchParams({ decision: 'allow', account: alice.did, scope: '0' }))
  const token = `&page-token=${encodeURIComponent(browser.token())}`
  assert.equal((await browser.ask('POST', page, form)).status, 403)
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.equal((await browser.ask('POST', page, form + token, headers)).status, 403)
  const thief = english()
  await thief.signIn(bob)
  assert.notEqual((await thief.ask('POST', page, form + token)).status, 303)
  assert.equal((await browser.ask('POST', page, form + token)).status, 303)
  assert.equal((await browser.ask('POST', page, form + token)).status, 400, 'decided once')
})

test('an account that was taken down lets no app in', async () => {
  const carol = await host.signUp('carol')
  const app = await TestApp.of(host)
  const browser = english()
  const page = await pageOf(app)
  await browser.signIn(carol, page)
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: carol.did }
  const input = { subject, takedown: { applied: true } }
  await host.call('POST', 'com.atproto.admin.updateSubjectStatus', { input, headers })
  await browser.send('decision', { decision: 'allow', scope: '0' })
  assert.notEqual(browser.seen!.status, 303)
})
