import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { relativeTime } from './time.ts'

const now = Date.UTC(2026, 5, 15, 12)
const minute = 60_000
const english = (past: number) => relativeTime(now - past, now, 'en', 'en-GB', 'now')
const arabic = (past: number) =>
  relativeTime(now - past, now, 'ar', 'ar-OM-u-ca-gregory-nu-arab', 'الآن')

describe('relative times', () => {
  it('are now for a minute, also when a clock is ahead', () => {
    assert.equal(english(0), 'now')
    assert.equal(english(59_000), 'now')
    assert.equal(english(-5 * minute), 'now')
    assert.equal(arabic(10_000), 'الآن')
  })

  it('count minutes, hours and days', () => {
    assert.match(english(5 * minute), /^5/)
    assert.match(english(3 * 60 * minute), /^3/)
    assert.match(english(2 * 24 * 60 * minute), /^2/)
  })

  it('use the dual and the digits of Arabic', () => {
    assert.equal(arabic(2 * 60 * minute), 'قبل ساعتين')
    assert.equal(arabic(5 * minute), 'قبل ٥ دقائق')
    assert.equal(arabic(22 * minute), 'قبل ٢٢ دقيقة')
  })

  it('are dates after a week, with the year when it is another', () => {
    assert.equal(english(8 * 24 * 60 * minute), '7 Jun')
    assert.equal(english(300 * 24 * 60 * minute), '19 Aug 2025')
    assert.match(arabic(8 * 24 * 60 * minute), /^٧ يونيو$/)
  })
})
