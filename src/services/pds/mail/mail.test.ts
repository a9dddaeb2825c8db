/** Letters on their way: queued durably, delivered over SMTP, kept, limited, and read by the operator. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { createLog, type MailTransport, smtpTransport } from '#platform/runtime'
import { type SmtpSink, smtpSink } from '../../../../network/smtp-sink.ts'
import { type HostOptions, type Person, TestHost } from '../testing/host.test-support.ts'

const CODE = /[A-Z2-7]{5}-[A-Z2-7]{5}/
const config = { emailFromAddress: 'Falaj <host@pds.test>' }
const TIMEOUTS = { connectMs: 10_000, silenceMs: 10_000 }

let sink: SmtpSink
const closers: (() => unknown)[] = []

before(async () => void (sink = await smtpSink()))
after(() => sink.close())
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  sink.letters.length = 0
  sink.mishaps.length = 0
})

function transport(timeouts = TIMEOUTS): MailTransport {
  const made = smtpTransport(sink.url, timeouts)
  closers.push(() => made.close())
  return made
}

/** A host with a mail server, and its mail going. */
async function mailing(options: HostOptions = {}): Promise<{ host: TestHost; alice: Person }> {
  const host = await TestHost.open({ config, mail: transport(), ...options })
  closers.push(() => host.close())
  const alice = await host.signUp('alice')
  const loop = host.loop('mail')
  closers.push(() => loop.stop())
  return { host, alice }
}

const server = (host: TestHost, method: string, person: Person, headers = {}) =>
  host.call('POST', `com.atproto.server.${method}`, { token: person.accessJwt, headers })

const states = async (host: TestHost) =>
  (await host.admin('listLetters', {})).letters.map(({ state }: { state: string }) => state)

const letterOf = async (host: TestHost, id: number) =>
  (await host.admin('getLetter', { id })).letter

const settled = (host: TestHost, state: string) =>
  host.until(async () => (await states(host)).every((one: string) => one === state))

const resend = (host: TestHost, id: number) =>
  host.call('POST', 'app.falaj.admin.resendLetter', {
    input: { id },
    headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
  })

test('every flow that mails a code works to its end over SMTP', async () => {
  const { host, alice } = await mailing()
  const arrived = async () => {
    await settled(host, 'sent')
    const letter = sink.letters.at(-1)!
    assert.deepEqual(letter.to, [alice.email])
    assert.equal(letter.from, 'host@pds.test')
    assert.equal(letter.headers.from, 'Falaj <host@pds.test>')
    const code = CODE.exec(letter.text)![0]
    assert.ok(letter.html.includes(`<bdi dir="ltr">${code}</bdi>`))
    return code
  }
  const post = (method: string, input: unknown) =>
    host.post(`com.atproto.server.${method}`, input, alice.accessJwt)

  await server(host, 'requestEmailConfirmation', alice, { 'accept-language': 'en-GB' })
  const confirm = await arrived()
  assert.match(sink.letters.at(-1)!.text, /^Confirm your email[\s\S]*تأكيد بريدك/)
  assert.match(sink.letters.at(-1)!.html, /<html lang="en" dir="ltr">[\s\S]*lang="ar" dir="rtl"/)
  assert.equal((await post('confirmEmail', { email: alice.email, token: confirm })).status, 200)

  assert.equal((await server(host, 'requestEmailUpdate', alice)).body.tokenRequired, true)
  const update = await arrived()
  assert.match(sink.letters.at(-1)!.text, /^تغيير بريدك/)
  const email = 'alice@new.example'
  assert.equal((await post('updateEmail', { email, token: update })).status, 200)
  alice.email = email

  await host.post('com.atproto.server.requestPasswordReset', { email })
  const token = await arrived()
  const password = 'a new password'
  const reset = await host.post('com.atproto.server.resetPassword', { token, password })
  assert.equal(reset.status, 200)
  const again = { identifier: alice.did, password }
  Object.assign(alice, (await host.post('com.atproto.server.createSession', again)).body)

  const nsid = 'com.atproto.identity.requestPlcOperationSignature'
  assert.equal((await host.post(nsid, undefined, alice.accessJwt)).status, 200)
  const plcCode = await arrived()
  const signed = await host.post(
    'com.atproto.identity.signPlcOperation',
    { token: plcCode },
    alice.accessJwt,
  )
  assert.equal(signed.status, 200, JSON.stringify(signed.body))

  await server(host, 'requestAccountDelete', alice)
  const last = await arrived()
  const gone = await post('deleteAccount', { did: alice.did, password, token: last })
  assert.equal(gone.status, 200)
  assert.deepEqual(await states(host), [], 'the letters of an account go with it')
  assert.deepEqual(host.errors, [])
})

test('a mail server that is away fails nobody: the letter waits, its reason is kept', async () => {
  const { host, alice } = await mailing()
  sink.mishaps.push({ rcpt: '451 4.7.1 greylisted' }, 'drop')
  assert.equal((await server(host, 'requestEmailConfirmation', alice)).status, 200)
  await host.until(async () => (await letterOf(host, 1)).attempts === 1)
  const waiting = await letterOf(host, 1)
  assert.deepEqual([waiting.state, waiting.isReadable], ['waiting', true])
  assert.match(waiting.reason, /greylisted/)
  for (const attempts of [2, 3]) {
    await host.outside.advance(10_000)
    await host.until(async () => (await letterOf(host, 1)).attempts === attempts)
  }
  const { state, reason, sentAt } = await letterOf(host, 1)
  assert.deepEqual([state, reason], ['sent', undefined])
  assert.ok(sentAt)
  assert.equal(sink.letters.length, 1)
})

test('a letter that was taken without a word is sent again, known by its id', async () => {
  const mail = transport({ connectMs: 10_000, silenceMs: 500 })
  const { host, alice } = await mailing({ mail })
  sink.mishaps.push('hang')
  await server(host, 'requestEmailConfirmation', alice)
  await host.until(async () => (await letterOf(host, 1)).attempts === 1)
  let attempts = 0
  await host.until(async () => {
    const letter = await letterOf(host, 1)
    if (letter.attempts > attempts && letter.state === 'waiting') await host.outside.advance(10_000)
    attempts = letter.attempts
    return letter.state === 'sent'
  })
  const ids = sink.letters.map(({ headers }) => headers['message-id'])
  assert.ok(ids.length > 1)
  assert.deepEqual([...new Set(ids)], [ids[0]])
  assert.match(ids[0]!, /^<[0-9a-f]{32}@pds\.test>$/)
})

test('what the mail server refuses is kept as failed, and can be sent again while its code lives', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'debug', write: (line) => void lines.push(line) })
  const { host, alice } = await mailing({ log })
  sink.mishaps.push({ data: '451 4.3.0 <alice@mail.example> later' })
  await server(host, 'requestEmailConfirmation', alice)
  await host.until(async () => (await letterOf(host, 1)).attempts === 1)
  const code = await host.mailedCode(alice)
  await host.outside.advance(5_000)
  await settled(host, 'sent')
  assert.ok(lines.some((line) => line.includes('451')))
  for (const line of lines) assert.ok(!line.includes('alice@mail') && !line.includes(code), line)
  sink.mishaps.push({ rcpt: '550 5.1.1 <alice@mail.example> nobody here' })
  await server(host, 'requestEmailConfirmation', alice)
  await host.until(async () => (await letterOf(host, 2)).state === 'failed')
  const failed = await letterOf(host, 2)
  assert.match(failed.reason, /550 5\.1\.1/)
  assert.equal(failed.isReadable, true)
  assert.equal((await resend(host, 2)).status, 200)
  await settled(host, 'sent')
  assert.equal(sink.letters.length, 2)
  assert.equal((await resend(host, 1)).body.error, 'LetterBlanked')
  assert.equal((await resend(host, 99)).body.error, 'LetterNotFound')
})

test('a code that expired before it could go is not mailed', async () => {
  const { host, alice } = await mailing()
  for (let i = 0; i < 30; i++) sink.mishaps.push({ data: '421 4.3.2 come back later' })
  await server(host, 'requestEmailConfirmation', alice)
  for (let i = 1; (await letterOf(host, 1)).state === 'waiting'; i++) {
    await host.until(async () => (await letterOf(host, 1)).attempts === i)
    await host.outside.advance(6 * 60_000)
  }
  const { reason, isReadable } = await letterOf(host, 1)
  assert.match(reason, /^it expired before a mail server took it; before: .*421/)
  assert.equal(isReadable, false)
  assert.equal(sink.letters.length, 0)
  assert.equal((await resend(host, 1)).body.error, 'LetterBlanked')
})

test('killed between queueing and sending, nothing is lost and the letter goes once', async () => {
  const first = await TestHost.open({ config, mail: transport() })
  const alice = await first.signUp('alice')
  await server(first, 'requestEmailConfirmation', alice)
  assert.equal(sink.letters.length, 0, 'its mail is not going yet')
  const folder = first.copy()
  const second = await first.again({ folder, mail: transport() })
  const loop = second.loop('mail')
  await settled(second, 'sent')
  await loop.stop()
  assert.equal(sink.letters.length, 1)
  const token = CODE.exec(sink.letters[0]!.text)![0]
  const input = { email: alice.email, token }
  const confirmed = await second.post('com.atproto.server.confirmEmail', input, alice.accessJwt)
  assert.equal(confirmed.status, 200)
  await second.close({ keep: true })
  await first.close()
})

test('codes lie sealed in the database, and not at all once they are delivered or have expired', async () => {
  const { host, alice } = await mailing({ mail: undefined as never })
  await server(host, 'requestEmailConfirmation', alice)
  const code = await host.mailedCode(alice)
  const rows = () => host.sql.all<{ contents: Uint8Array | null }>('SELECT * FROM letters')
  const [row] = await rows()
  assert.ok(!Buffer.from(row!.contents!).includes(code))
  assert.ok(!JSON.stringify({ ...row, contents: null }).includes(code))
  const housekeeping = host.loop('housekeeping')
  await host.outside.advance(3_600_000 + 1)
  await host.until(async () => (await rows())[0]!.contents === null)
  await host.outside.advance(31 * 24 * 3_600_000)
  await host.until(async () => (await rows()).length === 0)
  await housekeeping.stop()
})

test('the operator is told what waits and what stands still', async () => {
  const { host, alice } = await mailing()
  sink.mishaps.push({ rcpt: '550 no' }, { rcpt: '450 later' })
  await server(host, 'requestEmailConfirmation', alice)
  await host.until(async () => (await letterOf(host, 1)).state === 'failed')
  await server(host, 'requestAccountDelete', alice)
  await host.until(async () => (await letterOf(host, 2)).attempts === 1)
  const health = await host.admin('getHealth', {})
  assert.deepEqual([health.lettersWaiting, health.lettersFailed], [1, 1])
  assert.deepEqual([health.stoppedCount, health.stopped, health.leavesHost], [0, [], true])
  assert.equal(health.version, 'test')
})

test('without a mail server letters stay here and are read here', async () => {
  const { host, alice } = await mailing({ mail: undefined as never })
  await server(host, 'requestEmailConfirmation', alice)
  const listed = await host.admin('listLetters', {})
  assert.equal(listed.leavesHost, false)
  assert.deepEqual(await states(host), ['kept'])
  const token = await host.mailedCode(alice)
  const input = { email: alice.email, token }
  const confirmed = await host.post('com.atproto.server.confirmEmail', input, alice.accessJwt)
  assert.equal(confirmed.status, 200)
  assert.equal((await resend(host, 1)).body.error, 'MailNotConfigured')
})

test('five codes of a purpose an hour for an account, ten an hour for an address', async () => {
  const { host, alice } = await mailing({ mail: undefined as never })
  const ask = (method: string) => server(host, method, alice)
  for (let i = 0; i < 5; i++) assert.equal((await ask('requestEmailConfirmation')).status, 200)
  const sixth = await ask('requestEmailConfirmation')
  assert.deepEqual([sixth.status, sixth.body.error], [429, 'RateLimitExceeded'])
  assert.ok(Number(sixth.headers['retry-after']) > 0)
  for (let i = 0; i < 5; i++) assert.equal((await ask('requestAccountDelete')).status, 200)
  const eleventh = await host.post(
    'com.atproto.identity.requestPlcOperationSignature',
    undefined,
    alice.accessJwt,
  )
  assert.deepEqual([eleventh.status, eleventh.body.error], [429, 'RateLimitExceeded'])
  await host.outside.advance(3_600_001)
  assert.equal((await ask('requestEmailConfirmation')).status, 200)
})

test('asking for new passwords tells nobody which addresses are known, also by its limit', async () => {
  const host = await TestHost.open({ config: { rateLimits: 'on' } })
  const alice = await host.signUp('alice')
  const ask = (email: string) => host.post('com.atproto.server.requestPasswordReset', { email })
  // A limit of the account that is reached already must not show either.
  for (let i = 0; i < 5; i++) await ask(alice.email)
  for (let i = 0; i < 5; i++) await ask('nobody@mail.example')
  const [known, unknown] = [await ask(alice.email), await ask('nobody@mail.example')]
  assert.deepEqual([known.status, known.body], [unknown.status, unknown.body])
  assert.equal(known.body.error, 'RateLimitExceeded')
  assert.equal(known.headers['retry-after'], unknown.headers['retry-after'])
  const again = await host.restart()
  closers.push(() => again.close())
  const after = await again.post('com.atproto.server.requestPasswordReset', { email: alice.email })
  assert.equal(after.status, 200, 'its codes are used up, which is nobody’s to know')
  assert.equal((await states(again)).length, 5)
})

test("the operator's own letters go by their own server, made harmless", async () => {
  const moderation = await smtpSink()
  const own = smtpTransport(moderation.url, TIMEOUTS)
  closers.push(
    () => moderation.close(),
    () => own.close(),
  )
  const from = { ...config, moderationEmailFromAddress: 'desk@pds.test' }
  const { host, alice } = await mailing({ config: from, moderationMail: own })
  const send = (input: object, headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }) =>
    host.call('POST', 'com.atproto.admin.sendEmail', {
      input: { recipientDid: alice.did, senderDid: alice.did, ...input },
      headers,
    })
  const subject = 'About your post\r\nBcc: thief@x.example'
  const sent = await send({ subject, content: '<p>Please <b>read</b></p><script>x</script>' })
  assert.deepEqual([sent.status, sent.body], [200, { sent: true }])
  await moderation.received(1)
  const [letter] = moderation.letters
  assert.deepEqual([letter!.from, letter!.to], ['desk@pds.test', [alice.email]])
  assert.equal(letter!.headers.subject, 'About your post Bcc: thief@x.example')
  assert.match(letter!.html, /<p>Please <strong>read<\/strong><\/p>/)
  assert.doesNotMatch(letter!.html, /script/)
  assert.match(letter!.text, /Please read/)
  assert.equal(sink.letters.length, 0)
  const wrong = await send({ content: 'x' }, { authorization: `Basic ${btoa('admin:guess')}` })
  assert.equal(wrong.status, 401)
  assert.equal((await send({ content: '' })).body.error, 'InvalidRequest')
  assert.equal((await send({ content: 'x'.repeat(100_001) })).body.error, 'InvalidRequest')
  assert.equal((await send({ content: 'x', recipientDid: 'did:plc:nobody' })).status, 400)
})

test('the outbox is listed in pages and by filters, for the operator alone', async () => {
  const { host, alice } = await mailing({ mail: undefined as never })
  const bob = await host.signUp('bob')
  for (const person of [alice, bob, alice]) await server(host, 'requestEmailConfirmation', person)
  const list = async (params: object) => host.admin('listLetters', params as never)
  const ids = ({ letters }: { letters: { id: number }[] }) => letters.map(({ id }) => id)
  assert.deepEqual(ids(await list({})), [3, 2, 1])
  const page = await list({ limit: 2 })
  assert.deepEqual([ids(page), page.cursor], [[3, 2], '2'])
  assert.deepEqual(ids(await list({ limit: 2, cursor: page.cursor })), [1])
  assert.deepEqual(ids(await list({ recipient: bob.did })), [2])
  assert.deepEqual(ids(await list({ recipient: alice.email.toUpperCase() })), [3, 1])
  assert.deepEqual(ids(await list({ state: 'sent' })), [])
  assert.equal((await list({ cursor: 'x' })).error, 'InvalidRequest')
  assert.doesNotMatch(JSON.stringify(await list({})), CODE)
  for (const nsid of ['listLetters', 'getLetter?id=1']) {
    const answer = await host.get(
      `app.falaj.admin.${nsid.split('?')[0]}`,
      { id: 1 },
      alice.accessJwt,
    )
    assert.equal(answer.status, 401, nsid)
  }
  const byOwner = await host.post('app.falaj.admin.resendLetter', { id: 1 }, alice.accessJwt)
  assert.equal(byOwner.status, 401)
})
