/** A key to one's own name: made of 128 bits, written down as sixteen words. */
import { generateKey, hmacSha256, type SigningKey } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import { recoveryWords } from './recovery-words.ts'
import { DATA_NUMBERS, mend, SHEET_NUMBERS, withChecks } from './word-code.ts'

/** Bytes of the secret: what the words say and the key is made of. */
export const RECOVERY_SECRET_BYTES = 16
/** Words of a sheet. */
export const RECOVERY_SHEET_WORDS = SHEET_NUMBERS

const WORD_BITS = 11
/** Stands in the four bits behind the secret: how the key follows from it. */
const FORM = 0

/** The key of a secret: K-256. Throws 'InvalidKey' for another length. */
export function recoveryKey(secret: Uint8Array): SigningKey {
  return derived(secret, 'falaj recovery key')
}

/**
 * The key that signs for an account between two hosts, while neither does: of the same secret, so
 * that an interrupted recovery needs nothing but the words to go on.
 */
export function handoverKey(secret: Uint8Array): SigningKey {
  return derived(secret, 'falaj handover key')
}

function derived(secret: Uint8Array, purpose: string): SigningKey {
  if (secret.length !== RECOVERY_SECRET_BYTES)
    throw new ProtocolError('InvalidKey', `a recovery secret has ${RECOVERY_SECRET_BYTES} bytes`)
  let tries = 0
  return generateKey('k256', () => {
    return hmacSha256(secret, new TextEncoder().encode(`${purpose} ${tries++}`))
  })
}

/** One word of a sheet: either form can be entered. */
export interface SheetWord {
  word: string
  /** Four digits, 0001 to 2048. */
  code: string
}

/** The sixteen words of a secret, in order. */
export function recoverySheet(secret: Uint8Array): SheetWord[] {
  recoveryKey(secret)
  const bits = [...secret].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const all = bits + FORM.toString(2).padStart(4, '0')
  const data = Array.from({ length: DATA_NUMBERS }, (_, at) =>
    Number.parseInt(all.slice(at * WORD_BITS, (at + 1) * WORD_BITS), 2),
  )
  return withChecks(data).map(sheetWord)
}

const sheetWord = (number: number): SheetWord => ({
  word: recoveryWords()[number]!,
  code: String(number + 1).padStart(4, '0'),
})

/** A word that was not what stands on the sheet. Places count from 1. */
export interface MendedWord {
  place: number
  read: string
  meant: SheetWord
}

/** What came of reading a sheet. */
export type ReadSheet =
  /** `mended` is empty when all was right; else which words were wrong, and what they must have been. */
  | { kind: 'read'; secret: Uint8Array; mended: MendedWord[] }
  /** Not sixteen words. */
  | { kind: 'count'; count: number }
  /** Too much is wrong to say what was meant; the words that are none, with some that are like them. */
  | { kind: 'unclear'; unknown: { place: number; read: string; like: string[] }[] }
  /** All sixteen fit, but were written by another kind of program. */
  | { kind: 'foreign' }

/**
 * Reads what somebody typed of a sheet: words in either case, their first four letters, or their four
 * digits (Arabic ones too); `?` for one that cannot be read; ordinals before words are passed over. Up to
 * four words that cannot be read, or two that are wrong or have changed places, are found and named.
 */
export function readRecoverySheet(text: string): ReadSheet {
  const entered = tokens(text)
  if (entered.length !== SHEET_NUMBERS) return { kind: 'count', count: entered.length }
  const numbers = entered.map(numberOf)
  const whole = mend(numbers)
  if (whole === undefined) return { kind: 'unclear', unknown: unknownWords(entered, numbers) }
  const secret = secretOf(whole)
  if (secret === undefined) return { kind: 'foreign' }
  const mended = whole.flatMap((number, at) =>
    number === numbers[at] ? [] : [{ place: at + 1, read: entered[at]!, meant: sheetWord(number) }],
  )
  return { kind: 'read', secret, mended }
}

/** A sheet and a half: more is no sheet, however it is read. */
const TEXT_MAX = 4_000

function tokens(text: string): string[] {
  return text
    .slice(0, TEXT_MAX)
    .normalize('NFKC')
    .replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) & 15))
    .toLowerCase()
    .split(/[\s,،;؛|]+/)
    .map((token) => token.replace(/^\d{1,2}[.):-]/, '').replace(/[.]+$/, ''))
    .filter((token) => token !== '' && !/^\d{1,2}$/.test(token))
}

function numberOf(token: string): number | undefined {
  const words = recoveryWords()
  if (/^\d{4}$/.test(token)) {
    const number = Number(token) - 1
    return number >= 0 && number < words.length ? number : undefined
  }
  const exact = words.indexOf(token)
  if (exact >= 0) return exact
  // Four letters name a word; more that go on otherwise are a slip, and four of them may be too.
  const begun = token.length === 4 ? words.findIndex((word) => word.startsWith(token)) : -1
  return begun < 0 ? undefined : begun
}

function secretOf(numbers: readonly number[]): Uint8Array | undefined {
  const bits = numbers
    .slice(0, DATA_NUMBERS)
    .map((number) => number.toString(2).padStart(WORD_BITS, '0'))
    .join('')
  if (Number.parseInt(bits.slice(RECOVERY_SECRET_BYTES * 8), 2) !== FORM) return undefined
  return Uint8Array.from({ length: RECOVERY_SECRET_BYTES }, (_, at) =>
    Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2),
  )
}

const LIKE_MAX = 3

function unknownWords(entered: readonly string[], numbers: readonly (number | undefined)[]) {
  return entered.flatMap((read, at) =>
    numbers[at] === undefined ? [{ place: at + 1, read, like: wordsLike(read) }] : [],
  )
}

/** Words that somebody may have meant: at most two slips away, nearest first. */
function wordsLike(read: string): string[] {
  return recoveryWords()
    .map((word) => ({ word, slips: slipsBetween(read.slice(0, 16), word) }))
    .filter(({ slips }) => slips <= 2)
    .sort((a, b) => a.slips - b.slips)
    .slice(0, LIKE_MAX)
    .map(({ word }) => word)
}

/** Letters to add, leave out or change. */
function slipsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same))
    }
    row = next
  }
  return row[b.length]!
}
