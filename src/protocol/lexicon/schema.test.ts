import assert from 'node:assert/strict'
import { test } from 'node:test'
import { is, parse, safeParse } from '@atcute/lexicons/validations'
import { BytesWrapper, cidLink, makeCid } from '#protocol/data'
import { Issue, isMap, MissingDefinition } from './check.ts'
import { compileLexicons } from './index.ts'

const id = 'test.schema.example'
const properties = {
  limit: { type: 'integer', minimum: 1, default: 50 },
  tags: { type: 'array', items: { type: 'string', maxLength: 3 } },
  exact: { type: 'boolean' },
}
const parameters = { type: 'params', properties }
const lexicons = compileLexicons([
  {
    lexicon: 1,
    id,
    defs: {
      main: {
        type: 'procedure',
        parameters,
        input: {
          encoding: 'application/json',
          schema: {
            type: 'object',
            properties: {
              image: { type: 'blob', maxSize: 10 },
              other: { type: 'ref', ref: 'test.absent.def' },
            },
          },
        },
        output: { encoding: 'application/json' },
      },
    },
  },
])
const schema = lexicons.procedure<{ limit: number }, Record<string, unknown>, unknown>(id)

test('a compiled schema works with everything that takes official ones', () => {
  assert.deepEqual(safeParse(schema.params, {}), { ok: true, value: { limit: 50 } })
  assert.deepEqual(parse(schema.params, { limit: 5 }), { limit: 5 })
  assert.equal(is(schema.params, { limit: 5 }), true)
  assert.equal(is(schema.params, { limit: 'x' }), false)
})

test('its issues say where and what', () => {
  const result = safeParse(schema.params, { tags: ['ok', 'too long'] })
  assert.ok(!result.ok)
  assert.equal(result.message, 'invalid_value at .tags.1 (expected text of at most 3 bytes)')
  assert.deepEqual(result.issues[0]?.path, ['tags', 1])
  const top = safeParse(schema.params, null)
  assert.ok(!top.ok)
  assert.equal(top.message, 'invalid_value at . (expected an object)')
  assert.throws(() => parse(schema.params, { limit: 0 }), /limit.*from 1/)
})

test('its parameters show their types, as a reader of query strings needs them', () => {
  const { shape } = schema.params as unknown as { shape: Record<string, unknown> }
  assert.deepEqual(shape, {
    limit: { type: 'integer' },
    tags: { type: 'array', item: { type: 'string' } },
    exact: { type: 'boolean' },
  })
})

test('strictness reaches the checks', () => {
  assert.ok(schema.input !== null && schema.input.type === 'lex')
  const ref = { $link: 'bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq' }
  const value = { image: { $type: 'blob', ref, mimeType: 'a/b', size: 11 } }
  assert.equal(safeParse(schema.input.schema, value).ok, true)
  assert.equal(safeParse(schema.input.schema, value, { strict: true }).ok, false)
})

test('a definition that is missing in a service is loud', () => {
  assert.ok(schema.input !== null && schema.input.type === 'lex')
  const { schema: input } = schema.input
  assert.throws(() => safeParse(input, { other: {} }), MissingDefinition)
})

test('a JSON body without a schema is any object', () => {
  assert.ok(schema.output !== null && schema.output.type === 'lex')
  assert.equal(is(schema.output.schema, { anything: [1] }), true)
  assert.equal(is(schema.output.schema, 'text'), false)
})

test('an issue is told from the outside in', () => {
  const issue = new Issue('expected text').within('alt').within(0).within('images')
  assert.deepEqual(issue.path, ['images', 0, 'alt'])
  assert.equal(String(issue), '.images.0.alt: expected text')
  assert.equal(String(new Issue('expected an object')), 'value: expected an object')
  const long = new Issue('x').within('k'.repeat(10_000))
  assert.ok(String(long).length < 200)
})

test('a map is an object of the data model that is nothing more special', () => {
  for (const value of [{}, { a: 1 }, Object.create(null), { $link: 1 }, { $bytes: '*' }]) {
    assert.equal(isMap(value), true)
  }
  const link = cidLink(makeCid(0x71, new Uint8Array(32)))
  for (const value of [null, undefined, 1, 'x', [], link, new BytesWrapper(new Uint8Array())]) {
    assert.equal(isMap(value), false)
  }
})
