import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isGraphemeLengthWithin, isUtf8LengthWithin, utf8Length } from './index.ts'

const family = '👩‍👩‍👦‍👦'

test('UTF-8 length is what an encoder makes', () => {
  for (const [text, bytes] of [
    ['', 0],
    ['a', 1],
    ['é', 2],
    ['ق', 2],
    ['€', 3],
    ['👍', 4],
    [family, 25],
  ] as const) {
    assert.equal(utf8Length(text), bytes, text)
  }
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(anyText, fc.nat(40), fc.nat(40), (text, min, max) => {
      const bytes = new TextEncoder().encode(text).length
      assert.equal(utf8Length(text), bytes)
      assert.equal(isUtf8LengthWithin(text, min, max), bytes >= min && bytes <= max)
    }),
    { numRuns: 1000 },
  )
})

test('half a surrogate pair counts as its replacement', () => {
  assert.equal(utf8Length('\ud800'), 3)
  assert.equal(utf8Length('\udc00\ud800'), 6)
  assert.equal(utf8Length('\ud800\ud83d\udc4d'), 7)
})

test('graphemes are what a reader counts', () => {
  const count = (text: string) => {
    for (let n = 0; n < 50; n++) if (isGraphemeLengthWithin(text, 0, n)) return n
    return 50
  }
  const cases: [text: string, graphemes: number][] = [
    ['', 0],
    ['abc', 3],
    ['a\r\nb', 3],
    ['\r\r', 2],
    ['e\u0301', 1],
    [family, 1],
    ['🇩🇪🏳️‍🌈', 2],
    ['سَاقِيَة', 5],
    ['กำ', 1],
  ]
  for (const [text, graphemes] of cases) assert.equal(count(text), graphemes, text)
})

test('the short cuts for plain text say what the segmenter says', () => {
  const segmenter = new Intl.Segmenter()
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc
      .array(fc.constantFrom('a', '\r', '\n', '\u0301', '👍', '\u200d'))
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, fc.nat(20), fc.nat(20), (value, min, max) => {
      const graphemes = [...segmenter.segment(value)].length
      assert.equal(isGraphemeLengthWithin(value, min, max), graphemes >= min && graphemes <= max)
    }),
    { numRuns: 2000 },
  )
})
