import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutAt, firstGrapheme, graphemes, languageOf } from './count.ts'

describe('counting', () => {
  const cases: [string, number][] = [
    ['', 0],
    ['abc', 3],
    ['فلج', 3],
    ['مِلكٌ', 3],
    ['👩‍👩‍👧‍👦', 1],
    ['🇴🇲', 1],
    ['e\u0301', 1],
    ['\r\n', 1],
  ]
  for (const [text, count] of cases) {
    it(`finds ${count} in ${JSON.stringify(text)}`, () => assert.equal(graphemes(text), count))
  }

  it('cuts between what people see as characters', () => {
    assert.equal('a👩‍👩‍👧‍👦b'.slice(0, cutAt('a👩‍👩‍👧‍👦b', 2)), 'a👩‍👩‍👧‍👦')
    assert.equal(cutAt('ab', 5), 2)
  })

  it('takes a whole first letter', () => {
    assert.equal(firstGrapheme('🇴🇲 عُمان'), '🇴🇲')
    assert.equal(firstGrapheme(''), '')
  })
})

describe('the language of a text', () => {
  it('is that of most of its letters', () => {
    assert.equal(languageOf('كتابة عربية ثم words', 'en'), 'ar')
    assert.equal(languageOf('English with كلمة', 'ar'), 'en')
    assert.equal(languageOf('English', 'en'), 'en')
    assert.equal(languageOf('صباح @maya.example.org https://example.org/long', 'en'), 'ar')
  })

  it("is the page's where there are no letters", () => {
    assert.equal(languageOf('👍 123', 'ar'), 'ar')
  })
})
