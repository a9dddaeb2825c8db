import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldCharacters } from './fold.ts'

const CASES: readonly [what: string, written: string, folded: string][] = [
  ['harakat', 'الفَلَجُ العُمَانِيُّ', 'الفلج العماني'],
  ['tanwin and shadda', 'شُكْرًا جِدًّا', 'شكرا جدا'],
  ['superscript alef', 'هٰذا الرحمٰن', 'هذا الرحمن'],
  ['signs of the Quran', 'ٱلْحَمْدُ لِلَّهِ ۝ رَبِّۖ', 'الحمد لله ۝ رب'],
  ['tatweel', 'مــــرحبـا', 'مرحبا'],
  ['forms of alef', 'أحمد إسلام آمال ٱلله ٲ ٳ', 'احمد اسلام امال الله ا ا'],
  ['alef maksura', 'مصطفى على', 'مصطفي علي'],
  ['teh marbuta', 'مدرسة قهوة', 'مدرسه قهوه'],
  ['hamza on waw and on yeh', 'مؤمن سؤال بئر هيئة', 'مومن سوال بير هييه'],
  ['hamza as a mark of its own', 'ا\u0654حمد ا\u0655سلام و\u0654 ي\u0654', 'احمد اسلام و ي'],
  ['Arabic-Indic digits', '٠١٢٣٤٥٦٧٨٩', '0123456789'],
  ['Persian digits', '۰۱۲۳۴۵۶۷۸۹', '0123456789'],
  ['full-width digits', '０１２３', '0123'],
  ['Persian kaf and yeh', 'کتاب ایرانی', 'كتاب ايراني'],
  ['Urdu heh and yeh barree', 'ہے ھے', 'هي هي'],
  ['presentation forms', 'ﻣﺮﺣﺒﺎ ﻻ', 'مرحبا لا'],
  ['the one sign for the name of God', 'ﷲ', 'الله'],
  ['harakat that stand alone in old encodings', 'كﹶتﹶب', 'كتب'],
  ['a joiner in Persian', 'می\u200cخواهم', 'ميخواهم'],
  ['direction marks', '\u200fعمان\u200e \u2067ok\u2069', 'عمان ok'],
  ['Latin case', 'HELLO World', 'hello world'],
  ['Latin accents', 'Crème Brûlée ÅNGSTRÖM', 'creme brulee angstrom'],
  ['Latin letters with strokes', 'ŁÓDŹ Ørsted Đorđe ħ', 'lodz orsted dorde h'],
  ['Latin ligatures', 'Æsop Œuvre ﬁn Straße STRAẞE', 'aesop oeuvre fin strasse strasse'],
  ['dots of Turkish', 'İstanbul ısı', 'istanbul isi'],
  ['Vietnamese', 'Tiếng Việt', 'tieng viet'],
  ['Greek', 'ΣΊΣΥΦΟΣ Ἀθῆναι', 'σισυφοσ αθηναι'],
  ['Russian, where й is a letter', 'Мой Ёлка', 'мой елка'],
  ['Hebrew points', 'שָׁלוֹם', 'שלום'],
  ['vowels of Hindi stay', 'हिन्दी', 'हिन्दी'],
  ['voicing of Japanese stays', 'がか ｶﾞ', 'がか ガ'],
  ['Hangul', '한국어', '한국어'],
  ['mathematical letters', '𝐅𝐚𝐥𝐚𝐣', 'falaj'],
  ['emoji', '🎉 🇴🇲 ❤️ 👍🏽', '🎉 🇴🇲 ❤ 👍'],
  ['soft hyphens', 'co\u00adoperate', 'cooperate'],
]

for (const [what, written, folded] of CASES) {
  test(`${what}: «${written}» is folded`, () => {
    assert.equal(foldCharacters(written), folded)
    assert.equal(foldCharacters(written.normalize('NFD')), folded, 'decomposed')
  })
}

test('folding twice is folding once, whatever the text', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  fc.assert(
    fc.property(text, (written) => {
      const once = foldCharacters(written)
      assert.equal(foldCharacters(once), once)
    }),
    { numRuns: 5_000 },
  )
})

test('folding twice is folding once, whatever the marks on the letters', () => {
  const unit = fc.constantFrom(
    ...'aéßİфйияابأإآٱىئؤةهkکے',
    ...'ًٌَُِّْٰٕٓٔـ\u0301\u0308\u0306\u200c\u200f\u3099',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), (written) => {
      const once = foldCharacters(written)
      assert.equal(foldCharacters(once), once)
      assert.equal(foldCharacters(written.normalize('NFD')), once)
      assert.equal(foldCharacters(written.normalize('NFC')), once)
    }),
    { numRuns: 5_000 },
  )
})

test('harakat and tatweel anywhere in Arabic text change nothing', () => {
  const letters = fc.string({
    unit: fc.constantFrom(...'ابتثجحخدذرزسشصضطظعغفقكلمنهوي '),
    maxLength: 20,
  })
  const marks = fc.array(fc.constantFrom('', '', 'َ', 'ُ', 'ِ', 'ّ', 'ْ', 'ـ', 'ً', '\u0670'), {
    minLength: 20,
    maxLength: 20,
  })
  fc.assert(
    fc.property(letters, marks, (plain, between) => {
      const vowelled = [...plain].map((letter, i) => letter + between[i]).join('')
      assert.equal(foldCharacters(vowelled), foldCharacters(plain))
    }),
  )
})
