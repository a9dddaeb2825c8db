import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex, sha256 } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import {
  handoverKey,
  RECOVERY_SECRET_BYTES,
  type ReadSheet,
  readRecoverySheet,
  recoveryKey,
  recoverySheet,
} from './recovery-key.ts'
import { recoveryWords } from './recovery-words.ts'

const secrets = fc.uint8Array({
  minLength: RECOVERY_SECRET_BYTES,
  maxLength: RECOVERY_SECRET_BYTES,
})
const wordsOf = (secret: Uint8Array) => recoverySheet(secret).map(({ word }) => word)
const counting = Uint8Array.from({ length: RECOVERY_SECRET_BYTES }, (_, i) => i)
const sheet = wordsOf(counting)

function reads(text: string): Extract<ReadSheet, { kind: 'read' }> {
  const found = readRecoverySheet(text)
  assert.equal(found.kind, 'read', `${text}: ${JSON.stringify(found)}`)
  return found as Extract<ReadSheet, { kind: 'read' }>
}

test('the words are those of BIP 39, and four letters name each', () => {
  const words = recoveryWords()
  assert.equal(
    hex(sha256(new TextEncoder().encode(`${words.join('\n')}\n`))),
    '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda',
  )
  assert.equal(new Set(words.map((word) => word.slice(0, 4))).size, 2_048)
})

describe('what a secret is written as, and the keys it makes, never change', () => {
  const vectors: [secret: string, words: string, key: string, handover: string][] = [
    [
      '00000000000000000000000000000000',
      'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon',
      'did:key:zQ3shbMytKWr2AsrD7QyE4LSgd4J7QYjHfFgH5A9sBDY1McJD',
      'did:key:zQ3shfNSEq8Fr9mNm9CnZjL7BV1ULGaAMsJH1nt4nq3ctoMmu',
    ],
    [
      '000102030405060708090a0b0c0d0e0f',
      'abandon amount liar amount expire adjust cage candy arch gather drum bulk help harsh curve spawn',
      'did:key:zQ3shhwF9bybaVciL6cfhbqav42dFu6vLDJxA1o8iVu9gmVE2',
      'did:key:zQ3shpKaLwL3GZXgHCQyFRet38H8WTVi3aEojn21usJw2n6iJ',
    ],
    [
      'ffffffffffffffffffffffffffffffff',
      'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrap drill thing impulse spice',
      'did:key:zQ3shqebshJNCuj21cQzdhxG5BZBMq11DnH4gkwDs4KbHGEFT',
      'did:key:zQ3shiKHt55vvxkUGMpJzA9d54M54qx69wjvPqQvrfQp9cdPw',
    ],
  ]
  for (const [secret, words, key, handover] of vectors) {
    test(secret, () => {
      const bytes = Uint8Array.from(Buffer.from(secret, 'hex'))
      assert.equal(wordsOf(bytes).join(' '), words)
      assert.equal(recoveryKey(bytes).publicKey.didKey, key)
      assert.equal(handoverKey(bytes).publicKey.didKey, handover)
      assert.deepEqual(reads(words).secret, bytes)
    })
  }
})

test('a secret of another length makes no key', () => {
  for (const length of [0, 15, 17, 32])
    assert.throws(() => recoveryKey(new Uint8Array(length)), ProtocolError)
})

test('every sheet is read as it was written', () => {
  fc.assert(
    fc.property(secrets, (secret) => {
      assert.deepEqual(reads(wordsOf(secret).join(' ')), { kind: 'read', secret, mended: [] })
    }),
  )
})

describe('a sheet may be entered', () => {
  const whole = recoverySheet(counting)
  const ways: [string, string][] = [
    ['with ordinals and lines', whole.map(({ word }, i) => `${i + 1}. ${word}\n`).join('')],
    ['in capitals, with commas', sheet.join(', ').toUpperCase()],
    ['by first letters', sheet.map((word) => word.slice(0, 4)).join(' ')],
    ['by digits', whole.map(({ code }) => code).join(' ')],
    [
      'by Arabic digits and commas',
      whole
        .map(({ code }) =>
          code.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit))),
        )
        .join('، '),
    ],
    ['words and digits mixed', whole.map(({ word, code }, i) => (i % 2 ? word : code)).join('\t')],
  ]
  for (const [name, text] of ways) {
    test(name, () => assert.deepEqual(reads(text), { kind: 'read', secret: counting, mended: [] }))
  }
})

test('any wrong word is found, named, and what it must have been is told', () => {
  fc.assert(
    fc.property(secrets, fc.nat(15), fc.nat(2_047), (secret, place, other) => {
      const words = wordsOf(secret)
      const meant = words[place]!
      const read = recoveryWords()[other]!
      if (read === meant) return
      const found = reads(words.with(place, read).join(' '))
      assert.deepEqual(found.secret, secret)
      assert.deepEqual(
        found.mended.map((one) => [one.place, one.read, one.meant.word]),
        [[place + 1, read, meant]],
      )
    }),
  )
})

test('words that changed places, or two wrong ones, are found', () => {
  fc.assert(
    fc.property(secrets, fc.nat(15), fc.nat(15), (secret, a, b) => {
      const words = wordsOf(secret)
      const swapped = words.with(a, words[b]!).with(b, words[a]!)
      const found = reads(swapped.join(' '))
      assert.deepEqual(found.secret, secret)
      assert.equal(found.mended.length, words[a] === words[b] ? 0 : 2)
    }),
    { numRuns: 30 },
  )
})

test('up to four words that nobody can read any more are known from the others', () => {
  const places = fc.uniqueArray(fc.nat(15), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(secrets, places, (secret, lost) => {
      const words = wordsOf(secret).map((word, at) => (lost.includes(at) ? '?' : word))
      assert.deepEqual(reads(words.join(' ')).secret, secret)
    }),
  )
})

test('words that are none are named, with words that are like them', () => {
  const words = sheet.with(0, 'abandun').with(3, 'xxxxxxxx').with(5, 'y').with(7, 'z').with(9, 'w')
  const found = readRecoverySheet(words.join(' '))
  assert.equal(found.kind, 'unclear')
  if (found.kind !== 'unclear') return
  assert.deepEqual(
    found.unknown.map(({ place, read }) => [place, read]),
    [
      [1, 'abandun'],
      [4, 'xxxxxxxx'],
      [6, 'y'],
      [8, 'z'],
      [10, 'w'],
    ],
  )
  assert.equal(found.unknown[0]!.like[0], 'abandon')
  assert.deepEqual(found.unknown[1]!.like, [])
})

test('a sheet with too few or too many words says how many there are', () => {
  assert.deepEqual(readRecoverySheet(''), { kind: 'count', count: 0 })
  assert.deepEqual(readRecoverySheet(sheet.slice(1).join(' ')), { kind: 'count', count: 15 })
  assert.deepEqual(readRecoverySheet([...sheet, 'zoo'].join(' ')), { kind: 'count', count: 17 })
})

test('whatever is entered, there is an answer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      assert.ok(readRecoverySheet(text).kind)
    }),
  )
  const any = fc.array(fc.constantFrom(...recoveryWords(), '?', '0000', '9999'), {
    minLength: 16,
    maxLength: 16,
  })
  fc.assert(
    fc.property(any, (words) => {
      assert.notEqual(readRecoverySheet(words.join(' ')).kind, 'count')
    }),
    { numRuns: 20 },
  )
})
