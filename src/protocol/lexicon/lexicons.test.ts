import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BytesWrapper, cidLink, makeCid } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { compileLexicons, isKeyOf } from './index.ts'

const id = 'test.lexicon.example'
const cid = 'bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq'
const link = cidLink(makeCid(0x55, new Uint8Array(32)))

/** What is said of a value of a type: 'valid', 'unknown', or the issue. */
function say(
  type: unknown,
  value: unknown,
  more: Record<string, unknown> = {},
  strict = true,
): string {
  const defs = { main: { type: 'object', properties: { v: type } }, ...more }
  const verdict = compileLexicons([{ lexicon: 1, id, defs }]).validate(id, { v: value }, strict)
  if (verdict.status !== 'invalid') return verdict.status
  return verdict.message.replace(/^\.v/, '')
}

function table(type: unknown, good: unknown[], bad: unknown[], more = {}): void {
  for (const value of good) assert.equal(say(type, value, more), 'valid', JSON.stringify(value))
  for (const value of bad) {
    assert.match(
      say(type, value, more),
      /^[.:]/,
      `${JSON.stringify(type)} ${JSON.stringify(value)}`,
    )
  }
}

test('booleans and integers are just that', () => {
  table({ type: 'boolean' }, [true, false], [0, 'true', null, {}])
  table({ type: 'boolean', const: true }, [true], [false])
  table({ type: 'integer' }, [0, -5, 2 ** 53 - 1], [0.5, 2 ** 53, Number.NaN, '1', null, [1]])
  table({ type: 'integer', minimum: 0, maximum: 5 }, [0, 5], [-1, 6])
  table({ type: 'integer', enum: [1, 3] }, [1, 3], [2])
  table({ type: 'integer', const: 3 }, [3], [4])
})

test('text is counted in bytes and in graphemes, and may have a format', () => {
  table({ type: 'string' }, ['', 'x'], [1, null, [], {}])
  table({ type: 'string', minLength: 2, maxLength: 4 }, ['ab', 'é', '👍'], ['a', 'abcde', 'ééé'])
  table({ type: 'string', maxGraphemes: 1 }, ['', 'a', '👩‍👩‍👦‍👦'], ['ab'])
  table({ type: 'string', minGraphemes: 2 }, ['ab', '👍👍'], ['a', '👩‍👩‍👦‍👦'])
  table({ type: 'string', enum: ['a', 'b'] }, ['a', 'b'], ['c', 'toString'])
  table({ type: 'string', const: 'a' }, ['a'], ['b'])
  table({ type: 'string', knownValues: ['a'] }, ['a', 'anything'], [])
  table({ type: 'string', format: 'of-tomorrow' }, ['anything'], [1])
})

test('each format is the one of the syntax room', () => {
  const formats: Record<string, [good: string, bad: string]> = {
    'at-identifier': ['alice.test', 'alice'],
    'at-uri': ['at://alice.test/a.b.c/x', 'https://alice.test'],
    cid: [cid, 'x'],
    datetime: ['2024-01-01T00:00:00.000Z', '2024-01-01'],
    did: ['did:web:alice.test', 'alice.test'],
    handle: ['alice.test', 'did:web:alice.test'],
    language: ['ar-EG', '123'],
    nsid: ['a.b.c', 'a.b'],
    'record-key': ['self', '..'],
    tid: ['3kznmn7xqxl22', '3k'],
    uri: ['mailto:a@b', 'nothing'],
  }
  for (const [format, [good, bad]] of Object.entries(formats)) {
    table({ type: 'string', format }, [good], [bad, ''])
    assert.match(say({ type: 'string', format }, bad), new RegExp(`expected a ${format}`))
  }
})

test('bytes and links are taken decoded and as JSON', () => {
  const bytes = (size: number) => new BytesWrapper(new Uint8Array(size))
  table(
    { type: 'bytes' },
    [bytes(0), { $bytes: '' }, { $bytes: 'AQI' }, { $bytes: 'AQI=' }],
    ['AQI', { $bytes: '*' }, { $bytes: 'AQI', more: 1 }, {}, null, link],
  )
  const sized = { type: 'bytes', minLength: 2, maxLength: 3 }
  table(
    sized,
    [bytes(2), bytes(3), { $bytes: 'AQI' }, { $bytes: 'AQID' }],
    [bytes(1), bytes(4), { $bytes: 'AQ' }, { $bytes: 'AQIDBA==' }],
  )
  table(
    { type: 'cid-link' },
    [link, { $link: cid }],
    [cid, { $link: 'x' }, { $link: cid, more: 1 }, bytes(1), null],
  )
})

test('blobs are held to size and type where they are written', () => {
  const blob = (changes = {}) => ({
    $type: 'blob',
    ref: { $link: cid },
    mimeType: 'image/png',
    size: 5,
    ...changes,
  })
  const type = { type: 'blob', accept: ['image/*', 'text/plain'], maxSize: 10 }
  table(
    type,
    [blob(), blob({ mimeType: 'TEXT/plain' }), blob({ ref: link })],
    [
      blob({ size: 11 }),
      blob({ size: -1 }),
      blob({ size: 1.5 }),
      blob({ mimeType: 'image' }),
      blob({ mimeType: 'video/mp4' }),
      blob({ ref: cid }),
      blob({ more: 1 }),
      { ref: link, mimeType: 'image/png', size: 5 },
      { cid, mimeType: 'image/png' },
      null,
    ],
  )
  table({ type: 'blob', accept: ['*/*'] }, [blob({ mimeType: 'a/b' })], [])
  assert.equal(say(type, blob({ size: 11 }), {}, false), 'valid')
  assert.equal(say(type, { cid, mimeType: 'image/png' }, {}, false), 'valid')
  assert.match(say(type, { cid }, {}, false), /expected a blob/)
})

test('lists have a length and items of one type', () => {
  const type = { type: 'array', items: { type: 'integer' }, minLength: 1, maxLength: 2 }
  table(type, [[1], [1, 2]], [[], [1, 2, 3], ['1'], [null], {}, '1', null])
  assert.match(say(type, [1, 'x']), /^\.1: expected an integer/)
})

test('objects know what must be there, what may be null, and leave the rest alone', () => {
  const type = {
    type: 'object',
    required: ['a', 'undeclared'],
    nullable: ['n'],
    properties: { a: { type: 'integer' }, n: { type: 'integer' }, o: { type: 'integer' } },
  }
  table(
    type,
    [
      { a: 1, undeclared: 'x' },
      { a: 1, undeclared: null, n: null },
      { a: 1, undeclared: 0, other: [{}] },
      { a: 1, undeclared: 0, o: undefined },
    ],
    [
      { a: 1 },
      { undeclared: 1 },
      { a: null, undeclared: 1 },
      { a: 1, undeclared: 1, o: null },
      [],
      null,
      link,
    ],
  )
  assert.match(say(type, { undeclared: 1 }), /^\.a: is missing/)
})

test('what every JavaScript object inherits is not a property', () => {
  const type = { type: 'object', required: ['toString'] }
  assert.match(say(type, {}), /^\.toString: is missing/)
  assert.equal(say(type, { toString: 1 }), 'valid')
})

test('unknown is any object but no link, bytes or blob', () => {
  table(
    { type: 'unknown' },
    [{}, { $type: 'a.b.c', x: 1 }],
    [
      null,
      1,
      'x',
      [],
      link,
      { $bytes: 'AQI' },
      { $type: 'blob', ref: link, mimeType: 'a/b', size: 1 },
    ],
  )
})

test('references lead to other definitions, also to themselves', () => {
  const node = {
    type: 'object',
    properties: { next: { type: 'ref', ref: '#node' }, n: { type: 'integer' } },
  }
  const type = { type: 'ref', ref: '#node' }
  table(type, [{}, { next: { next: { n: 1 } } }], [{ next: { next: { n: 'x' } } }, 1], { node })
  assert.match(say(type, { next: { n: 'x' } }, { node }), /^\.next\.n: /)
})

test('a token’s only value is its own name', () => {
  const type = { type: 'ref', ref: '#red' }
  const more = { red: { type: 'token' } }
  table(type, [`${id}#red`], ['red', '#red', `${id}#blue`, 1], more)
})

test('unions are told apart by $type, and open unless closed', () => {
  const more = {
    a: { type: 'object', required: ['x'], properties: { x: { type: 'integer' } } },
    b: { type: 'object' },
  }
  const open = { type: 'union', refs: ['#a', `${id}#b`] }
  const a = `${id}#a`
  const good = [{ $type: a, x: 1 }, { $type: `${id}#b` }]
  const bad = [{ $type: a }, { x: 1 }, { $type: 1 }, { $type: null }, 1, null, [], link]
  const other = { $type: 'test.other.thing' }
  table(open, [...good, other], bad, more)
  table({ ...open, closed: true }, good, [...bad, other], more)
  assert.match(say(open, { $type: a, x: 'x' }, more), /^\.x: expected an integer/)
})

test('a named object may carry its name and no other', () => {
  const more = { a: { type: 'object' } }
  table(
    { type: 'ref', ref: '#a' },
    [{}, { $type: `${id}#a` }],
    [{ $type: 'x.y.z' }, { $type: 1 }],
    more,
  )
  table({ type: 'object' }, [{ $type: 'x.y.z' }], [])
})

test('what needs a definition nobody has is unknown, only when it is needed', () => {
  const type = { type: 'ref', ref: 'test.absent.lexicon#thing' }
  assert.equal(say(type, undefined), 'valid')
  assert.equal(say(type, {}), 'unknown')
  const union = { type: 'union', refs: ['test.absent.lexicon'] }
  assert.equal(say(union, { $type: 'test.other.lexicon' }), 'valid')
  assert.equal(say(union, { $type: 'test.absent.lexicon' }), 'unknown')
})

test('defaults are put in where bodies and parameters are read, in a copy', () => {
  const defs = {
    main: {
      type: 'object',
      properties: {
        limit: { type: 'integer', default: 50 },
        nested: { type: 'object', properties: { on: { type: 'boolean', default: false } } },
        list: { type: 'array', items: { type: 'ref', ref: '#item' } },
      },
    },
    item: { type: 'object', properties: { name: { type: 'string', default: '' } } },
  }
  const lexicons = compileLexicons([{ lexicon: 1, id, defs }])
  const given = { nested: {}, list: [{ name: 'x' }, {}], other: 1 }
  const before = structuredClone(given)
  assert.deepEqual(lexicons.validate(id, given), {
    status: 'valid',
    value: { limit: 50, nested: { on: false }, list: [{ name: 'x' }, { name: '' }], other: 1 },
  })
  assert.deepEqual(given, before)
  const full = { limit: 1 }
  const verdict = lexicons.validate(id, full)
  assert.equal(
    verdict.status === 'valid' && verdict.value,
    full,
    'nothing to put in, nothing copied',
  )
})

test('records have their own $type and a key of their kind', () => {
  const record = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } }
  const lexicons = compileLexicons([
    { lexicon: 1, id, defs: { main: { type: 'record', key: 'tid', record } } },
  ])
  const value = { $type: id, n: 1 }
  const verdict = (other: unknown, rkey?: string) =>
    lexicons.validateRecord(id, other, { rkey }).status
  assert.equal(verdict(value), 'valid')
  assert.equal(verdict(value, '3kznmn7xqxl22'), 'valid')
  assert.equal(verdict(value, 'self'), 'invalid')
  assert.equal(verdict({ n: 1 }), 'invalid')
  assert.equal(verdict({ $type: 'a.b.c', n: 1 }), 'invalid')
  assert.equal(verdict({ $type: id }), 'invalid')
  assert.equal(verdict(null), 'invalid')
  assert.deepEqual(lexicons.validateRecord('test.other.record', value), { status: 'unknown' })
})

test('record keys are of the type their lexicon names', () => {
  const cases: [type: string, good: string[], bad: string[]][] = [
    ['tid', ['3kznmn7xqxl22'], ['self', '', '3k']],
    ['nsid', ['a.b.c'], ['self', 'a/b']],
    ['any', ['self', 'a.b.c', '3kznmn7xqxl22'], ['', '..', 'a/b', 'x'.repeat(513)]],
    ['literal:self', ['self'], ['other', 'literal:self', '']],
  ]
  for (const [type, good, bad] of cases) {
    for (const rkey of good) assert.equal(isKeyOf(type, rkey), true, `${type} ${rkey}`)
    for (const rkey of bad) assert.equal(isKeyOf(type, rkey), false, `${type} ${rkey}`)
  }
})

const json = (properties: object) => ({
  encoding: 'application/json',
  schema: { type: 'object', required: ['n'], properties },
})
const number = { n: { type: 'integer' } }
const methods = compileLexicons([
  {
    lexicon: 1,
    id: 'test.method.ask',
    defs: {
      main: {
        type: 'query',
        parameters: {
          type: 'params',
          required: ['n'],
          properties: { ...number, m: { type: 'integer', default: 2 } },
        },
        output: json(number),
      },
    },
  },
  {
    lexicon: 1,
    id: 'test.method.change',
    defs: { main: { type: 'procedure', input: json(number), output: { encoding: '*/*' } } },
  },
  {
    lexicon: 1,
    id: 'test.method.send',
    defs: { main: { type: 'procedure', input: { encoding: 'image/png, image/jpeg' } } },
  },
  {
    lexicon: 1,
    id: 'test.method.watch',
    defs: {
      main: { type: 'subscription', message: { schema: { type: 'union', refs: ['#tick'] } } },
      tick: json(number).schema,
    },
  },
])

test('parameters, inputs, outputs and messages are checked by the method’s name', () => {
  assert.deepEqual(methods.validateParams('test.method.ask', { n: 1 }), {
    status: 'valid',
    value: { n: 1, m: 2 },
  })
  assert.equal(methods.validateParams('test.method.ask', {}).status, 'invalid')
  assert.equal(methods.validateParams('test.method.absent', {}).status, 'unknown')
  assert.equal(methods.validateOutput('test.method.ask', { n: 1 }).status, 'valid')
  assert.equal(methods.validateOutput('test.method.ask', { n: 'x' }).status, 'invalid')
  assert.equal(methods.validateInput('test.method.change', { n: 1 }).status, 'valid')
  assert.equal(methods.validateInput('test.method.change', []).status, 'invalid')
  assert.equal(methods.validateInput('test.method.send', {}).status, 'unknown', 'not JSON')
  const tick = { $type: 'test.method.watch#tick', n: 1 }
  assert.equal(methods.validateMessage('test.method.watch', tick).status, 'valid')
  assert.equal(methods.validateMessage('test.method.watch', { ...tick, n: '' }).status, 'invalid')
})

test('methods have schemas for the router, by kind', () => {
  const ask = methods.query('test.method.ask')
  assert.deepEqual([ask.type, ask.nsid, ask.output?.type], ['xrpc_query', 'test.method.ask', 'lex'])
  const send = methods.procedure<object, 'binary', undefined>('test.method.send')
  assert.deepEqual(send.input, { type: 'blob', encoding: ['image/png', 'image/jpeg'] })
  assert.equal(send.output, null)
  assert.equal(methods.subscription('test.method.watch').type, 'xrpc_subscription')
  assert.throws(() => methods.query('test.method.send'), TypeError)
  assert.throws(() => methods.query('test.method.absent'), TypeError)
})

test('documents refer to each other in any order, and round in circles', () => {
  const folder = {
    type: 'object',
    required: ['files'],
    properties: {
      files: { type: 'array', items: { type: 'ref', ref: 'test.circle.file' } },
      kind: { type: 'ref', ref: 'test.circle.kinds#shared' },
    },
  }
  const file = {
    type: 'object',
    properties: {
      parent: { type: 'ref', ref: 'test.circle.folder' },
      link: { type: 'union', refs: ['test.circle.folder', '#main'], closed: true },
    },
  }
  const lexicons = compileLexicons([
    { lexicon: 1, id: 'test.circle.folder', defs: { main: folder } },
    { lexicon: 1, id: 'test.circle.file', defs: { main: file } },
    { lexicon: 1, id: 'test.circle.kinds', defs: { shared: { type: 'token' } } },
  ])
  const verdict = (value: unknown) => {
    const result = lexicons.validate('test.circle.folder', value)
    return result.status === 'invalid' ? result.message : result.status
  }
  assert.equal(verdict({ files: [], kind: 'test.circle.kinds#shared' }), 'valid')
  assert.equal(verdict({ files: [{ parent: { files: [{}] } }] }), 'valid')
  assert.equal(verdict({ files: [{ parent: {} }] }), '.files.0.parent.files: is missing')
  const link = { $type: 'test.circle.file', link: { $type: 'test.circle.folder' } }
  assert.equal(verdict({ files: [{ link }] }), '.files.0.link.link.files: is missing')
  assert.match(
    verdict({ files: [{ link: { $type: 'test.circle.kinds' } }] }),
    /^\.files\.0\.link\.\$type/,
  )
})

test('permission sets compile beside the rest, and are no values', () => {
  const permissions = [{ type: 'permission', resource: 'rpc', lxm: ['a.b.c'] }]
  const main = { type: 'permission-set', title: 'x', permissions }
  const lexicons = compileLexicons([{ lexicon: 1, id, defs: { main } }])
  assert.equal(lexicons.document(id)?.defs.main?.type, 'permission-set')
  assert.equal(lexicons.validate(id, {}).status, 'invalid')
  assert.deepEqual(lexicons.validateRecord(id, {}), { status: 'unknown' })
  assert.equal(lexicons.validateParams(id, {}).status, 'unknown')
})

test('a definition that is a method has no values', () => {
  assert.equal(methods.validate('test.method.ask', {}).status, 'invalid')
})

test('malformed documents and doubles are refused by name', () => {
  const document = { lexicon: 1, id, defs: { main: { type: 'token' } } }
  for (const documents of [[{}], [document, document]]) {
    assert.throws(
      () => compileLexicons(documents),
      (thrown) => thrown instanceof ProtocolError && thrown.code === 'InvalidLexicon',
    )
  }
  assert.deepEqual(compileLexicons([document]).ids, [id])
})

test('arbitrary values get a verdict, never a crash', () => {
  const defs = {
    main: {
      type: 'object',
      properties: {
        a: { type: 'array', items: { type: 'ref', ref: '#main' } },
        b: { type: 'blob', accept: ['image/*'] },
        c: { type: 'bytes', maxLength: 3 },
        l: { type: 'cid-link' },
        s: { type: 'string', format: 'datetime', maxGraphemes: 3 },
        u: { type: 'union', refs: ['#main'] },
        x: { type: 'unknown' },
      },
    },
  }
  const lexicons = compileLexicons([{ lexicon: 1, id, defs }])
  const leaf = fc.oneof(
    fc.anything({ maxDepth: 1, withBigInt: true, withDate: true, withNullPrototype: true }),
    fc.constantFrom<unknown>(link, { $link: cid }, { $bytes: 'AQI' }, { $type: 'blob' }, [], {}),
  )
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, leaf, tie('like')),
    like: fc.record(
      {
        a: fc.array(tie('any'), { maxLength: 3 }),
        b: leaf,
        c: leaf,
        l: leaf,
        s: leaf,
        u: tie('any'),
        x: leaf,
        $type: fc.oneof(fc.constant(id), leaf),
      },
      { requiredKeys: [] },
    ),
  })).like
  fc.assert(
    fc.property(value, fc.boolean(), (any, strict) => {
      const { status } = lexicons.validate(id, any, strict)
      return status === 'valid' || status === 'invalid'
    }),
    { numRuns: 3000 },
  )
})
