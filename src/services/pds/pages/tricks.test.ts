/** What other sites, neighbours and guessers try with the pages of a host. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestApp } from '../oauth/oauth.test-support.ts'
import { pages } from '../pages.ts'
import type { Pds } from '../parts.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { Browser, plainText } from './browser.test-support.ts'

const DEVICE = '__Host-falaj-device'
let host: TestHost
let alice: Person

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
})
after(() => host.close())

const english = () => new Browser(host, { 'accept-language': 'en' })

/** Where an app sends its people. */
async function pageOf(app: TestApp, fields: Record<string, string> = {}): Promise<string> {
  const pushed = await app.par(fields)
  assert.equal(pushed.status, 201, JSON.stringify(pushed.body))
  const { request_uri } = pushed.body
  return `/oauth/authorize?${new URLSearchParams({ client_id: app.clientId, request_uri })}`
}

/** The addresses of all pages, from their table, but for the two that are downloads. */
const paths = () =>
  pages({} as Pds)
    .map(({ path }) => path)
    .filter((path) => !/\.(zip|car)$/.test(path))

test('no page of any kind lets itself be framed, kept, or read by another site', async () => {
  const app = await TestApp.of(host)
  const browser = english()
  await browser.signIn(alice)
  const all = paths()
  assert.ok(all.length > 15 && all.includes('/account/second-factors'), all.join(' '))
  for (const path of [...all, await pageOf(app)]) {
    const { status, headers = {} } = await browser.ask('GET', path, undefined, {
      accept: 'text/html',
      origin: 'https://evil.example',
    })
    assert.match(headers['content-security-policy'] ?? '', /frame-ancestors 'none'/, path)
    assert.equal(headers['x-frame-options'], 'DENY', `${path} ${status}`)
    assert.equal(headers['access-control-allow-origin'], undefined, path)
    assert.match(headers['cache-control'] ?? '', /no-store/, path)
  }
})

test('the cookie of a browser that is signed in opens no method: only tokens do', async () => {
  const browser = english()
  await browser.signIn(alice)
  for (const [method, nsid] of [
    ['GET', 'com.atproto.server.getSession'],
    ['POST', 'com.atproto.repo.createRecord'],
    ['POST', 'com.atproto.server.refreshSession'],
    ['GET', 'app.bsky.actor.getPreferences'],
  ] as const) {
    const answer = await browser.ask(method, `/xrpc/${nsid}`, undefined, {
      origin: 'https://evil.example',
    })
    assert.equal(answer.status, 401, nsid)
  }
})

test('a device that somebody prepared lets no app in, whoever signs in on it', async () => {
  const app = await TestApp.of(host)
  const page = await pageOf(app)
  const attacker = english()
  await attacker.open(page)
  const victim = english()
  victim.cookies.set(DEVICE, attacker.cookies.get(DEVICE)!)
  await victim.signIn(alice, page)
  assert.notEqual(victim.cookies.get(DEVICE), attacker.cookies.get(DEVICE))
  const seen = await attacker.open(page)
  assert.doesNotMatch(plainText(seen.text), /alice\.test/, 'the one who prepared it sees nobody')
  const form = new URLSearchParams({ decision: 'allow', account: alice.did, scope: '0' })
  const token = /name="page-token" value="([^"]*)"/.exec(seen.text)?.[1]
  if (token) form.set('page-token', token)
  const answer = await attacker.ask('POST', page, form.toString())
  assert.ok(!answer.headers?.location?.startsWith(app.redirectUri), 'and gets no code')
})

test('an app that names somebody learns nothing of whether they are here', async () => {
  const seen = []
  for (const name of ['alice.test', 'nobody.test', 'nobody@mail.example', 'did:plc:nobody']) {
    const app = await TestApp.of(host)
    const pushed = await app.par({ login_hint: name })
    const { request_uri } = pushed.body
    const query = new URLSearchParams({ client_id: app.clientId, request_uri })
    const { status, text } = await english().open(`/oauth/authorize?${query}`)
    const said = text
      .replaceAll(name, '…')
      .replaceAll(encodeURIComponent(name), '…')
      .replaceAll(/value="[\w-]{43,}"|data-options="[^"]*"/g, '')
    seen.push({
      pushed: pushed.status,
      keys: Object.keys(pushed.body),
      status,
      said: said.replaceAll(/urn[^"&]*/g, ''),
    })
  }
  for (const one of seen) assert.deepEqual(one, seen[0])
  assert.deepEqual([seen[0]!.pushed, seen[0]!.status], [201, 200])
})

test('a password that was right is never sent on: every form is answered by a GET elsewhere', async () => {
  const app = await TestApp.of(host)
  const browser = english()
  await browser.open(await pageOf(app))
  const fields = { name: alice.handle, password: alice.password, 'page-token': browser.token() }
  const signedIn = await browser.ask('POST', browser.seen!.at, String(new URLSearchParams(fields)))
  assert.equal(signedIn.status, 303, 'not 307 or 308, which would repeat the password')
  const other = english()
  await other.signIn(alice, await pageOf(app))
  await other.send('decision', { decision: 'allow', scope: '0' })
  assert.equal(other.seen!.status, 303)
})

test('an app cannot smuggle a request of its own making past the pushed one', async () => {
  const app = await TestApp.of(host)
  for (const fields of [
    { request_uri: 'urn:ietf:params:oauth:request_uri:other' },
    { request: 'eyJhbGciOiJub25lIn0.e30.' },
  ] as Record<string, string>[]) {
    const { status, body } = await app.par(fields)
    assert.equal(status, 400)
    assert.equal(body.error, 'invalid_request')
  }
  const page = await pageOf(app)
  const browser = english()
  const more =
    '&scope=atproto+transition%3Aemail&redirect_uri=https%3A%2F%2Fevil.example%2F&state=other'
  await browser.signIn(alice, page + more)
  assert.doesNotMatch(plainText(browser.seen!.text), /e-?mail address/i, 'what is pushed counts')
  await browser.send('decision', { decision: 'allow', scope: '0' })
  const back = new URL(browser.seen!.headers.location!)
  assert.equal(back.origin + back.pathname, app.redirectUri)
  assert.equal(back.searchParams.get('state'), 'the state')
})
