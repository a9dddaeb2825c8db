import { invalid, ProtocolError } from './error.ts'

/** A timestamp identifier: 13 characters that sort as the microseconds they name. */
export type Tid = string

const ALPHABET = '234567abcdefghijklmnopqrstuvwxyz'
const TID = /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/

/** A TID is 64 bits: a zero, 53 bits of microseconds since 1970, 10 bits of clock identifier. */
const MAX_MICROS = 2 ** 53 - 1
const MAX_CLOCK_ID = 2 ** 10 - 1
/** 55 bits: the zero bit, the microseconds, and one leading zero of the 65 bits in 13 characters. */
const TIME_LENGTH = 11

/** Whether the text is a TID. https://atproto.com/specs/tid */
export function isTid(text: unknown): text is Tid {
  return typeof text === 'string' && TID.test(text)
}

/** The text as a TID, unchanged. Throws 'InvalidTid'. */
export function parseTid(text: string): Tid {
  if (!isTid(text)) throw invalid('Tid', text)
  return text
}

/**
 * The TID of a moment. `micros` since 1970, 0 to 2^53-1; `clockId` 0 to 1023. Throws 'InvalidTid'
 * outside of those.
 */
export function formatTid(micros: number | bigint, clockId: number): Tid {
  let rest = Number(micros)
  if (!Number.isInteger(rest) || rest < 0 || rest > MAX_MICROS) {
    throw new ProtocolError('InvalidTid', `not a number of microseconds for a TID: ${micros}`)
  }
  checkClockId(clockId)
  let text = ALPHABET.charAt(clockId >>> 5) + ALPHABET.charAt(clockId & 31)
  for (let i = 0; i < TIME_LENGTH; i++) {
    const above = Math.floor(rest / 32)
    text = ALPHABET.charAt(rest - above * 32) + text
    rest = above
  }
  return text
}

/**
 * Microseconds since 1970 of a TID. Throws 'InvalidTid'. The form allows one bit more than a clock
 * ever fills: a TID from beyond the year 2255 gives a number above 2^53-1, rounded.
 */
export function tidMicros(tid: Tid): number {
  if (!isTid(tid)) throw invalid('Tid', tid)
  let micros = 0
  for (let i = 0; i < TIME_LENGTH; i++) micros = micros * 32 + valueAt(tid, i)
  return micros
}

/** Clock identifier of a TID, 0 to 1023. Throws 'InvalidTid'. */
export function tidClockId(tid: Tid): number {
  if (!isTid(tid)) throw invalid('Tid', tid)
  return valueAt(tid, TIME_LENGTH) * 32 + valueAt(tid, TIME_LENGTH + 1)
}

/**
 * Hands out TIDs that strictly rise, also when the clock stands still or jumps back, and also after
 * a TID another clock made.
 */
export class TidClock {
  readonly #now: () => number
  readonly #clockId: number
  #lastMicros = -1

  /** `now`: milliseconds since 1970. `clockId`: 0 to 1023, different for each clock of one repo. */
  constructor(now: () => number, clockId: number) {
    checkClockId(clockId)
    this.#now = now
    this.#clockId = clockId
  }

  /**
   * A TID above all this clock handed out and above `after`. Throws 'InvalidTid' when `after` is not
   * a TID or leaves no room above it.
   */
  next(after?: Tid): Tid {
    const floor = after === undefined ? -1 : tidMicros(after)
    const micros = Math.max(Math.floor(this.#now() * 1000), this.#lastMicros + 1, floor + 1)
    const tid = formatTid(micros, this.#clockId)
    this.#lastMicros = micros
    return tid
  }
}

function checkClockId(clockId: number): void {
  if (Number.isInteger(clockId) && clockId >= 0 && clockId <= MAX_CLOCK_ID) return
  throw new ProtocolError('InvalidTid', `not a clock identifier for a TID: ${clockId}`)
}

function valueAt(tid: Tid, index: number): number {
  const code = tid.charCodeAt(index)
  // '2'..'7' are 0..5, 'a'..'z' are 6..31
  return code < 0x61 ? code - 0x32 : code - 0x61 + 6
}
