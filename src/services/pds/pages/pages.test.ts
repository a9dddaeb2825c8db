/** The toolkit of pages: what cannot be broken out of, and who may send a form. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { Browser, plainText } from './browser.test-support.ts'
import { html, localPath, webAddress } from './index.ts'

let host: TestHost
let alice: Person
before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
})
after(() => host.close())

test('nothing put into a template gets out of its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const page = html`<p title="${text}">${text}</p>`.toString()
      const inside = page.slice('<p title="'.length, -'</p>'.length)
      assert.equal([...inside.matchAll(/[<>]/g)].length, 1, 'the one > of the tag')
      assert.equal([...inside.matchAll(/["']/g)].length, 1, 'the closing quote')
    }),
  )
  assert.equal(html`${[html`<b>${1}</b>`, undefined, false, '&']}`.toString(), '<b>1</b>&amp;')
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', ' nonsense'])
    assert.equal(webAddress(bad), undefined)
  assert.equal(webAddress('https://a.example/x'), 'https://a.example/x')
})

test('a way back leads to this host, whatever it was said to be', () => {
  const good = ['/account', '/oauth/authorize?client_id=https%3A%2F%2Fa.example', '/a/b?x=//c']
  for (const path of good) assert.equal(localPath(path, '/'), path)
  const evil = [
    ...[
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'https://evil.example',
      'https:evil',
    ],
    ...['/\t/evil.example', '/\n/evil.example', ' //evil.example', 'javascript:alert(1)', '', 'x'],
    ...['/./\\evil.example', '/.//evil.example', '/..//evil.example', '/a\\..\\\\evil', undefined],
  ]
  for (const path of evil) assert.equal(localPath(path, '/safe'), '/safe', String(path))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const path of [text, `/${text}`]) {
        const url = new URL(localPath(path, '/safe'), 'https://pds.test')
        assert.equal(url.origin, 'https://pds.test')
      }
    }),
  )
})

test('the tokens of the design are those of the client', () => {
  const tokens = (text: string) => [...text.matchAll(/--([\w-]+): ([^;]+);/g)].map(([one]) => one)
  const client = readFileSync(new URL('../../../../web/src/design/tokens.css', import.meta.url))
  const [light, dark] = String(client)
    .split('[data-theme="dark"]')
    .map((part) => new Set(tokens(part)))
  const style = String(readFileSync(new URL('./files/style.css', import.meta.url)))
  const [ours, oursDark] = style.split('prefers-color-scheme: dark').map(tokens)
  assert.ok(ours!.length > 15 && ours!.length === oursDark!.length)
  for (const token of ours!) assert.ok(light!.has(token), token)
  for (const token of oursDark!) assert.ok(dark!.has(token), token)
})

test('a page runs and shows nothing but our files, and is framed and kept by nobody', async () => {
  const browser = new Browser(host)
  for (const path of ['/account/sign-in', '/account/nothing', '/account']) {
    const { headers } = await browser.open(path)
    const policy = headers['content-security-policy']!
    assert.match(policy, /^default-src 'none'; style-src 'self'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.match(policy, /form-action 'self'/)
    assert.doesNotMatch(policy, /unsafe|\*|data:/)
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['referrer-policy'], 'same-origin')
  }
})

test('a page speaks the language that was chosen, else that of the browser', async () => {
  const browser = new Browser(host)
  const arabic = await browser.open('/account/sign-in')
  assert.match(arabic.text, /<html lang="ar" dir="rtl">/)
  const english = await browser.open('/account/sign-in?lang=en&hint=alice.test')
  assert.match(english.text, /<html lang="en" dir="ltr">/)
  assert.match(english.text, /value="alice.test"/)
  assert.match((await browser.open('/account/sign-in')).text, /lang="en"/, 'it is remembered')
  const french = new Browser(host, { 'accept-language': 'fr, en;q=0.5, ar;q=0.1' })
  assert.match((await french.open('/account/sign-in')).text, /<html lang="en"/)
})

test('style, scripts and fonts carry their content in their name', async () => {
  const { text } = await new Browser(host).open('/account/sign-in')
  const path = /href="(\/account\/assets\/style-[\w-]{12}\.css)"/.exec(text)![1]!
  const { status, headers } = await host.page(path)
  assert.equal(status, 200)
  assert.match(headers['cache-control']!, /immutable/)
  assert.equal((await host.page('/account/assets/style-000000000000.css')).status, 404)
  assert.equal((await host.page('/account/assets/../pages.ts')).status, 404)
})

test('cookies are for this host alone, out of reach of scripts, and not sent along by other sites', async () => {
  const { cookies } = await new Browser(host).open('/account/sign-in')
  assert.match(cookies[0]!, /^__Host-falaj-device=[a-z2-7]{32}; Path=\/; /)
  for (const part of ['HttpOnly', 'SameSite=Lax', 'Secure']) assert.ok(cookies[0]!.includes(part))
})

test('a form sent by another site is refused, whatever it brings', async () => {
  const browser = new Browser(host)
  await browser.open('/account/sign-in')
  const token = browser.token()
  const fields = { name: alice.handle, password: alice.password }
  const good = new URLSearchParams({ 'page-token': token, ...fields }).toString()
  const send = (form: string, headers = {}) =>
    browser.ask('POST', '/account/sign-in', form, headers)
  const stranger = new Browser(host)
  await stranger.open('/account/sign-in')
  const foreign = new URLSearchParams({ 'page-token': stranger.token(), ...fields }).toString()
  const cases: [what: string, form: string, headers: Record<string, string>, status: number][] = [
    ['another origin', good, { origin: 'https://evil.example' }, 403],
    ['no origin at all', good, { origin: 'null' }, 403],
    ['a cross-site fetch', good, { 'sec-fetch-site': 'cross-site' }, 403],
    ['a neighbour’s', good, { 'sec-fetch-site': 'same-site' }, 403],
    ['no token', new URLSearchParams(fields).toString(), {}, 403],
    ['the token of another device', foreign, {}, 403],
    ['no cookie', good, { cookie: '' }, 403],
    ['as JSON', JSON.stringify(fields), { 'content-type': 'application/json' }, 415],
    ['as plain text', good, { 'content-type': 'text/plain' }, 415],
    ['too long', `${good}&x=${'x'.repeat(40_000)}`, {}, 413],
    ['too many fields', good + '&x=1'.repeat(200), {}, 400],
  ]
  for (const [what, form, headers, status] of cases) {
    const answer = await send(form, headers)
    assert.equal(answer.status, status, what)
    assert.equal(answer.cookies?.some((one) => one.includes('device')) ?? false, false, what)
  }
  assert.equal((await send(good)).status, 303)
})

test('what is not there is said in words, and no form goes where there is none', async () => {
  const browser = new Browser(host, { 'accept-language': 'en' })
  const { status, text } = await browser.open('/account/nothing')
  assert.equal(status, 404)
  assert.match(plainText(text), /Nothing here/)
  assert.equal((await browser.ask('DELETE', '/account')).status, 405)
  assert.equal((await browser.ask('POST', '/account', 'x=1')).status, 405)
})

test('the table of pages lists every page there is', () => {
  const table = String(readFileSync(new URL('../pages.ts', import.meta.url)))
  const folders = ['account', 'oauth'].map((name) => new URL(`./${name}/`, import.meta.url))
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((one) => !one.includes('.test'))) {
      const text = String(readFileSync(new URL(name, folder)))
      for (const [, page] of text.matchAll(/^export const (\w+) = \([^)]*\): Page =>/gm)) {
        assert.match(table, new RegExp(`^  ${page}(?:\\(.*\\))?,$`, 'm'), `${name}: ${page}`)
      }
    }
  }
})
