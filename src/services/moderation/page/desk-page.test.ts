import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ADMIN, account, DESK, Desk, type Person, post } from '../desk.test-support.ts'
import { words } from './words.ts'

let desk: Desk
let alice: Person
let bob: Person
beforeEach(async () => {
  desk = await Desk.open()
  alice = desk.person('alice')
  bob = desk.person('bob')
})
afterEach(() => desk.close())

const HOST = { host: new URL(DESK).host }
const get = (path: string, query = '', headers: Record<string, string> = ADMIN) =>
  desk.request(path, { query, headers: { ...HOST, ...headers } })

function act(fields: Record<string, string>, headers: Record<string, string> = {}) {
  const type = 'application/x-www-form-urlencoded'
  const own = { ...HOST, ...ADMIN, 'content-type': type, origin: DESK }
  const body = new TextEncoder().encode(new URLSearchParams(fields).toString())
  return desk.request('/act', { method: 'POST', headers: { ...own, ...headers }, body })
}

describe('the desk', () => {
  test('opens for the operator only, and says so to the browser', async () => {
    for (const headers of [{}, { authorization: 'Basic !' }, { authorization: 'Bearer x' }]) {
      const { status, headers: said } = await get('/', '', headers as Record<string, string>)
      assert.equal(status, 401)
      assert.match(said['www-authenticate']!, /^Basic /)
    }
    assert.equal((await get('/')).status, 200)
    assert.equal((await get('/elsewhere')).status, 404)
    assert.equal((await get('/style.css', '', {})).status, 200)
  })

  test('loads nothing of others, runs no script and cannot be framed', async () => {
    const { headers, body } = await get('/')
    const policy = headers['content-security-policy']!
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"])
      assert.ok(policy.includes(part))
    assert.doesNotMatch(body, /<script|style=|onclick/)
  })

  test('speaks Arabic from right to left, and English', async () => {
    assert.match((await get('/', 'lang=ar')).body, /<html lang="ar" dir="rtl">/)
    assert.match((await get('/')).body, /<html lang="en" dir="ltr">/)
    const asked = { ...ADMIN, 'accept-language': 'ar-OM,en' }
    assert.match((await get('/', '', asked)).body, new RegExp(words.ar.title))
    assert.deepEqual(Object.keys(words.ar), Object.keys(words.en))
    for (const word of Object.values(words.ar)) assert.notEqual(word, '')
  })

  test('shows the queue and the case, whatever people wrote, as text', async () => {
    const subject = post(alice)
    desk.recordsAtHost.set(subject.uri, { text: '<b>buy</b> & "sell"' })
    await desk.report(bob, subject, { reason: '<script>alert(1)</script>' })
    assert.ok((await get('/')).body.includes(encodeURIComponent(subject.uri)))
    const { body } = await get('/case', `subject=${encodeURIComponent(subject.uri)}`)
    assert.ok(body.includes('&lt;b&gt;buy&lt;/b&gt; &amp; &quot;sell&quot;'))
    assert.ok(body.includes('&lt;script&gt;alert(1)'))
    const wrong = await get('/case', 'subject=<b>')
    assert.equal(wrong.status, 400)
    assert.ok(!wrong.body.includes('<b>'))
  })
})

describe('a decision at the desk', () => {
  const subject = () => post(alice).uri

  test('labels, takes down, brings back, and is in the history', async () => {
    desk.recordsAtHost.set(subject(), { text: 'hello' })
    await desk.report(bob, post(alice))
    const done = await act({
      subject: subject(),
      action: 'label',
      value: 'spam, rude',
      reason: 'why',
    })
    assert.deepEqual([done.status, done.headers.location?.startsWith('/case?')], [303, true])
    assert.deepEqual(
      (await desk.labels(subject())).map(({ val }) => val),
      ['spam', 'rude'],
    )
    assert.match((await desk.status(subject())).reviewState, /reviewClosed$/)
    await act({ subject: subject(), action: 'unlabel', value: 'rude' })
    await act({ subject: subject(), action: 'takedown', hours: '24' })
    assert.ok((await desk.status(subject())).suspendUntil)
    const { body } = await get('/case', `subject=${encodeURIComponent(subject())}`)
    assert.ok(body.includes(words.en.modEventTakedown) && body.includes('+spam'))
    assert.ok(body.includes('value="reverse"') && !body.includes('value="takedown"'))
    await act({ subject: subject(), action: 'reverse' })
    assert.deepEqual(
      (await desk.labels('*')).map(({ val }) => val),
      ['spam'],
    )
  })

  test('of an account nobody reported works too', async () => {
    await act({ subject: alice.did, action: 'escalate', reason: 'odd' })
    assert.match((await desk.status(alice.did)).reviewState, /reviewEscalated$/)
    assert.ok((await get('/', 'queue=escalated')).body.includes(alice.did))
  })

  test('that makes no sense is told on the case', async () => {
    for (const fields of [
      { action: 'reverse' },
      { action: 'label', value: '' },
      { action: 'label', value: 'NO' },
      { action: 'dance' },
      { action: 'takedown', hours: 'soon' },
    ]) {
      const { status, body } = await act({ subject: alice.did, ...fields } as never)
      assert.equal(status, 400)
      assert.match(body, /role="alert"/)
    }
    assert.equal(await desk.status(alice.did), undefined)
  })

  test('is not carried out from another page, or without the password', async () => {
    const fields = { subject: alice.did, action: 'takedown' }
    const forged: Record<string, string>[] = [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: '' },
      { origin: DESK, 'sec-fetch-site': 'cross-site' },
    ]
    for (const headers of forged) assert.equal((await act(fields, headers)).status, 403)
    assert.equal((await act(fields, { authorization: '' })).status, 401)
    assert.equal((await act(fields, { 'content-type': 'text/plain' })).status, 400)
    const large = { ...fields, reason: 'x'.repeat(40_000) }
    assert.equal((await act(large)).status, 413)
    assert.equal(await desk.status(account(alice).did), undefined)
  })
})
