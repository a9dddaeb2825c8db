/** Second factors at the pages and for apps: for their owner, and for who has only the password. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fromBase32 } from '#protocol/crypto'
import { Authenticator } from '../../factors/authenticator.test-support.ts'
import { totpCode, totpStep } from '../../factors/totp.ts'
import { TestApp } from '../../oauth/oauth.test-support.ts'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

const MINUTE_MS = 60_000
let host: TestHost
before(async () => {
  host = await TestHost.open()
})
after(() => host.close())

const createSession = ({ handle, password }: Person, authFactorToken?: string) =>
  host.post('com.atproto.server.createSession', { identifier: handle, password, authFactorToken })

const PAGE = '/account/second-factors'
const english = () => new Browser(host, { 'accept-language': 'en' })

/** The code an app with this secret shows now; `steps` later if told. */
const code = (secret: Uint8Array, steps = 0) =>
  totpCode(secret, totpStep(host.outside.now()) + steps)

async function signedInBrowser(person: Person): Promise<Browser> {
  const browser = english()
  await browser.signIn(person)
  return browser
}

async function addApp(browser: Browser): Promise<{ secret: Uint8Array; recovery: string[] }> {
  const { text } = await browser.open(PAGE)
  const shown = /([A-Z2-7]{4} ){7}[A-Z2-7]{4}/.exec(text)![0]
  const secret = fromBase32(shown.replaceAll(' ', '').toLowerCase())
  const answer = await browser.send('name="secret"', { code: await code(secret) })
  return { secret, recovery: answer.text.match(/[a-z2-7]{4}(-[a-z2-7]{4}){3}/g) ?? [] }
}

async function passkeyOptions(browser: Browser, kind: string) {
  const form = [...browser.seen!.text.matchAll(/<form[^>]*data-passkey="(\w+)"[^>]*>/g)].find(
    (one) => one[1] === kind,
  )![0]
  return JSON.parse(/data-options="([^"]*)"/.exec(form)![1]!.replaceAll('&quot;', '"'))
}

test('an app’s code is asked for after the password, once, and lets its owner in', async () => {
  const alice = await host.signUp('alice')
  const browser = english()
  await browser.signIn(alice)
  const { secret, recovery } = await addApp(browser)
  assert.equal(recovery.length, 10, 'with the first factor come recovery codes')

  await host.outside.advance(2 * MINUTE_MS)
  const other = english()
  assert.match(
    (await other.signIn(alice, '/account/sign-in?return=/account/devices')).at,
    /second-step/,
  )
  assert.match((await other.open('/account')).at, /sign-in/, 'the password alone opens nothing')
  await other.signIn(alice, '/account/sign-in?return=/account/devices')
  assert.equal((await other.send('name="code"', { code: '000000' })).status, 400)
  const now = await code(secret)
  assert.equal((await other.send('name="code"', { code: now })).at, '/account/devices')

  const third = english()
  await third.signIn(alice)
  assert.equal((await third.send('name="code"', { code: now })).status, 400, 'not the same again')
  assert.equal((await third.send('name="code"', { code: recovery[0]! })).at, '/account')
  const fourth = english()
  await fourth.signIn(alice)
  assert.equal((await fourth.send('name="code"', { code: recovery[0]! })).status, 400)
  assert.equal(
    (await fourth.send('name="code"', { code: recovery[1]!.toUpperCase() })).at,
    '/account',
  )

  const history = plainText((await fourth.open('/account/devices')).text)
  assert.match(history, /password \+ authenticator app/)
  assert.match(history, /password \+ recovery code/)
  assert.match(history, /password · Firefox, Linux · 127\.0\.0\.x wrong code ×3/)
})

test('a device that is trusted is not asked, for thirty days, and only it', async () => {
  const bob = await host.signUp('bob')
  const browser = english()
  await browser.signIn(bob)
  const { secret } = await addApp(browser)
  const trusted = english()
  await trusted.signIn(bob)
  await trusted.send('name="code"', { code: await code(secret, 1), trust: '1' })
  await trusted.send('sign-out', {})
  assert.equal((await trusted.signIn(bob)).at, '/account')
  assert.match((await english().signIn(bob)).at, /second-step/)
  await host.outside.advance(31 * 24 * 60 * MINUTE_MS)
  assert.match((await trusted.signIn(bob)).at, /second-step/)
})

test('an app that signs in needs a code too, and an app password none', async () => {
  const carol = await host.signUp('carol')
  const browser = english()
  await browser.signIn(carol)
  const appPassword = await host.post(
    'com.atproto.server.createAppPassword',
    { name: 'old app' },
    carol.accessJwt,
  )
  const { secret } = await addApp(browser)
  const asked = await createSession(carol)
  assert.deepEqual([asked.status, asked.body.error], [401, 'AuthFactorTokenRequired'])
  const wrong = await createSession(carol, '123456')
  assert.deepEqual([wrong.status, wrong.body.error], [400, 'InvalidToken'])
  await host.outside.advance(MINUTE_MS)
  const { status, body } = await createSession(carol, await code(secret))
  assert.equal(status, 200)
  assert.equal(body.emailAuthFactor, false)
  assert.equal((await createSession({ ...carol, password: appPassword.body.password })).status, 200)
  const nobody = await createSession({ ...carol, password: 'guess' }, '123456')
  assert.equal(nobody.body.error, 'AuthenticationRequired', 'the password comes first')
})

test('codes by mail, as the official client turns them on and off', async () => {
  const dave = await host.signUp('dave')
  const email = dave.email
  const server = (method: string, input?: unknown) =>
    host.post(`com.atproto.server.${method}`, input, dave.accessJwt)
  const early = await server('updateEmail', { email, emailAuthFactor: true })
  assert.equal(early.status, 400, 'only to an address that was confirmed')
  await server('requestEmailConfirmation')
  await server('confirmEmail', { email, token: await host.mailedCode(dave) })
  assert.equal((await server('updateEmail', { email, emailAuthFactor: true })).status, 200)

  const asked = await createSession(dave)
  assert.equal(asked.body.error, 'AuthFactorTokenRequired')
  const mailed = await host.mailedCode(dave)
  const { body } = await createSession(dave, mailed)
  assert.equal(body.emailAuthFactor, true)
  assert.equal(body.emailConfirmed, true)
  assert.equal((await createSession(dave, mailed)).status, 400, 'once')

  const browser = english()
  assert.match(plainText((await browser.signIn(dave)).text), /We sent a code to your email/)
  assert.equal(
    (await browser.send('name="code"', { code: await host.mailedCode(dave) })).at,
    '/account',
  )

  assert.equal(
    (await server('updateEmail', { email, emailAuthFactor: false })).body.error,
    'TokenRequired',
  )
  await server('requestEmailUpdate')
  const token = await host.mailedCode(dave)
  assert.equal((await server('updateEmail', { email, emailAuthFactor: false, token })).status, 200)
  assert.equal((await createSession(dave)).body.emailAuthFactor, false)
})

test('guessing codes ends, however many ask at once, and the owner is told', async () => {
  const erin = await host.signUp('erin')
  const browser = english()
  await browser.signIn(erin)
  const { secret } = await addApp(browser)
  const guesses = await Promise.all(
    Array.from({ length: 25 }, (_, i) => createSession(erin, String(100_000 + i))),
  )
  const counts = new Map<number, number>()
  for (const { status } of guesses) counts.set(status, (counts.get(status) ?? 0) + 1)
  assert.deepEqual([counts.get(400), counts.get(429)], [10, 15])
  await host.outside.advance(MINUTE_MS)
  assert.equal(
    (await createSession(erin, await code(secret))).status,
    429,
    'also a right one waits',
  )
  const letters = await host.admin('listLetters', { recipient: erin.did, limit: 50 })
  const purposes = letters.letters.map((one: { purpose: string }) => one.purpose)
  assert.equal(purposes.filter((one: string) => one === 'notice-wrong-codes').length, 1)
  await host.outside.advance(16 * MINUTE_MS)
  assert.equal((await createSession(erin, await code(secret))).status, 200)
})

test('a passkey is made, opens the account alone, and answers each question once', async () => {
  const frank = await host.signUp('frank')
  const keys = new Authenticator(host.url)
  const browser = english()
  await browser.signIn(frank)
  await browser.open(PAGE)
  const options = await passkeyOptions(browser, 'create')
  assert.equal(options.rp.id, 'pds.test')
  for (const bend of [
    { origin: 'https://evil.example' },
    { unverified: true },
    { challenge: 'AAAA' },
  ]) {
    await browser.open(PAGE)
    const answer = new Authenticator(host.url).create(await passkeyOptions(browser, 'create'), bend)
    assert.equal((await browser.send('data-passkey="create"', { answer, name: 'x' })).status, 400)
  }
  await browser.open(PAGE)
  const answer = keys.create(await passkeyOptions(browser, 'create'))
  const made = await browser.send('data-passkey="create"', { answer, name: 'my phone' })
  assert.match(plainText(made.text), /These are your recovery codes/)
  assert.match(plainText((await browser.open(PAGE)).text), /Passkey: my phone/)

  const enter = async (bend = {}) => {
    const visitor = english()
    await visitor.open('/account/sign-in')
    const answer = keys.use(await passkeyOptions(visitor, 'use'), bend)
    return { visitor, seen: await visitor.send('data-passkey="use"', { answer }), answer }
  }
  const good = await enter()
  assert.equal(good.seen.at, '/account')
  for (const bend of [
    { forged: true },
    { origin: 'https://evil.example' },
    { rpId: 'evil.example' },
    { unverified: true },
    { challenge: 'AAAA' },
    { count: 1 },
  ]) {
    assert.equal((await enter(bend)).seen.status, 400, JSON.stringify(bend))
  }
  keys.credentials[0]!.count = 10

  // One's own answer again, and somebody else's question.
  const visitor = english()
  await visitor.open('/account/sign-in')
  const again = keys.use(await passkeyOptions(visitor, 'use'))
  const form = new URLSearchParams({ 'page-token': visitor.token(), answer: again })
  form.set('kept', /name="kept" value="([^"]*)"/.exec(visitor.seen!.text)![1]!)
  const first = await visitor.ask('POST', '/account/sign-in/passkey', form.toString())
  const second = await visitor.ask('POST', '/account/sign-in/passkey', form.toString())
  assert.deepEqual([first.status, second.status], [303, 400])
  const thief = english()
  await thief.open('/account/sign-in')
  assert.equal((await thief.send('data-passkey="use"', { answer: good.answer })).status, 400)

  // It is also a second step; and the page asks of a stranger's nothing.
  assert.equal((await createSession(frank)).body.error, 'AuthFactorTokenRequired')
  const step = english()
  await step.signIn(frank)
  const known = await passkeyOptions(step, 'use')
  assert.equal(known.allowCredentials[0].id, keys.credentials[0]!.id)
  const { at } = await step.send('data-passkey="use"', { answer: keys.use(known) })
  assert.equal(at, '/account')
})

test('what was removed is asked for no more, and the owner is told of both', async () => {
  const grace = await host.signUp('grace')
  const browser = english()
  await browser.signIn(grace)
  await addApp(browser)
  await browser.open(PAGE)
  const remove = /name="remove" value="([^"]*)"/.exec(browser.seen!.text)![1]!
  const { text } = await browser.send('name="remove"', { remove })
  assert.match(plainText(text), /No second factor yet/)
  const { letters } = await host.admin('listLetters', { recipient: grace.did, limit: 9 })
  const purposes = letters.map((one: { purpose: string }) => one.purpose)
  assert.deepEqual(purposes.slice(0, 2).toSorted(), [
    'notice-factor-added',
    'notice-factor-removed',
  ])
})

test('the secret of an app lies sealed, and ends with the account', async () => {
  const heidi = await host.signUp('heidi')
  const browser = english()
  await browser.signIn(heidi)
  const { secret } = await addApp(browser)
  const rows = await host.sql.all<{ secret: Uint8Array }>(
    'SELECT secret FROM factors WHERE did = ?',
    [heidi.did],
  )
  assert.equal(Buffer.from(rows[0]!.secret).includes(Buffer.from(secret)), false)
  const admin = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  await host.call('POST', 'com.atproto.admin.deleteAccount', {
    input: { did: heidi.did },
    headers: admin,
  })
  for (const table of ['factors', 'recovery_codes', 'device_accounts', 'sign_ins']) {
    const left = await host.sql.all(`SELECT 1 FROM ${table} WHERE did = ?`, [heidi.did])
    assert.equal(left.length, 0, table)
  }
})

test('a host that asks everybody for a second factor mails codes to who has none', async () => {
  const strict = await TestHost.open({ config: { secondFactors: 'everybody' } })
  const ivan = await strict.signUp('ivan')
  const input = { identifier: ivan.handle, password: ivan.password }
  const asked = await strict.post('com.atproto.server.createSession', input)
  assert.equal(asked.body.error, 'AuthFactorTokenRequired')
  const authFactorToken = await strict.mailedCode(ivan)
  const { status } = await strict.post('com.atproto.server.createSession', {
    ...input,
    authFactorToken,
  })
  assert.equal(status, 200)
  const browser = new Browser(strict, { 'accept-language': 'en' })
  assert.match((await browser.signIn(ivan)).at, /second-step/)
  // Who has no address either is led to set one up; apps wait until then.
  const mia = await strict.signUp('mia', { email: undefined })
  const app = { identifier: mia.handle, password: mia.password }
  const refused = await strict.post('com.atproto.server.createSession', app)
  assert.equal(refused.body.error, 'AuthFactorTokenRequired')
  const phone = new Browser(strict)
  assert.match((await phone.signIn(mia)).at, /^\/account\/second-factors\?/)
  await strict.close()
})

test('who lacks a factor that the host asks for gets nothing but the way to set one up', async () => {
  let strict = await TestHost.open()
  const nora = await strict.signUp('nora', { email: undefined })
  const own = { identifier: nora.handle, password: nora.password }
  const login = (input: object) => strict.post('com.atproto.server.createSession', input)
  const renew = (token: string) =>
    strict.post('com.atproto.server.refreshSession', undefined, token)
  const made = await strict.post(
    'com.atproto.server.createAppPassword',
    { name: 'old app' },
    nora.accessJwt,
  )
  const app = await TestApp.of(strict)
  const tokens = await app.signIn(nora)
  const code = await app.code(nora)
  const { verifier } = app

  // The host asks from now on.
  strict = await strict.restart({ config: { secondFactors: 'everybody' } })
  const later = await TestApp.of(strict)
  const again = new TestApp(strict, app.key)
  again.verifier = verifier
  for (const answer of [
    await login(own),
    await login({ ...own, password: made.body.password }),
    await renew(nora.refreshJwt),
  ]) {
    assert.deepEqual([answer.status, answer.body.error], [401, 'AuthFactorTokenRequired'])
    assert.match(answer.body.message, /pds\.test\/account/)
  }
  assert.equal((await again.exchange(code)).body.error, 'invalid_grant')
  assert.equal((await again.refresh(tokens.refresh_token)).body.error, 'invalid_grant')

  const browser = new Browser(strict, { 'accept-language': 'en' })
  await browser.signIn(nora)
  for (const page of [
    '',
    '/email',
    '/app-passwords',
    '/apps',
    '/export',
    '/export/repo.car',
    '/export/everything.zip',
    '/leaving',
  ])
    assert.match((await browser.open(`/account${page}`)).at, /^\/account\/second-factors/, page)
  const { body } = await later.par()
  const params = new URLSearchParams({
    client_id: later.clientId,
    request_uri: body.request_uri,
  })
  const { at, text } = await browser.open(`/oauth/authorize?${params}`)
  assert.match(at, /^\/account\/second-factors\?return=%2Foauth%2Fauthorize/)
  assert.match(plainText(text), /everything else is open then/)

  // And then all is as it was.
  const shown = /([A-Z2-7]{4} ){7}[A-Z2-7]{4}/.exec(text)![0]
  const secret = fromBase32(shown.replaceAll(' ', '').toLowerCase())
  const given = await totpCode(secret, totpStep(strict.outside.now()))
  await browser.send('name="secret"', { code: given })
  await browser.open(at)
  assert.match(browser.seen!.text, /href="\/oauth\/authorize\?/)
  assert.equal((await browser.open('/account/apps')).at, '/account/apps')
  assert.match((await browser.open(`/oauth/authorize?${params}`)).at, /^\/oauth\/authorize/)
  assert.equal((await renew(nora.refreshJwt)).status, 200)
  assert.equal((await again.refresh(tokens.refresh_token)).status, 200)
  assert.equal((await login({ ...own, password: made.body.password })).status, 200)
  await strict.close()
})

test('operators are asked for one, where the others are not', async () => {
  const operated = await TestHost.open({ config: { moderators: ['did:plc:nobody'] } })
  const [judy, ken] = [await operated.signUp('judy'), await operated.signUp('ken')]
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const input = { name: 'judy.test', role: 'support' }
  await operated.call('POST', 'app.falaj.admin.addOperator', { input, headers })
  const enter = ({ handle: identifier, password }: Person) =>
    operated.post('com.atproto.server.createSession', { identifier, password })
  assert.equal((await enter(judy)).body.error, 'AuthFactorTokenRequired')
  assert.equal((await enter(ken)).status, 200)
  await operated.close()
})

test('the operator opens an account again whose owner lost their phone and their codes', async () => {
  const liam = await host.signUp('liam')
  await addApp(await signedInBrowser(liam))
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const revoke = 'com.atproto.temp.revokeAccountCredentials'
  await host.call('POST', revoke, { input: { account: liam.did }, headers })
  assert.equal((await createSession(liam)).status, 401, 'the password is nobody’s')
  await host.post('com.atproto.server.requestPasswordReset', { email: liam.email })
  const token = await host.mailedCode(liam)
  await host.post('com.atproto.server.resetPassword', { token, password: 'found again' })
  assert.equal((await createSession({ ...liam, password: 'found again' })).status, 200)
})
