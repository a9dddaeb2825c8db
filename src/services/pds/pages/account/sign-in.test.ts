/** Signing in at a page: for the owner, and for everybody who tries to be. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

let host: TestHost
let alice: Person
let bob: Person
before(async () => {
  host = await TestHost.open({ config: { rateLimits: 'on' } })
  alice = await host.signUp('alice')
  bob = await host.signUp('bob')
})
after(() => host.close())

/** Tokens and challenges are different each time. */
const RANDOM = /value="[\w-]{43,}"|data-options="[^"]*"/g
const DEVICE = '__Host-falaj-device'

test('a password opens the account’s pages, by handle, short name or address', async () => {
  for (const name of ['alice.test', '@Alice.test', 'alice', 'alice@mail.example', alice.did]) {
    const browser = new Browser(host, { 'accept-language': 'en' })
    const { at, text } = await browser.signIn({ ...alice, handle: name as Person['handle'] })
    assert.equal(at, '/account', name)
    assert.match(plainText(text), /@alice\.test/)
  }
})

test('who is not signed in is led to the sign-in, and back to where they were going', async () => {
  const browser = new Browser(host)
  const { at } = await browser.open('/account?x=1')
  assert.equal(at, '/account/sign-in?return=%2Faccount%3Fx%3D1')
  assert.equal(
    (await browser.send(undefined, { name: 'alice', password: alice.password })).at,
    '/account?x=1',
  )
})

test('the way back never leaves the host', async () => {
  for (const to of [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '%2F%2Fevil.example',
  ]) {
    const browser = new Browser(host)
    const { at } = await browser.signIn(alice, `/account/sign-in?return=${encodeURIComponent(to)}`)
    assert.equal(at, '/account', to)
  }
})

test('a device that somebody prepared is not the one that is signed in', async () => {
  const attacker = new Browser(host)
  await attacker.open('/account/sign-in')
  const victim = new Browser(host)
  victim.cookies.set(DEVICE, attacker.cookies.get(DEVICE)!)
  assert.equal((await victim.signIn(alice)).at, '/account')
  assert.notEqual(victim.cookies.get(DEVICE), attacker.cookies.get(DEVICE))
  assert.match((await attacker.open('/account')).at, /sign-in/)
  // Nor is one on which the attacker has signed in themselves.
  const [thief, second] = [new Browser(host), new Browser(host)]
  await thief.signIn(bob)
  second.cookies.set(DEVICE, thief.cookies.get(DEVICE)!)
  await second.signIn(alice)
  assert.match((await thief.open('/account')).at, /sign-in/)
})

test('nothing tells whether a name exists: words, status, cookies, headers and work are the same', async () => {
  const answers = []
  for (const name of ['alice.test', 'nobody.test', 'nobody@mail.example', 'did:plc:nobody']) {
    const browser = new Browser(host, { 'accept-language': 'en' })
    await browser.open('/account/sign-in')
    const { status, headers, text } = await browser.send(undefined, { name, password: 'not it' })
    const said = text.replaceAll(name, '…').replaceAll(RANDOM, '')
    answers.push({ status, headers, said })
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  assert.equal(answers[0]!.status, 400)
})

test('guessing a password ends, for a name and for an address', async () => {
  const guess = async (ip: string, name: string) => {
    const browser = new Browser(host)
    browser.ip = ip
    await browser.open('/account/sign-in')
    const { status, headers } = await browser.send(undefined, { name, password: 'a guess' })
    return { status, wait: Number(headers['retry-after']) }
  }
  let last = { status: 0, wait: 0 }
  for (let i = 0; i < 31; i++) last = await guess('192.0.2.1', 'bob.test')
  assert.equal(last.status, 429)
  assert.ok(last.wait > 0)
  // Also where the guesser knows the rest: the same budget as createSession's.
  const input = { identifier: 'bob.test', password: bob.password }
  const { status } = await host.call('POST', 'com.atproto.server.createSession', {
    input,
    ip: '192.0.2.1',
  })
  assert.equal(status, 429)
  const other = new Browser(host)
  other.ip = '192.0.2.2'
  assert.equal((await other.signIn(bob)).at, '/account')
})

test('an app password opens no page', async () => {
  const { body } = await host.post(
    'com.atproto.server.createAppPassword',
    { name: 'an app' },
    alice.accessJwt,
  )
  const browser = new Browser(host)
  const { status } = await browser.signIn({ ...alice, password: body.password })
  assert.equal(status, 400)
})

test('one browser holds several accounts, and signs them out one by one', async () => {
  const browser = new Browser(host)
  await browser.signIn(alice)
  assert.match((await browser.signIn(bob)).text, /@bob\.test/)
  const left = await browser.send(bob.did, {})
  assert.match(left.text, /@alice\.test/)
  assert.doesNotMatch(left.text, /@bob\.test/)
  assert.match((await browser.send(alice.did, {})).at, /sign-in/)
})

test('a sign-in ends when its browser stays away for a month', async () => {
  const browser = new Browser(host)
  await browser.signIn(alice)
  await host.outside.advance(20 * 86_400_000)
  assert.equal((await browser.open('/account')).at, '/account')
  await host.outside.advance(20 * 86_400_000)
  assert.equal((await browser.open('/account')).at, '/account')
  await host.outside.advance(31 * 86_400_000)
  assert.match((await browser.open('/account')).at, /sign-in/)
  assert.match((await browser.open('/account')).at, /sign-in/, 'and looking does not bring it back')
})
