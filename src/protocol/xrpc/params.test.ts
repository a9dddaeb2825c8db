import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from '@atcute/lexicons/validations'
import fc from 'fast-check'
import { formatParams, XrpcError } from './index.ts'
import { compileParams, maxQueryLength } from './params.ts'

const schema = v.object({
  actor: v.optional(v.actorIdentifierString()),
  limit: v.optional(v.constrain(v.integer(), [v.integerRange(1, 100)]), 50),
  q: v.optional(v.string()),
  exact: v.optional(v.boolean()),
  uris: v.optional(v.constrain(v.array(v.string()), [v.arrayLength(0, 3)])),
  counts: v.optional(v.array(v.integer())),
  sort: v.optional(v.literalEnum(['top', 'latest'])),
})
const parse = compileParams(schema)

/** The parameters, or the message of the refusal. */
function outcome(query: string): unknown {
  try {
    return parse(query)
  } catch (thrown) {
    assert.ok(thrown instanceof XrpcError, String(thrown))
    assert.equal(thrown.status, 400)
    assert.equal(thrown.error, 'InvalidRequest')
    return thrown.message
  }
}

test('values take the types of their schema', () => {
  const cases: [query: string, expected: object][] = [
    ['', {}],
    ['q=a', { q: 'a' }],
    ['q=5', { q: '5' }],
    ['limit=5', { limit: 5 }],
    ['exact=true&limit=1', { exact: true, limit: 1 }],
    ['exact=false', { exact: false }],
    ['uris=a', { uris: ['a'] }],
    ['uris=a&uris=b&q=x&uris=c', { uris: ['a', 'b', 'c'], q: 'x' }],
    ['counts=1&counts=-2', { counts: [1, -2] }],
    ['sort=top', { sort: 'top' }],
    ['actor=did%3Aplc%3Aabc', { actor: 'did:plc:abc' }],
    ['q=a+b%20c%2Bd', { q: 'a b c+d' }],
    ['q=%D8%B3%D8%A7%D9%82%D9%8A%D8%A9', { q: 'ساقية' }],
    ['q=a=b', { q: 'a=b' }],
    ['q=%26%3D', { q: '&=' }],
  ]
  for (const [query, expected] of cases) {
    assert.deepEqual(outcome(query), { limit: 50, ...expected }, query)
  }
})

test('empty values, bare names and unknown names count for nothing', () => {
  for (const query of [
    'q=',
    'q',
    '&&',
    '=x',
    'other=1',
    '__proto__=1',
    'constructor=1',
    'toString',
  ]) {
    assert.deepEqual(outcome(query), { limit: 50 }, query)
  }
})

test('arrays may be written with brackets, as old clients do', () => {
  assert.deepEqual(outcome('uris[]=a&uris[]=b'), { limit: 50, uris: ['a', 'b'] })
  assert.deepEqual(outcome('uris%5B0%5D=a&uris%5B1%5D=b'), { limit: 50, uris: ['a', 'b'] })
})

test('what does not fit is refused with the parameter’s name', () => {
  const cases: [query: string, message: RegExp][] = [
    ['limit=x', /limit must be an integer/],
    ['limit=1.5', /limit must be an integer/],
    ['limit=1e2', /limit must be an integer/],
    ['limit=0x10', /limit must be an integer/],
    ['limit=9007199254740993', /limit must be an integer/],
    ['limit=99999999999999999999', /limit must be an integer/],
    ['counts=1&counts=b', /counts must be an integer/],
    ['limit=0', /limit/],
    ['limit=101', /limit/],
    ['exact=1', /exact must be true or false/],
    ['exact=TRUE', /exact must be true or false/],
    ['q=a&q=b', /q is given more than once/],
    ['uris=a&uris=b&uris=c&uris=d', /uris/],
    ['actor=x', /actor/],
    ['sort=worst', /sort/],
    ['q=%', /percent-encoding/],
    ['q=%FF', /percent-encoding/],
    [`q=${'x'.repeat(maxQueryLength)}`, /too long/],
  ]
  for (const [query, message] of cases) assert.match(String(outcome(query)), message, query)
})

test('a method without parameters takes any query', () => {
  assert.deepEqual(compileParams(null)('a=b&limit=x'), {})
})

test('what is written is read again', () => {
  const params = fc.record(
    {
      q: fc.string({ unit: 'grapheme', minLength: 1 }),
      limit: fc.integer({ min: 1, max: 100 }),
      exact: fc.boolean(),
      uris: fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }),
      counts: fc.array(fc.maxSafeInteger(), { minLength: 1 }),
    },
    { requiredKeys: ['limit'] },
  )
  fc.assert(
    fc.property(params, (given) => {
      const query = formatParams(given)
      fc.pre(query.length <= maxQueryLength)
      assert.deepEqual(parse(query), { ...given })
      assert.deepEqual(parse(new URLSearchParams(query).toString()), { ...given })
    }),
  )
})

test('absent values are not written', () => {
  assert.equal(
    formatParams({ a: undefined, b: null, c: [], d: 0, e: false, f: '' }),
    'd=0&e=false&f=',
  )
})

test('arbitrary queries parse or are refused, never crash', () => {
  const name = fc.oneof(fc.constantFrom('q', 'limit', 'uris', 'exact', 'uris[]'), fc.string())
  const query = fc.oneof(
    fc.string(),
    fc.array(fc.tuple(name, fc.string())).map((pairs) => pairs.map((p) => p.join('=')).join('&')),
  )
  fc.assert(
    fc.property(query, (text) => void outcome(text)),
    { numRuns: 3000 },
  )
})
