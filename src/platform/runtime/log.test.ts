import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, redact } from './log.ts'

function capture(options: Parameters<typeof createLog>[0] = {}) {
  const lines: string[] = []
  const log = createLog({
    pretty: false,
    now: () => 0,
    write: (line) => void lines.push(line),
    ...options,
  })
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> }
}

test('a line is one JSON object with time, level, message and fields', () => {
  const { log, lines, last } = capture()
  log.info('hello', { port: 1, path: 'a\nb' })
  assert.equal(lines.length, 1)
  assert.equal(lines[0]!.indexOf('\n'), lines[0]!.length - 1)
  const expected = { level: 'info', message: 'hello', port: 1, path: 'a\nb' }
  assert.deepEqual(last(), { time: '1970-01-01T00:00:00.000Z', ...expected })
})

test('lines below the level are not written', () => {
  const { log, lines } = capture({ level: 'warn' })
  log.debug('no')
  log.info('no')
  log.warn('yes')
  log.error('yes')
  assert.equal(lines.length, 2)
})

test('a child adds its fields to every line', () => {
  const { log, last } = capture()
  log.child({ service: 'pds' }).child({ request: 'r1' }).info('x', { n: 1 })
  const { service, request, n } = last()
  assert.deepEqual({ service, request, n }, { service: 'pds', request: 'r1', n: 1 })
})

test('secrets are replaced by the name of their key, at any depth', () => {
  const { log, last } = capture()
  const secrets = {
    password: 'p',
    accessJwt: 'j',
    adminPassword: 'a',
    authorization: 'Bearer x',
    rotationKeyHex: 'ff',
    privateKey: 'ff',
    nested: { refreshToken: 't', list: [{ cookie: 'c' }] },
  }
  log.info('x', { ...secrets, key: 'public', did: 'did:plc:a' })
  const text = JSON.stringify(last())
  for (const secret of ['"p"', '"j"', '"a"', 'Bearer', '"ff"', '"t"', '"c"'])
    assert.ok(!text.includes(secret), `${secret} in ${text}`)
  assert.equal(last().key, 'public')
})

test('errors are spelled out with their causes, and their secrets replaced', () => {
  const { log, last } = capture()
  const error = new Error('outer', { cause: new TypeError('inner') })
  log.error('failed', { error: Object.assign(error, { code: 'E', token: 's3cret' }) })
  const { error: shown } = last() as { error: Record<string, unknown> }
  assert.equal(shown.message, 'outer')
  assert.equal(shown.code, 'E')
  assert.equal((shown.cause as { name: string }).name, 'TypeError')
  assert.ok(!JSON.stringify(shown).includes('s3cret'))
})

test('what is logged is bounded: long texts, deep and circular values, bytes', () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const copy = redact({
    long: 'x'.repeat(100_000),
    circular,
    bytes: new Uint8Array(9),
    big: 1n,
    many: Array.from({ length: 1000 }, (_, i) => i),
  }) as Record<string, unknown>
  assert.ok((copy.long as string).length < 5_000)
  assert.equal(copy.bytes, '[9 bytes]')
  assert.equal(copy.big, '1')
  assert.equal((copy.many as unknown[]).length, 50)
  assert.ok(JSON.stringify(copy).length < 10_000)
})

test('on a terminal a line is for people', () => {
  const { log, lines } = capture({ pretty: true })
  log.info('listening', { service: 'pds', url: 'http://localhost:1', why: 'two words' })
  assert.match(lines[0]!, /info .*pds listening.*url=http:\/\/localhost:1 why="two words"/)
})
