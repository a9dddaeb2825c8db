/** Letters to a mail server that speaks SMTP over a socket, and fails in the ways servers do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SinkOptions, type SmtpSink, smtpSink } from '../../../network/smtp-sink.ts'
import {
  MailError,
  type MailMessage,
  type MailTransport,
  readSmtpUrl,
  smtpTransport,
} from './mail.ts'

const letter: MailMessage = {
  from: { address: 'host@pds.example', name: 'مضيف' },
  to: 'alice@mail.example',
  subject: 'رمزك · Your code',
  text: 'سطر\nA line\n.\nof three',
  html: '<p lang="ar" dir="rtl">سطر</p><p>A line</p>',
  messageId: '<one@pds.example>',
  dateMs: Date.UTC(2026, 0, 2, 3, 4, 5),
}
const TIMEOUTS = { connectMs: 300, silenceMs: 300 }

async function withSink(
  options: SinkOptions,
  work: (sink: SmtpSink, to: (query?: string, login?: string) => MailTransport) => Promise<void>,
): Promise<void> {
  const sink = await smtpSink(options)
  const opened: MailTransport[] = []
  const to = (query = '', login = '') => {
    const transport = smtpTransport(`smtp://${login}127.0.0.1:${sink.port}${query}`, TIMEOUTS)
    opened.push(transport)
    return transport
  }
  try {
    await work(sink, to)
  } finally {
    for (const transport of opened) transport.close()
    await sink.close()
  }
}

const failure = async (sending: Promise<void>): Promise<MailError> => {
  const error = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof MailError, String(error))
  return error
}

test('a letter arrives with both its parts, its heads and its signs of a machine', () =>
  withSink({}, async (sink, to) => {
    await to().send(letter)
    const [got] = sink.letters
    assert.deepEqual([got!.from, got!.to], ['host@pds.example', ['alice@mail.example']])
    assert.equal(got!.text.replaceAll('\r\n', '\n').trimEnd(), letter.text)
    assert.equal(got!.html.trimEnd(), letter.html)
    const { subject, from, to: recipient, date, 'message-id': id } = got!.headers
    assert.deepEqual([subject, recipient, id], [letter.subject, letter.to, letter.messageId])
    assert.equal(from, 'مضيف <host@pds.example>')
    assert.equal(new Date(date!).getTime(), letter.dateMs)
    assert.equal(got!.headers['auto-submitted'], 'auto-generated')
    assert.match(got!.headers['content-type']!, /^multipart\/alternative/)
  }))

test('no subject, name or address adds a head or a recipient', () =>
  withSink({}, async (sink, to) => {
    const transport = to()
    await transport.send({
      ...letter,
      from: { address: 'host@pds.example', name: 'a\r\nBcc: thief@x.example' },
      subject: 'hello\r\nBcc: thief@x.example\r\n\r\nanother body',
      messageId: '<a\r\nBcc: thief@x.example>',
    })
    const [got] = sink.letters
    assert.deepEqual(got!.to, ['alice@mail.example'])
    assert.equal(got!.headers.bcc, undefined)
    assert.doesNotMatch(got!.raw, /^bcc:/im)
    await failure(transport.send({ ...letter, to: 'a@x.example, thief@x.example' }))
    assert.equal(sink.letters.length, 1)
  }))

test('letters share a few connections', () =>
  withSink({}, async (sink, to) => {
    const transport = to()
    await Promise.all(Array.from({ length: 20 }, () => transport.send(letter)))
    assert.equal(sink.letters.length, 20)
    assert.ok(sink.connections <= 4, `${sink.connections} connections`)
  }))

test('what a server puts off, breaks or forgets may be tried again', () =>
  withSink({}, async (sink, to) => {
    const transport = to()
    const mishaps = [
      { rcpt: '451 4.7.1 greylisted' },
      { data: '452 4.3.1 no room' },
      'drop',
      'hang',
      'noGreeting',
    ] as const
    for (const mishap of mishaps) {
      sink.mishaps.push(mishap)
      const from = mishap === 'noGreeting' ? to() : transport
      const error = await failure(from.send(letter))
      assert.equal(error.isPermanent, false, JSON.stringify(mishap))
    }
    const before = sink.letters.length
    await transport.send(letter)
    assert.equal(sink.letters.length, before + 1)
  }))

test('what a server refuses is refused for good, in one line', () =>
  withSink({}, async (sink, to) => {
    const transport = to()
    sink.mishaps.push({ rcpt: '550-5.1.1 nobody\r\n550 of that name' }, { data: '554 5.7.1 spam' })
    const unknown = await failure(transport.send(letter))
    assert.deepEqual([unknown.isPermanent, unknown.code], [true, '550'])
    assert.doesNotMatch(unknown.message, /[\r\n]/)
    const spam = await failure(transport.send(letter))
    assert.deepEqual([spam.isPermanent, spam.code], [true, '554'])
    const long = await failure(transport.send({ ...letter, html: 'x'.repeat(1_000_001) }))
    assert.deepEqual([long.isPermanent, long.code], [true, 'TooLarge'])
  }))

test('a server that is not there may come back', async () => {
  const gone = await smtpSink()
  await gone.close()
  const transport = smtpTransport(gone.url, TIMEOUTS)
  assert.equal((await failure(transport.send(letter))).isPermanent, false)
  transport.close()
})

test('STARTTLS is used where it is offered, and where it is required nothing goes without', () =>
  withSink({ startTls: true }, async (sink, to) => {
    await to().send(letter)
    await to('?ignoreTLS=true').send(letter)
    assert.deepEqual(
      sink.letters.map(({ isEncrypted }) => isEncrypted),
      [true, false],
    )
    await withSink({}, async (plain, toPlain) => {
      const error = await failure(toPlain('?requireTLS=true').send(letter))
      assert.deepEqual([error.isPermanent, plain.letters.length], [false, 0])
    })
  }))

test('a wrong password is the operator’s to mend, and is not told on', () =>
  withSink({ startTls: true, login: 'us:pass word' }, async (sink, to) => {
    await to('', 'us:pass%20word@').send(letter)
    assert.deepEqual([sink.letters[0]!.login, sink.letters[0]!.isEncrypted], ['us:pass word', true])
    const error = await failure(to('', 'us:sesame@').send(letter))
    assert.equal(error.isPermanent, false)
    assert.doesNotMatch(error.message, /sesame/)
  }))

test('a drain does not wait for a mail server', () =>
  withSink({}, async (sink, to) => {
    const stop = new AbortController()
    sink.mishaps.push('hang')
    const sending = to().send(letter, stop.signal)
    await sink.received(1)
    stop.abort(new Error('stopping'))
    await assert.rejects(sending, /stopping/)
  }))

test('a URL of a mail server is read, and its faults are told without it', () => {
  const secure = readSmtpUrl('smtps://me%40x:p%3Ass@mail.example')
  assert.deepEqual(
    [secure.port, secure.isSecure, secure.user, secure.password],
    [465, true, 'me@x', 'p:ss'],
  )
  const plain = readSmtpUrl('smtp://me:pass@mail.example')
  assert.deepEqual([plain.port, plain.isSecure, plain.requireTls], [587, false, true])
  assert.equal(readSmtpUrl('smtp://me:pass@127.0.0.1:25').requireTls, false)
  assert.equal(readSmtpUrl('smtp://mail.example').requireTls, false)
  const wrong = [
    'secret',
    'http://secret@x',
    'smtp:///?sendmail=secret',
    'smtp://x?secret=1',
    'smtp://%zz:secret@x',
  ]
  for (const text of wrong) {
    assert.throws(
      () => readSmtpUrl(text),
      (error: Error) => /^must/.test(error.message) && !error.message.includes('secret@'),
      text,
    )
  }
})
