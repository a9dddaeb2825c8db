/** Second factors as such: the RFC's codes, and what cannot be guessed or used twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptTotp, totpCode, totpStep } from './totp.ts'

const RFC_SECRET = new TextEncoder().encode('12345678901234567890')

test('codes are those of RFC 6238, appendix B', async () => {
  const rows: [seconds: number, code: string][] = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ]
  for (const [seconds, code] of rows) {
    assert.equal(await totpCode(RFC_SECRET, totpStep(seconds * 1000), 8), code)
  }
})

test('codes are those of RFC 4226, appendix D', async () => {
  const codes = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' ')
  for (const [count, code] of codes.entries()) assert.equal(await totpCode(RFC_SECRET, count), code)
})

test('a code is good in its own half minute and the two beside it, and not again', async () => {
  const nowMs = 1_700_000_000_000
  const step = totpStep(nowMs)
  const accept = async (wanted: number, after = 0) =>
    acceptTotp(RFC_SECRET, await totpCode(RFC_SECRET, wanted), { nowMs, after })
  for (const one of [step - 1, step, step + 1]) assert.equal(await accept(one), one)
  for (const one of [step - 2, step + 2]) assert.equal(await accept(one), undefined)
  assert.equal(await accept(step, step), undefined, 'used')
  assert.equal(await accept(step - 1, step), undefined, 'older than one that was used')
  for (const code of ['', '12345', '1234567', 'abcdef'])
    assert.equal(await acceptTotp(RFC_SECRET, code, { nowMs, after: 0 }), undefined)
})
