import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { beginningsOf, wordsOf } from './words.ts'

/** Texts that a person takes for the same words. */
const ALIKE: readonly (readonly string[])[] = [
  ['فلج', 'الفلج', 'الفَلَج', 'ٱلفلج', 'الـفـلـج'],
  ['حب', 'الحب', 'الحُبّ'],
  ['مدرسة', 'المدرسة', 'المدرسه', 'مَدْرَسَةٌ'],
  ['أحمد', 'احمد', 'إحمد'],
  ['ألعاب', 'العاب', 'الألعاب', 'الالعاب'],
  ['ألمانية', 'الألمانية', 'المانيه'],
  ['ماء', 'الماء', 'مَاءٌ'],
  ['سماء', 'سما', 'السماء'],
  ['شيء', 'الشيء'],
  ['هيئة', 'الهيئة', 'هييه'],
  ['عُمان ٢٠٢٦', 'عمان 2026', 'عمان ۲۰۲۶'],
  ['کتاب', 'كتاب', 'الكتاب'],
  ['Café', 'cafe', 'CAFÉ'],
  ["can't stop", 'can t STOP', 'can’t stop'],
  ['❤️', '❤'],
  ['👍🏽', '👍'],
]

for (const texts of ALIKE) {
  test(`${texts.map((text) => `«${text}»`).join(' ')} are the same words`, () => {
    const [first, ...others] = texts.map(wordsOf)
    for (const words of others) assert.deepEqual(words, first)
  })
}

/** Texts that must not be taken for each other. */
const UNLIKE: readonly (readonly [string, string])[] = [
  ['ماء', 'ما'],
  ['جزء', 'جز'],
  ['الله', 'له'],
  ['اللهم', 'لهم'],
  ['الآن', 'أن'],
  ['اللي', 'لي'],
  ['إلى', 'ي'],
  ['إلا', 'ا'],
  ['мой', 'мои'],
  ['कु', 'क'],
  ['が', 'か'],
]

for (const [one, other] of UNLIKE) {
  test(`«${one}» is not «${other}»`, () => assert.notDeepEqual(wordsOf(one), wordsOf(other)))
}

const SPLIT: readonly [text: string, words: string[]][] = [
  ['', []],
  ['  \n\t ', []],
  ['!?؟،؛…«»"\'()', []],
  ['water, water; everywhere!', ['water', 'water', 'everywhere']],
  ['الماء، في الفلج؟', ['ماء', 'في', 'فلج']],
  ['alice.test e-mail snake_case', ['alice', 'test', 'e', 'mail', 'snake', 'case']],
  ['#tag @user', ['tag', 'user']],
  ['🎉🎉hello', ['🎉', '🎉', 'hello']],
  ['👨‍👩‍👧', ['👨', '👩', '👧']],
  ['🇴🇲🇸🇦', ['🇴🇲', '🇸🇦']],
  ['日本語のテキスト', [...'日本語のテキスト']],
  ['한국어 텍스트', ['한국어', '텍스트']],
  ['3.14 ٣٫١٤', ['3', '14', '3', '14']],
  ['a\u0000b', ['a', 'b']],
  ['a\ud800b', ['a', 'b']],
]

for (const [text, words] of SPLIT) {
  test(`${JSON.stringify(text)} has the words ${words.join(' | ')}`, () =>
    assert.deepEqual(wordsOf(text), words))
}

test('a word of any length is cut alike on both sides, never inside a character', () => {
  const [word] = wordsOf('a'.repeat(5_000))
  assert.equal(word, 'a'.repeat(100))
  const [letters] = wordsOf(`a${'𐐨'.repeat(100)}`)
  assert.ok(letters!.isWellFormed())
  assert.deepEqual(wordsOf(letters!), [letters])
})

const anyText = fc.string({ unit: 'binary', maxLength: 60 })
const arabic = fc.string({
  unit: fc.constantFrom(...'ابتءأإآٱلاويىئؤةهكی َّـ'),
  maxLength: 16,
})

test('words given back in are the same words', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, arabic), (text) => {
      const words = wordsOf(text)
      assert.deepEqual(wordsOf(words.join(' ')), words)
    }),
    { numRuns: 10_000 },
  )
})

test('a word holds nothing a query language could mistake', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const word of wordsOf(text)) {
        assert.match(word, /^[\p{L}\p{N}\p{M}\p{Extended_Pictographic}\p{RI}\p{Script=Han}]+$/u)
        assert.ok(word.length <= 100 && word.isWellFormed())
      }
    }),
    { numRuns: 5_000 },
  )
})

test('what is written after another text leaves its words alone', () => {
  fc.assert(
    fc.property(anyText, anyText, (one, other) => {
      assert.deepEqual(wordsOf(`${one} ${other}`), [...wordsOf(one), ...wordsOf(other)])
    }),
    { numRuns: 5_000 },
  )
})

test('every beginning of a word leads to it, with or without its article', () => {
  for (const written of ['الفلج', 'فلج', 'الماء', 'العمانية', 'Falaj', 'Ørsted'])
    for (let length = 1; length <= written.length; length++) {
      const beginnings = beginningsOf(written.slice(0, length))
      const [word] = wordsOf(written) as [string]
      // «ا» and «ال» alone say nothing of the word behind the article.
      const isArticle = /^(ا|ال)$/.test(beginnings[0]!) && !word.startsWith(beginnings[0]!)
      assert.ok(
        isArticle || beginnings.some((form) => word.startsWith(form)),
        `${written} ${length}`,
      )
    }
})

test('beginnings of what has no word are none', () => {
  assert.deepEqual(beginningsOf('!!'), [])
  assert.deepEqual(beginningsOf(''), [])
})
