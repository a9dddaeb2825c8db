/**
 * QR codes, as much as an authenticator app needs: bytes, error correction M, versions 1 to 12.
 * ISO/IEC 18004.
 */
import { type Html, html } from './html.ts'

/** Of correction level M, by version: words of correction in a block, and blocks. */
const BLOCKS: readonly (readonly [correction: number, blocks: number])[] = [
  ...([
    [10, 1],
    [16, 1],
    [26, 1],
    [18, 2],
    [24, 2],
    [16, 4],
    [18, 4],
    [22, 4],
  ] as const),
  ...([
    [22, 5],
    [26, 5],
    [30, 5],
    [22, 8],
  ] as const),
]
/** Centres of the small squares, by version. */
const ALIGNMENT: readonly (readonly number[])[] = [
  ...[[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42]],
  ...[
    [6, 26, 46],
    [6, 28, 50],
    [6, 30, 54],
    [6, 32, 58],
  ],
]
const MASKS: readonly ((y: number, x: number) => boolean)[] = [
  (y, x) => (y + x) % 2 === 0,
  (y) => y % 2 === 0,
  (_y, x) => x % 3 === 0,
  (y, x) => (y + x) % 3 === 0,
  (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
  (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0,
  (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
]

/** Dark and light squares, row by row. Throws for a text over 287 bytes. */
export function qrMatrix(text: string): boolean[][] {
  const bytes = new TextEncoder().encode(text)
  const version =
    BLOCKS.findIndex((_, i) => bytes.length + headBytes(i + 1) <= dataWords(i + 1)) + 1
  if (version === 0) throw new RangeError('too long for a QR code of ours')
  const words = interleaved(dataOf(bytes, version), version)
  const drawn = MASKS.map((_, mask) => draw(words, version, mask))
  return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best))
}

/** Mode and length, with what rounds them up to bytes. */
const headBytes = (version: number) => (version < 10 ? 2 : 3)
const sizeOf = (version: number) => 17 + 4 * version

/** All words of a symbol: what is left of its squares beside the patterns, in eights. */
function allWords(version: number): number {
  const size = sizeOf(version)
  const centres = ALIGNMENT[version - 1]!.length
  // Finders with their margins, timing, format, and the square that is always dark.
  let taken = 3 * 64 + 2 * (size - 16) + 31
  if (centres > 0) taken += 25 * (centres ** 2 - 3) - 10 * (centres - 2)
  if (version >= 7) taken += 36
  return Math.floor((size ** 2 - taken) / 8)
}

function dataWords(version: number): number {
  const [correction, blocks] = BLOCKS[version - 1]!
  return allWords(version) - correction * blocks
}

function dataOf(bytes: Uint8Array, version: number): Uint8Array {
  const bits: number[] = []
  const put = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1)
  }
  put(4, 4)
  put(bytes.length, version < 10 ? 8 : 16)
  for (const byte of bytes) put(byte, 8)
  const total = dataWords(version)
  put(0, Math.min(4, total * 8 - bits.length))
  while (bits.length % 8 !== 0) bits.push(0)
  const words = new Uint8Array(total)
  for (let i = 0; i < bits.length; i++) words[i >> 3]! |= bits[i]! << (7 - (i & 7))
  for (let i = bits.length / 8, pad = 0; i < total; i++, pad ^= 1) words[i] = pad ? 0x11 : 0xec
  return words
}

/** Words of all blocks in turn, then their corrections in turn. */
function interleaved(data: Uint8Array, version: number): number[] {
  const [correction, count] = BLOCKS[version - 1]!
  const short = Math.floor(data.length / count)
  const longFrom = count - (data.length % count)
  const blocks: Uint8Array[] = []
  for (let i = 0, at = 0; i < count; i++) {
    const length = short + (i >= longFrom ? 1 : 0)
    blocks.push(data.subarray(at, (at += length)))
  }
  const corrections = blocks.map((block) => correctionOf(block, correction))
  const inTurn = (lists: readonly Uint8Array[], length: number) =>
    Array.from({ length }, (_, i) => lists.flatMap((list) => (i < list.length ? [list[i]!] : [])))
  return [...inTurn(blocks, short + 1), ...inTurn(corrections, correction)].flat()
}

/** In the field of 256 with the polynomial x⁸ + x⁴ + x³ + x² + 1. */
function multiply(a: number, b: number): number {
  let product = 0
  for (let i = 7; i >= 0; i--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d)
    if ((b >> i) & 1) product ^= a
  }
  return product
}

/** Reed and Solomon's remainder. */
function correctionOf(data: Uint8Array, degree: number): Uint8Array {
  const generator = new Uint8Array(degree)
  generator[degree - 1] = 1
  for (let i = 0, root = 1; i < degree; i++, root = multiply(root, 2)) {
    for (let j = 0; j < degree; j++) {
      generator[j] = multiply(generator[j]!, root) ^ (generator[j + 1] ?? 0)
    }
  }
  const remainder = new Uint8Array(degree)
  for (const byte of data) {
    const factor = byte ^ remainder[0]!
    remainder.copyWithin(0, 1)
    remainder[degree - 1] = 0
    for (let i = 0; i < degree; i++) remainder[i]! ^= multiply(generator[i]!, factor)
  }
  return remainder
}

class Squares {
  readonly size: number
  readonly dark: boolean[][]
  readonly #fixed: boolean[][]

  constructor(version: number) {
    this.size = sizeOf(version)
    const blank = () =>
      Array.from({ length: this.size }, () => Array<boolean>(this.size).fill(false))
    this.dark = blank()
    this.#fixed = blank()
  }

  fix(y: number, x: number, isDark: boolean): void {
    if (y < 0 || x < 0 || y >= this.size || x >= this.size) return
    this.dark[y]![x] = isDark
    this.#fixed[y]![x] = true
  }

  isFixed(y: number, x: number): boolean {
    return this.#fixed[y]![x]!
  }
}

function draw(words: readonly number[], version: number, mask: number): boolean[][] {
  const symbol = new Squares(version)
  const { size } = symbol
  for (let i = 0; i < size; i++) {
    symbol.fix(6, i, i % 2 === 0)
    symbol.fix(i, 6, i % 2 === 0)
  }
  for (const [y, x] of [
    [3, 3],
    [3, size - 4],
    [size - 4, 3],
  ] as const)
    square(symbol, y, x, 4, [2, 4])
  const centres = ALIGNMENT[version - 1]!
  const [first, last] = [centres[0], centres.at(-1)]
  for (const y of centres) {
    for (const x of centres) {
      const isFinder = (y === first && (x === first || x === last)) || (y === last && x === first)
      if (!isFinder) square(symbol, y, x, 2, [1])
    }
  }
  fixFormat(symbol, mask)
  if (version >= 7) fixVersion(symbol, version)
  fill(symbol, words, mask)
  return symbol.dark
}

/** Rings around a centre, dark but for those named. */
function square(
  symbol: Squares,
  y: number,
  x: number,
  radius: number,
  light: readonly number[],
): void {
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      symbol.fix(y + dy, x + dx, !light.includes(Math.max(Math.abs(dy), Math.abs(dx))))
    }
  }
}

function remainderOf(value: number, bits: number, generator: number): number {
  let rest = value
  for (let i = 0; i < bits; i++) rest = (rest << 1) ^ ((rest >> (bits - 1)) * generator)
  return rest
}

function fixFormat(symbol: Squares, mask: number): void {
  // Level M is 00: the five bits are those of the mask alone.
  const bits = ((mask << 10) | remainderOf(mask, 10, 0x537)) ^ 0x5412
  const bit = (i: number) => ((bits >> i) & 1) === 1
  const { size } = symbol
  for (let i = 0; i < 6; i++) symbol.fix(i, 8, bit(i))
  symbol.fix(7, 8, bit(6))
  symbol.fix(8, 8, bit(7))
  symbol.fix(8, 7, bit(8))
  for (let i = 9; i < 15; i++) symbol.fix(8, 14 - i, bit(i))
  for (let i = 0; i < 8; i++) symbol.fix(8, size - 1 - i, bit(i))
  for (let i = 8; i < 15; i++) symbol.fix(size - 15 + i, 8, bit(i))
  symbol.fix(size - 8, 8, true)
}

function fixVersion(symbol: Squares, version: number): void {
  const bits = (version << 12) | remainderOf(version, 12, 0x1f25)
  for (let i = 0; i < 18; i++) {
    const isDark = ((bits >> i) & 1) === 1
    const [a, b] = [symbol.size - 11 + (i % 3), Math.floor(i / 3)]
    symbol.fix(b, a, isDark)
    symbol.fix(a, b, isDark)
  }
}

/** Up and down in pairs of columns from the last one, turning squares by the mask. */
function fill(symbol: Squares, words: readonly number[], mask: number): void {
  const { size, dark } = symbol
  let at = 0
  for (let column = size - 1; column >= 1; column -= 2) {
    if (column === 6) column = 5
    for (let step = 0; step < size; step++) {
      const isUp = ((column + 1) & 2) === 0
      const y = isUp ? size - 1 - step : step
      for (const x of [column, column - 1]) {
        if (symbol.isFixed(y, x)) continue
        const bit = ((words[at >> 3] ?? 0) >> (7 - (at & 7))) & 1
        dark[y]![x] = (bit === 1) !== MASKS[mask]!(y, x)
        at++
      }
    }
  }
}

/** How hard a symbol is to read: long runs, blocks, false finders, too dark or too light. */
function penalty(dark: readonly boolean[][]): number {
  const size = dark.length
  const columns = dark[0]!.map((_, x) => dark.map((row) => row[x]!))
  let sum = 0
  for (const line of [...dark, ...columns]) {
    const text = line.map((one) => (one ? '1' : '0')).join('')
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) sum += run.length - 2
    for (let i = 0; i + 11 <= size; i++) {
      const eleven = text.slice(i, i + 11)
      if (eleven === '10111010000' || eleven === '00001011101') sum += 40
    }
  }
  for (let y = 0; y + 1 < size; y++) {
    for (let x = 0; x + 1 < size; x++) {
      const one = dark[y]![x]
      if (one === dark[y]![x + 1] && one === dark[y + 1]![x] && one === dark[y + 1]![x + 1])
        sum += 3
    }
  }
  const share = dark.flat().filter(Boolean).length / size ** 2
  return sum + 10 * Math.floor(Math.abs(share - 0.5) * 20)
}

/** The code as a picture, with its quiet zone. */
export function qrPicture(text: string, label: string): Html {
  const dark = qrMatrix(text)
  const side = dark.length + 8
  const squares = dark.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : [])),
  )
  return html`<svg class="qr" viewBox="0 0 ${side} ${side}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path d="${squares.join('')}"/></svg>`
}
