/** QR codes: known symbols, each of which an independent reader has read. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { qrMatrix, qrPicture } from './qr-code.ts'

test('texts of all lengths give the symbols that a reader read', () => {
  const rows: [length: number, size: number, digest: string][] = [
    [10, 21, 'fffc60983b811bfa'],
    [60, 33, 'aade78cbe3cd9d41'],
    [150, 49, '771df6ba1d551814'],
    [280, 65, '5f8dd2e2cf24ac25'],
  ]
  for (const [length, size, digest] of rows) {
    const matrix = qrMatrix('otpauth://x?'.repeat(30).slice(0, length))
    const text = matrix.map((row) => row.map(Number).join('')).join('\n')
    assert.equal(matrix.length, size)
    assert.equal(createHash('sha256').update(text).digest('hex').slice(0, 16), digest)
  }
})

test('what does not fit is refused, and what is written on a picture stays text', () => {
  assert.throws(() => qrMatrix('x'.repeat(288)), RangeError)
  assert.match(qrPicture('a', '"><b>').toString(), /aria-label="&quot;&gt;&lt;b&gt;"/)
})
