/** Wrong inputs made of right ones: close enough to get past the first check, and then anything. */
import { type Chances, chances } from '../simulation/index.ts'

/** Heads and lengths at which parsers of bytes turn: sizes of 2^8 to 2^64, breaks, tags, floats. */
const TELLING_BYTES = [
  [0x00],
  [0x7f],
  [0x80],
  [0xff],
  [0x1b, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x9a, 0xff, 0xff, 0xff, 0xff],
  [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x9f],
  [0xbf],
  [0xd8, 0x2a, 0x58, 0x25, 0x00],
  [0xf6],
  [0xf7],
  [0xfb, 0x7f, 0xf8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x78, 0x18],
  [0xed, 0xa0, 0x80],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
]

/** What parsers of text turn at. */
const TELLING_TEXT = [
  ...['', '.', '..', '/', '//', ':', '::', '#', '?', '%', '%00', '%zz', '@', '~', '-', '_', ' '],
  ...['\0', '\n', '"', '\\', '{', '}', '[', ']', ',', '=', '==', '+', '0', '-1', '1e400', 'null'],
  ...['at://', 'did:', 'did:plc:', 'did:web:', 'did:key:z', '__proto__', 'constructor', '$type'],
  ...['\u{1f468}\u200d\u{1f469}', '\ud800', '\u202e', 'é', 'ﷺ', 'a'.repeat(300)],
]

const LENGTH_MAX = 1 << 20

/** From the bytes of one sample, perhaps with a piece of another: one to six changes. */
export function wrongBytes(chance: Chances, samples: readonly Uint8Array[]): Uint8Array {
  const sample = chance.pick(samples)!
  if (chance() < 0.03) return randomBytes(chance, chance.upTo(200))
  let bytes: Uint8Array = sample.slice()
  for (let changes = 1 + chance.upTo(chance() < 0.7 ? 2 : 6); changes > 0; changes--) {
    bytes = changedBytes(chance, bytes, samples)
  }
  return bytes
}

function randomBytes(chance: Chances, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => chance.upTo(256))
}

function changedBytes(
  chance: Chances,
  bytes: Uint8Array,
  samples: readonly Uint8Array[],
): Uint8Array {
  const at = chance.upTo(bytes.length + 1)
  const length = 1 + chance.upTo(chance() < 0.5 ? 4 : 64)
  switch (chance.upTo(8)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << chance.upTo(8)
      return bytes
    case 1:
      if (at < bytes.length) bytes[at] = chance.upTo(256)
      return bytes
    case 2:
      bytes.set(TELLING_BYTES[chance.upTo(TELLING_BYTES.length)]!.slice(0, bytes.length - at), at)
      return bytes
    case 3:
      return spliced(bytes, at, 0, Uint8Array.from(chance.pick(TELLING_BYTES)!))
    case 4:
      return spliced(bytes, at, length, new Uint8Array(0))
    case 5:
      return bytes.slice(0, at)
    case 6:
      return spliced(bytes, at, 0, bytes.subarray(at, at + length * 4))
    default: {
      const other = chance.pick(samples)!
      const from = chance.upTo(other.length + 1)
      return spliced(bytes, at, length, other.subarray(from, from + length))
    }
  }
}

function spliced(bytes: Uint8Array, at: number, gone: number, added: Uint8Array): Uint8Array {
  if (bytes.length + added.length > LENGTH_MAX) return bytes
  const rest = bytes.subarray(Math.min(bytes.length, at + gone))
  const whole = new Uint8Array(at + added.length + rest.length)
  whole.set(bytes.subarray(0, at))
  whole.set(added, at)
  whole.set(rest, at + added.length)
  return whole
}

/** As `wrongBytes`, of text: lone surrogates, control characters and much else. */
export function wrongText(chance: Chances, samples: readonly string[]): string {
  let text = chance.pick(samples)!
  for (let changes = 1 + chance.upTo(chance() < 0.7 ? 2 : 6); changes > 0; changes--) {
    const at = chance.upTo(text.length + 1)
    const gone = chance.upTo(chance() < 0.7 ? 2 : 40)
    text = text.slice(0, at) + addedText(chance, samples) + text.slice(at + gone)
  }
  return text.slice(0, LENGTH_MAX)
}

function addedText(chance: Chances, samples: readonly string[]): string {
  const dice = chance()
  if (dice < 0.3) return ''
  if (dice < 0.55) return String.fromCharCode(32 + chance.upTo(95))
  if (dice < 0.6) return String.fromCharCode(chance.upTo(65_536))
  if (dice < 0.9) return chance.pick(TELLING_TEXT)!
  const other = chance.pick(samples)!
  const from = chance.upTo(other.length)
  return other.slice(from, from + chance.upTo(30))
}

/** As `wrongValue`, and such as JSON can say. */
export function wrongJson(chance: Chances, samples: readonly unknown[]): unknown {
  return JSON.parse(JSON.stringify(wrongValue(chance, samples)) ?? 'null')
}

const TELLING_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 53, -(2 ** 53), Number.NaN, Number.POSITIVE_INFINITY],
  ...['', 'main', 'ref', 'union', [], {}, [[]], [null], { $type: '' }, { $link: 'x' }],
  ...[{ $bytes: '!' }, { __proto__: null, toString: 1 }, undefined],
]

/**
 * A value as JSON or CBOR gives it, with one to four changes: a part that is gone, of another kind,
 * elsewhere, twice, or nested very deeply. The sample stays as it is.
 */
export function wrongValue(chance: Chances, samples: readonly unknown[]): unknown {
  const root: { value: unknown } = { value: copied(chance.pick(samples)) }
  for (let changes = 1 + chance.upTo(4); changes > 0; changes--) changeSomewhere(chance, root)
  return root.value
}

type Holder = Record<string, unknown>

function changeSomewhere(chance: Chances, root: Holder): void {
  let holder = root
  let key = 'value'
  while (isHolder(holder[key]) && chance() < 0.85) {
    const inner = holder[key] as Holder
    const next = chance.pick(Object.keys(inner))
    if (next === undefined) break
    holder = inner
    key = next
  }
  const old = holder[key]
  const dice = chance()
  if (dice < 0.15) remove(holder, key)
  else if (dice < 0.4) holder[key] = copied(chance.pick(TELLING_VALUES))
  else if (dice < 0.65 && typeof old === 'string') holder[key] = wrongText(chance, [old])
  else if (dice < 0.75) put(holder, addedText(chance, [key]), copied(old))
  else if (dice < 0.8) holder[key] = [old, copied(old)]
  else if (dice < 0.82) holder[key] = nested(old, chance.upTo(200))
  else if (typeof old === 'number') holder[key] = old + chance.pick([1, -1, 0.5, 1e9])!
  else holder[key] = copied(root.value)
}

function remove(holder: Holder, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1)
  else delete holder[key]
}

/** As JSON.parse does it: `__proto__` is a name like any other. */
function put(holder: Holder, key: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(value)
  else {
    const property = { value, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(holder, key, property)
  }
}

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value)))

function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied)
  if (!isHolder(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copied(one)]))
}

function nested(value: unknown, levels: number): unknown {
  let whole = value
  for (let i = 0; i < levels; i++) whole = i % 2 ? [whole] : { type: 'array', items: whole }
  return whole
}

/** The choices of one input: by its number, so that each can be made again without those before. */
export function chancesOf(seed: number, name: string, index: number): Chances {
  let mixed = seed ^ (index * 0x9e37_79b1)
  for (let i = 0; i < name.length; i++) mixed = Math.imul(mixed ^ name.charCodeAt(i), 0x0100_0193)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x2c1b_3c6d)
  return chances(mixed ^ (mixed >>> 13))
}
