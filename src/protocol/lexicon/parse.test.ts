import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import { parseLexicon } from './index.ts'
import { maxDefinitions, maxEntries, maxTypeDepth } from './parse.ts'

const id = 'test.lexicon.example'

/** Where a document is refused, or 'none'. */
function refusal(document: unknown): string {
  try {
    parseLexicon(document)
    return 'none'
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, String(thrown))
    assert.equal(thrown.code, 'InvalidLexicon')
    return thrown.message.replace('Invalid lexicon: ', '')
  }
}

const main = (definition: unknown) => refusal({ lexicon: 1, id, defs: { main: definition } })
const field = (type: unknown) => main({ type: 'object', properties: { a: type } })
const params = (properties: unknown) =>
  main({ type: 'query', parameters: { type: 'params', properties } })

test('a document is an object with version, id and definitions', () => {
  const object = { type: 'object' }
  assert.equal(refusal({ lexicon: 1, id, defs: { main: object } }), 'none')
  assert.equal(
    refusal({ lexicon: 1, id, defs: { main: object }, revision: 3, later: true }),
    'none',
  )
  for (const document of [null, [], 'x', 1, undefined]) assert.match(refusal(document), /^document/)
  assert.match(refusal({ lexicon: 2, id, defs: { main: object } }), /^lexicon/)
  assert.match(refusal({ lexicon: 1, id: 'nope', defs: { main: object } }), /^id/)
  assert.match(refusal({ lexicon: 1, id, defs: { main: object }, description: 1 }), /description/)
  for (const defs of [undefined, null, [], {}])
    assert.match(refusal({ lexicon: 1, id, defs }), /^defs/)
})

test('definitions have plain names, and not too many of them', () => {
  const token = { type: 'token' }
  for (const name of ['1a', 'a b', 'a#b', '', 'x'.repeat(200)]) {
    assert.match(refusal({ lexicon: 1, id, defs: { [name]: token } }), /definition name/, name)
  }
  assert.match(
    refusal(JSON.parse(`{"lexicon":1,"id":"${id}","defs":{"__proto__":{"type":"token"}}}`)),
    /^defs/,
  )
  const many = Object.fromEntries(
    Array.from({ length: maxDefinitions + 1 }, (_, n) => [`d${n}`, token]),
  )
  assert.match(refusal({ lexicon: 1, id, defs: many }), /^defs must hold/)
})

test('each type is checked in its own fields', () => {
  const good: unknown[] = [
    { type: 'boolean', default: true, const: true },
    { type: 'integer', minimum: -1, maximum: 1, enum: [0, 1], default: 0 },
    { type: 'string', format: 'did', minLength: 1, maxLength: 9, knownValues: ['a'] },
    { type: 'string', format: 'a-format-of-tomorrow', minGraphemes: 0, maxGraphemes: 0 },
    { type: 'bytes', minLength: 0, maxLength: 9 },
    { type: 'cid-link' },
    { type: 'blob', accept: ['image/*'], maxSize: 1 },
    { type: 'array', items: { type: 'array', items: { type: 'unknown' } }, minLength: 1 },
    { type: 'object', required: ['x'], nullable: ['y'] },
    { type: 'ref', ref: '#a' },
    { type: 'ref', ref: 'a.b.c#d' },
    { type: 'union', refs: [] },
    { type: 'union', refs: ['#a', 'a.b.c'], closed: true },
  ]
  for (const type of good) assert.equal(field(type), 'none', JSON.stringify(type))
  const bad: unknown[] = [
    null,
    'string',
    {},
    { type: 'float' },
    { type: 'toString' },
    { type: ['string'] },
    { type: 'params' },
    { type: 'token' },
    { type: 'boolean', default: 'true' },
    { type: 'integer', minimum: 2, maximum: 1 },
    { type: 'integer', minimum: 1.5 },
    { type: 'integer', enum: ['a'] },
    { type: 'integer', enum: 1 },
    { type: 'string', format: 1 },
    { type: 'string', minLength: -1 },
    { type: 'string', minGraphemes: 3, maxGraphemes: 2 },
    { type: 'string', enum: [1] },
    { type: 'string', description: {} },
    { type: 'bytes', maxLength: '9' },
    { type: 'blob', accept: 'image/*' },
    { type: 'blob', maxSize: 1.5 },
    { type: 'array' },
    { type: 'array', items: [] },
    { type: 'object', properties: [] },
    { type: 'object', properties: { b: {} } },
    { type: 'object', required: 'a' },
    { type: 'ref' },
    { type: 'ref', ref: 'a b' },
    { type: 'ref', ref: '#' },
    { type: 'ref', ref: 'a.b.c#' },
    { type: 'union' },
    { type: 'union', refs: [1] },
    { type: 'union', refs: ['#a'], closed: 'yes' },
    { type: 'union', refs: [], closed: true },
  ]
  for (const type of bad)
    assert.match(field(type), /^defs\.main\.properties\.a/, JSON.stringify(type))
})

test('records say how their keys look', () => {
  const record = (key: unknown) => main({ type: 'record', key, record: { type: 'object' } })
  for (const key of ['tid', 'nsid', 'any', 'literal:self']) assert.equal(record(key), 'none', key)
  for (const key of [undefined, '', 'uuid', 'literal:', 'literal:a/b', 'literal:..']) {
    assert.match(record(key), /record key type/, String(key))
  }
  assert.match(main({ type: 'record', key: 'tid' }), /\.record/)
})

test('methods have parameters that fit a query string, and bodies of JSON or bytes', () => {
  assert.equal(
    params({ a: { type: 'string' }, b: { type: 'array', items: { type: 'integer' } } }),
    'none',
  )
  for (const a of [
    { type: 'object' },
    { type: 'blob' },
    { type: 'array', items: { type: 'bytes' } },
  ]) {
    assert.match(params({ a }), /query string/)
  }
  assert.match(main({ type: 'query', parameters: { type: 'object' } }), /type params/)
  const body = (input: unknown) => main({ type: 'procedure', input, output: input })
  assert.equal(body({ encoding: '*/*' }), 'none')
  assert.equal(
    body({ encoding: 'application/json', schema: { type: 'union', refs: ['#a'] } }),
    'none',
  )
  assert.match(body({}), /encoding/)
  assert.match(body({ encoding: 'application/json', schema: { type: 'string' } }), /schema/)
  assert.equal(
    main({ type: 'subscription', message: { schema: { type: 'union', refs: [] } } }),
    'none',
  )
  assert.match(main({ type: 'subscription', message: {} }), /message\.schema/)
})

test('permission sets are tolerated, with permissions that are some', () => {
  const permissions = [{ type: 'permission', resource: 'rpc', lxm: ['*'] }]
  assert.equal(main({ type: 'permission-set', title: 'x', permissions }), 'none')
  assert.match(main({ type: 'permission-set', permissions: [{}] }), /permissions/)
  assert.match(main({ type: 'permission-set' }), /permissions/)
})

test('depth and length are limited', () => {
  let type: unknown = { type: 'string' }
  for (let depth = 0; depth < maxTypeDepth - 2; depth++) type = { type: 'array', items: type }
  assert.equal(field(type), 'none')
  for (let depth = 0; depth < 10_000; depth++) type = { type: 'array', items: type }
  assert.match(field(type), /nested too deeply/)
  const refs = Array.from({ length: maxEntries + 1 }, () => '#a')
  assert.match(field({ type: 'union', refs }), /too many/)
})

test('arbitrary JSON is a document or refused, never a crash', () => {
  const type = fc.constantFrom(
    'object',
    'array',
    'ref',
    'union',
    'string',
    'record',
    'query',
    'x',
    'toString',
  )
  const leaf = fc.jsonValue({ maxDepth: 1 })
  const like = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, leaf, tie('type')),
    type: fc.record(
      {
        type,
        items: tie('any'),
        properties: fc.dictionary(fc.string(), tie('any'), { maxKeys: 3 }),
        required: leaf,
        refs: fc.oneof(leaf, fc.array(fc.string())),
        ref: fc.oneof(leaf, fc.string()),
        parameters: tie('any'),
        input: tie('any'),
        record: tie('any'),
        key: fc.oneof(fc.constant('tid'), leaf),
      },
      { requiredKeys: ['type'] },
    ),
  })).type
  fc.assert(
    fc.property(fc.oneof(like, fc.jsonValue()), (definition) => {
      refusal(definition)
      main(definition)
      refusal({ lexicon: 1, id, defs: definition })
    }),
    { numRuns: 2000 },
  )
})
