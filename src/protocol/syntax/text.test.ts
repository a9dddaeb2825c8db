import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as syntax from './index.ts'

type Check = [is: (text: unknown) => boolean, parse: (text: string) => unknown, code: string]

const checks: Record<string, Check> = {
  atIdentifier: [syntax.isAtIdentifier, syntax.parseAtIdentifier, 'InvalidAtIdentifier'],
  atUri: [syntax.isAtUri, syntax.parseAtUri, 'InvalidAtUri'],
  cidSyntax: [syntax.isCidSyntax, syntax.parseCidSyntax, 'InvalidCid'],
  datetime: [syntax.isDatetime, syntax.parseDatetime, 'InvalidDatetime'],
  did: [syntax.isDid, syntax.parseDid, 'InvalidDid'],
  handle: [syntax.isHandle, syntax.parseHandle, 'InvalidHandle'],
  language: [syntax.isLanguage, syntax.parseLanguage, 'InvalidLanguage'],
  nsid: [syntax.isNsid, syntax.parseNsid, 'InvalidNsid'],
  recordKey: [syntax.isRecordKey, syntax.parseRecordKey, 'InvalidRecordKey'],
  tid: [syntax.isTid, syntax.parseTid, 'InvalidTid'],
  uri: [syntax.isUri, syntax.parseUri, 'InvalidUri'],
}

/** Text near to what is valid, where the borders are. */
const near = fc
  .array(
    fc.constantFrom(
      ...['did:', 'plc', 'web:', 'at://', 'com', 'example', 'xn--', '.', '-', '/', ':', '%', '#'],
      ...['a', 'Z', '0', '9', '_', '~', ' ', '\n', 'é', '1985-04-12T', '23:20:50', 'Z', '+00:00'],
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

for (const [name, [is, parse, code]] of Object.entries(checks)) {
  test(`${name}: any text is either accepted by both or refused by both, by name`, () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
        if (is(text)) parse(text)
        else assert.throws(() => parse(text), { name: 'ProtocolError', code })
      }),
      { numRuns: 500 },
    )
  })

  test(`${name}: what is not text is refused, also when it would read as valid`, () => {
    const valid = { toString: () => 'did:plc:abc', length: 3 }
    for (const value of [undefined, null, 5, 12345678, {}, [], ['aaaaaaaa'], valid, Symbol('a')]) {
      assert.equal(is(value), false)
    }
  })

  test(`${name}: long text made to be hard is judged without delay`, () => {
    const units = ['a', 'a.', 'a-', '-', '.', '0', 'did:', '%a', 'x-', 'a-aaaaa-', ' ', '\ud800']
    // Quadratic time in a million characters would not end within the run.
    for (const unit of units) {
      for (const end of ['', '!', '\n']) {
        for (const length of [250, 1_000_000]) is(unit.repeat(length / unit.length) + end)
        is(`did:a:${unit.repeat(2000 / unit.length)}${end}`)
        is(`https:${unit.repeat(8000 / unit.length)}${end}`)
      }
    }
  })
}

test('an error shows the input, cut short and without control characters', () => {
  const seen = (text: string) => {
    try {
      syntax.parseDid(text)
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }
  assert.equal(seen('a\nb'), 'not a valid Did: "a\\nb"')
  assert.ok(seen('x'.repeat(10_000)).length < 120)
  assert.match(seen(5 as never), /a value of type number/)
})

test('a handle is given in lower case, other identifiers as they came', () => {
  assert.equal(syntax.parseHandle('Alice.Example.COM'), 'alice.example.com')
  assert.equal(syntax.parseDid('did:plc:AbC'), 'did:plc:AbC')
  assert.equal(syntax.parseNsid('COM.example.fooBar'), 'COM.example.fooBar')
})

test('lengths end exactly where the specifications say', () => {
  const label = 'a'.repeat(63)
  const borders: [is: (text: unknown) => boolean, make: (n: number) => string, most: number][] = [
    [syntax.isDid, (n) => `did:plc:${'a'.repeat(n - 8)}`, 2048],
    [syntax.isHandle, (n) => `${`${label}.`.repeat(3)}${'a'.repeat(n - 192)}`, 253],
    [syntax.isNsid, (n) => `${`${label}.`.repeat(4)}${'a'.repeat(n - 256)}`, 317],
    [syntax.isRecordKey, (n) => 'a'.repeat(n), 512],
    [syntax.isUri, (n) => `a:${'b'.repeat(n - 2)}`, 8192],
    [syntax.isCidSyntax, (n) => 'b'.repeat(n), 256],
    [syntax.isDatetime, (n) => `2024-01-01T00:00:00.${'1'.repeat(n - 21)}Z`, 64],
  ]
  for (const [is, make, most] of borders) {
    assert.equal(make(most).length, most)
    assert.equal(is(make(most)), true)
    assert.equal(is(make(most + 1)), false)
  }
})

test('a datetime names a day that exists', () => {
  const accepted = [
    '2024-02-29T00:00:00Z',
    '2000-02-29T23:59:59.999Z',
    '2023-04-30T00:00:00-23:59',
    '0000-02-29T00:00:00Z',
    '0000-01-01T01:00:00+01:00',
    '9999-12-31T23:59:59Z',
  ]
  const refused = [
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2023-04-31T00:00:00Z',
    '2023-02-30T00:00:00Z',
    '2023-01-01T24:00:00Z',
    '2023-01-01T23:59:60Z',
    '2023-01-01T00:00:00+24:00',
    '2023-01-01T00:00:00.Z',
    '2023-01-01T00:00:00Z\n',
    '２023-01-01T00:00:00Z',
    '0000-01-01T00:59:59+01:00',
  ]
  for (const text of accepted) assert.equal(syntax.isDatetime(text), true, text)
  for (const text of refused) assert.equal(syntax.isDatetime(text), false, text)
})

test('a moment survives the way to text and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') }), (ms) => {
      const text = syntax.formatDatetime(ms)
      assert.ok(syntax.isDatetime(text))
      assert.equal(syntax.datetimeMs(text), ms)
    }),
  )
  assert.equal(syntax.datetimeMs('2024-01-01T02:00:00.1239+02:00'), Date.UTC(2024, 0, 1) + 123)
  assert.throws(() => syntax.datetimeMs('yesterday'), { code: 'InvalidDatetime' })
})

test('language tags follow BCP 47', () => {
  const accepted = ['en', 'sgn', 'zh-cmn-Hans-CN', 'sl-IT-nedis', 'de-1996', 'x-a-b', 'i-klingon']
  accepted.push('en-a-bbb-x-a-ccc', 'art-lojban', 'en-GB-oed', 'es-419')
  const refused = ['', 'e', 'EN', 'abcd', 'en-', 'en--US', 'en-a', 'x', 'x-', 'i-unknown', 'en-x']
  refused.push('de-419-DE', 'en-abcdefghi', `x${'-abcdefgh'.repeat(15)}`)
  for (const text of accepted) assert.equal(syntax.isLanguage(text), true, text)
  for (const text of refused) assert.equal(syntax.isLanguage(text), false, text)
})

test('a URI needs a scheme that begins with a letter and something behind it', () => {
  for (const text of ['a:b', 'h+t.p-1:x', 'https://é.example/ü']) {
    assert.equal(syntax.isUri(text), true, text)
  }
  for (const text of ['a:', '1a:b', ':b', 'a b:c', 'a:b c', 'a:\u0000', 'a:b\u00a0c', '']) {
    assert.equal(syntax.isUri(text), false, text)
  }
})
