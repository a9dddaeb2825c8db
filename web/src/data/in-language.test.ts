import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inLanguage } from './in-language.ts'

describe('texts in two languages', () => {
  it('give each reader their own lines', () => {
    assert.equal(inLanguage('صور · Photos', 'ar'), 'صور')
    assert.equal(inLanguage('صور · Photos', 'en'), 'Photos')
    assert.equal(inLanguage('الأحدث أولًا.\nThe newest first.', 'en'), 'The newest first.')
  })

  it('stay whole in one language, whoever reads', () => {
    assert.equal(inLanguage('Cats\nand dogs', 'ar'), 'Cats\nand dogs')
    assert.equal(inLanguage('نخيل · بحر', 'en'), 'نخيل · بحر')
    assert.equal(inLanguage('', 'ar'), '')
  })
})
