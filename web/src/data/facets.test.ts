import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { byteLength, facetsFrom, findMarks, segments } from './facets.ts'
import type { Facet } from './views.ts'

const marksOf = (text: string) => findMarks(text).map((m) => [m.kind, text.slice(m.start, m.end)])

describe('finding marks', () => {
  const cases: [string, [string, string][]][] = [
    ['plain words', []],
    ['see https://example.org/a?b=c#d.', [['link', 'https://example.org/a?b=c#d']]],
    ['(https://example.org/a_(b))', [['link', 'https://example.org/a_(b)']]],
    ['(see https://example.org)', [['link', 'https://example.org']]],
    ['اقرأ https://example.org/نخيل، ثم عُد', [['link', 'https://example.org/نخيل']]],
    ['hello @Maya.Example.org!', [['mention', '@Maya.Example.org']]],
    ['مرحبًا @khalid.test كيف حالك', [['mention', '@khalid.test']]],
    ['mail me@example.org', []],
    [
      '#falaj and #فلج_الملكي و#عُمان',
      [
        ['tag', '#falaj'],
        ['tag', '#فلج_الملكي'],
      ],
    ],
    ['#2026 is a year, #2026a is a tag', [['tag', '#2026a']]],
    ['https://example.org/#part is one link', [['link', 'https://example.org/#part']]],
    ['https://example.org/@someone.test', [['link', 'https://example.org/@someone.test']]],
    ['@not-a-handle', []],
    ['javascript:alert(1) ftp://x.org', []],
  ]
  for (const [text, expected] of cases) {
    it(`in ${JSON.stringify(text)}`, () => assert.deepEqual(marksOf(text), expected))
  }

  it('lower-cases the handle of a mention', () => {
    const [mark] = findMarks('@Maya.Example.org')
    assert.equal(mark?.kind === 'mention' && mark.handle, 'maya.example.org')
  })

  it('never overlaps and stays in order, whatever is written', () => {
    const word = fc.constantFrom(
      '@a.b',
      '#x',
      '#فلج',
      'https://e.org/ا',
      ' ',
      '.',
      'كلمة',
      '👩‍👩‍👧',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const marks = findMarks(words.join(''))
        for (const [index, mark] of marks.entries()) {
          assert.ok(mark.start < mark.end)
          assert.ok(index === 0 || marks[index - 1]!.end <= mark.start)
        }
      }),
    )
  })
})

describe('facets', () => {
  it('count bytes of UTF-8, not characters', () => {
    const text = '👋 سلام #فلج'
    const [facet] = facetsFrom(text, findMarks(text), () => undefined)
    // Four bytes for the hand, two for each Arabic letter, one for each space and the sign.
    assert.deepEqual(facet?.index, { byteStart: 14, byteEnd: 21 })
    assert.deepEqual(facet?.features, [{ $type: 'app.bsky.richtext.facet#tag', tag: 'فلج' }])
  })

  it('leave out mentions of nobody', () => {
    const text = '@nobody.test @khalid.test'
    const dids = (handle: string) => (handle === 'khalid.test' ? 'did:plc:k' : undefined)
    assert.deepEqual(
      facetsFrom(text, findMarks(text), dids).map(({ index }) => index),
      [{ byteStart: 13, byteEnd: 25 }],
    )
  })
})

describe('segments', () => {
  const link = (byteStart: number, byteEnd: number): Facet => ({
    index: { byteStart, byteEnd },
    features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'https://example.org' }],
  })

  it('come back from what facets were made of', () => {
    const text = 'صباح الخير #فلج https://example.org/نخيل ☕️'
    const facets = facetsFrom(text, findMarks(text), () => undefined)
    const marked = segments(text, facets).filter(({ feature }) => feature)
    assert.deepEqual(
      marked.map((segment) => segment.text),
      ['#فلج', 'https://example.org/نخيل'],
    )
  })

  it('ignore ranges that cut a character, overlap or lie outside', () => {
    const text = 'أب'
    for (const facet of [link(1, 3), link(0, 9), link(3, 2), link(-1, 2), link(0.5, 2)]) {
      assert.deepEqual(segments(text, [facet]), [{ text }])
    }
    assert.equal(segments('abcdef', [link(0, 4), link(2, 6)]).length, 2)
  })

  it('never follow a link to anything but the web', () => {
    const bad = {
      ...link(0, 1),
      features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'javascript:x' }],
    }
    assert.deepEqual(segments('a', [bad as Facet]), [{ text: 'a' }])
  })

  it('say the whole text, whatever the facets', () => {
    const facet = fc.record({
      index: fc.record({ byteStart: fc.integer(), byteEnd: fc.integer() }),
      features: fc.constant<Facet['features']>([
        { $type: 'app.bsky.richtext.facet#tag', tag: 'x' },
      ]),
    })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(facet), (text, facets) => {
        const small = facets.map(({ index, features }) => ({
          features,
          index: {
            byteStart: Math.abs(index.byteStart) % (byteLength(text) + 2),
            byteEnd: Math.abs(index.byteEnd) % (byteLength(text) + 2),
          },
        }))
        assert.equal(
          segments(text, small)
            .map((segment) => segment.text)
            .join(''),
          text,
        )
      }),
    )
  })
})
