import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadMigrations, openSqlite } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { searchMigrations } from '../index.ts'
import { Posts } from '../records/index.ts'
import { postMatchOf, termCount } from './match.ts'
import { emptyQuery, type ParsedQuery, parseQuery } from './parse-query.ts'

const ALICE = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

const CASES: readonly [text: string, query: Partial<ParsedQuery>][] = [
  ['', {}],
  ['two words', { phrases: [['two'], ['words']] }],
  ['"two words" more', { phrases: [['two', 'words'], ['more']] }],
  [
    '“two words” «كلمتان هنا»',
    {
      phrases: [
        ['two', 'words'],
        ['كلمتان', 'هنا'],
      ],
    },
  ],
  ['e-mail', { phrases: [['e', 'mail']] }],
  ['"unfinished phrase', { phrases: [['unfinished'], ['phrase']] }],
  ['half" past', { phrases: [['half'], ['past']] }],
  ['"" " "', {}],
  [
    'a AND b OR NOT c NEAR(d)',
    { phrases: ['a', 'and', 'b', 'or', 'not', 'c'].map((w) => [w]).concat([['near', 'd']]) },
  ],
  ['^a b* (c) {d}: -e +f', { phrases: ['a', 'b', 'c', 'd', 'e', 'f'].map((w) => [w]) }],
  ['from:alice.test', { authors: ['alice.test'] }],
  ['from:@alice.test', { authors: ['alice.test'] }],
  ['FROM:Alice.test', { authors: ['Alice.test'] }],
  [`from:${ALICE}`, { authors: [ALICE] }],
  ['from:me', { authors: ['me'] }],
  ['from:alice', { phrases: [['from', 'alice']] }],
  ['from:', { phrases: [['from']] }],
  ['from: alice.test', { phrases: [['from'], ['alice', 'test']] }],
  ['to:bob.test mentions:@eve.test', { mentions: ['bob.test', 'eve.test'] }],
  ['#فلج', { tags: ['فلج'] }],
  ['#one #two', { tags: ['one', 'two'] }],
  ['# #! ##', {}],
  ['＃fullwidth', { tags: ['fullwidth'] }],
  ['lang:ar lang:pt-BR', { langs: ['ar', 'pt-BR'] }],
  ['lang:!', { phrases: [['lang']] }],
  ['domain:example.com', { domains: ['example.com'] }],
  ['domain:example.com/path', { phrases: [['domain', 'example', 'com', 'path']] }],
  ['url:https://example.com/a?b', { urls: ['https://example.com/a?b'] }],
  ['url:nothing', { phrases: [['url', 'nothing']] }],
  ['https://example.com', { phrases: [['https', 'example', 'com']] }],
  ['since:2026-01-02', { sinceMs: Date.UTC(2026, 0, 2) }],
  ['until:2026-01-02T03:04:05Z', { untilMs: Date.UTC(2026, 0, 2, 3, 4, 5) }],
  ['since:2026-01-02T03:04:05.678+04:00', { sinceMs: Date.UTC(2026, 0, 1, 23, 4, 5, 678) }],
  ['since:2026-01-02T03:04', { sinceMs: Date.UTC(2026, 0, 2, 3, 4) }],
  ['since:2026-01-02 since:2026-01-01', { sinceMs: Date.UTC(2026, 0, 2) }],
  ['until:2026-01-02 until:2026-01-01', { untilMs: Date.UTC(2026, 0, 1) }],
  ['since:2026-99-99', { phrases: [['since', '2026', '99', '99']] }],
  ['since:yesterday', { phrases: [['since', 'yesterday']] }],
  ['is:reply is:quote is:odd', { isReply: true, isQuote: true, phrases: [['is', 'odd']] }],
  ['*', { wantsAll: true }],
  ['water* *', { wantsAll: true, phrases: [['water']] }],
]

for (const [text, query] of CASES) {
  test(`«${text}» is read`, () => assert.deepEqual(parseQuery(text), { ...emptyQuery(), ...query }))
}

test('terms of all kinds are counted', () => {
  assert.equal(termCount(parseQuery('a "b c" from:me to:me #t lang:ar domain:a.b url:http://a')), 9)
})

const typed = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom('"', '«', '»', '(', ')', '*', '^', '-', '+', ':', '{', '}', '#', ' ', '\\'),
        fc.constantFrom("'", ';', '--', 'NEAR', 'AND', 'OR', 'NOT', 'from:', 'lang:', '\0', '""'),
        fc.constantFrom('since:', 'until:', 'url:', 'domain:', 'is:', 'to:', '%', '?', '?1', '@'),
        fc.constantFrom('text:', '{text alt}:', 'facets : ', 'http://', 'a.b', '2026-01-01', '🎉'),
        fc.string({ maxLength: 6 }),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)

test('whatever is typed is a query, and the engine understands it', async () => {
  const sql = await openSqlite(':memory:', { migrations: loadMigrations(searchMigrations) })
  const posts = new Posts({ sql })
  const known = { authors: [ALICE as Did], mentions: [] }
  await fc.assert(
    fc.asyncProperty(typed, fc.boolean(), async (text, isWithAuthor) => {
      const parsed = parseQuery(text)
      const match = postMatchOf({
        ...parsed,
        ...(isWithAuthor ? known : { authors: [], mentions: [] }),
      })
      if (match === undefined) return
      assert.deepEqual(await posts.latest(match, 10), [])
      assert.equal(await posts.count(match), 0)
      if (match.match !== undefined)
        assert.deepEqual(
          await posts.best({ ...match, match: match.match }, { offset: 0, limit: 10 }),
          [],
        )
    }),
    { numRuns: 3_000 },
  )
  await sql.close()
})

test('no text makes reading it slow', () => {
  // A careless expression would take minutes for this one.
  const hostile = `${'"«'.repeat(5_000)}${'from:'.repeat(5_000)}${' #'.repeat(5_000)}`
  assert.ok(parseQuery(hostile).phrases.length >= 0)
})
