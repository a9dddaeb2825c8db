import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readPolicies, saidIn } from './labeler-said.ts'

const spam = {
  identifier: 'spam',
  severity: 'inform',
  blurs: 'content',
  defaultSetting: 'warn',
  locales: [
    { lang: 'en', name: 'Spam', description: 'Unwanted' },
    { lang: 'ar-OM', name: 'إغراق', description: 'غير مرغوب فيه' },
  ],
}

describe('what a labeler says', () => {
  it('is read with its words in every language', () => {
    const { values, words } = readPolicies({
      labelValues: ['!hide', 'spam'],
      labelValueDefinitions: [spam],
    })
    assert.deepEqual(values, ['!hide', 'spam'])
    const [word] = words
    assert.deepEqual(
      [word?.blurs, word?.severity, word?.preset, word?.adultOnly],
      ['content', 'inform', 'warn', false],
    )
    assert.equal(saidIn(word!, 'ar')?.name, 'إغراق')
    assert.equal(saidIn(word!, 'en')?.name, 'Spam')
    assert.equal(saidIn(word!, 'pt')?.name, 'Spam')
  })

  it('in another language only is better than nothing', () => {
    const { words } = readPolicies({
      labelValueDefinitions: [{ ...spam, locales: [{ lang: 'pt', name: 'Lixo' }] }],
    })
    assert.deepEqual(saidIn(words[0]!, 'ar'), { name: 'Lixo', about: '' })
    assert.equal(saidIn({ ...words[0]!, said: {} }, 'ar'), undefined)
  })

  it('that is not as it should be is left out, and the gentle reading taken', () => {
    const odd = [
      null,
      { ...spam, identifier: '!hide' },
      { ...spam, identifier: 7 },
      { identifier: 'bare', blurs: 'everything', severity: 'loud', locales: [{ lang: 'en' }] },
    ]
    const { words } = readPolicies({ labelValueDefinitions: odd as never })
    assert.deepEqual(words, [
      {
        identifier: 'bare',
        said: {},
        blurs: 'none',
        severity: 'inform',
        preset: 'warn',
        adultOnly: false,
      },
    ])
    assert.deepEqual(readPolicies(undefined), { values: [], words: [] })
    assert.deepEqual(readPolicies({ labelValues: 'spam' as never }), { values: [], words: [] })
  })
})
