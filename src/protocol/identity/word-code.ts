/**
 * A code over numbers of 11 bits that finds what is wrong: Reed and Solomon's, over GF(2^11). Any four
 * numbers that cannot be read, any two that are wrong, or two and one, are put right.
 */

/** Numbers of a sheet that carry something, and numbers that check them. */
export const DATA_NUMBERS = 12
export const CHECK_NUMBERS = 4
export const SHEET_NUMBERS = DATA_NUMBERS + CHECK_NUMBERS

/** x^11 + x^2 + 1: primitive, so that powers of x are all numbers but 0. */
const POLYNOMIAL = 0x805
const ORDER = 2_047

interface Tables {
  /** Powers of x. */
  exp: Uint16Array
  /** Which power a number is. */
  log: Uint16Array
}

let made: Tables | undefined

/** Made when they are first needed: few pages ever do. */
function tables(): Tables {
  if (made) return made
  const exp = new Uint16Array(ORDER)
  const log = new Uint16Array(ORDER + 1)
  for (let i = 0, value = 1; i < ORDER; i++) {
    exp[i] = value
    log[value] = i
    value <<= 1
    if (value > ORDER) value ^= POLYNOMIAL
  }
  made = { exp, log }
  return made
}

function times(a: number, b: number): number {
  if (a === 0 || b === 0) return 0
  const { exp, log } = tables()
  return exp[(log[a]! + log[b]!) % ORDER]!
}

function inverse(a: number): number {
  const { exp, log } = tables()
  return exp[(ORDER - log[a]!) % ORDER]!
}

/** What stands at a place counts this much in the check of this order. */
const weight = (place: number, order: number): number => tables().exp[(place * order) % ORDER]!

/** Twelve numbers with their four check numbers behind them. */
export function withChecks(data: readonly number[]): number[] {
  return solve([...data, 0, 0, 0, 0], [12, 13, 14, 15])!
}

/**
 * The sheet that was meant; undefined where a number cannot be read. Undefined when too much is wrong
 * to say: what is found is the only sheet so near.
 */
export function mend(read: readonly (number | undefined)[]): number[] | undefined {
  const lost = read.flatMap((number, place) => (number === undefined ? [place] : []))
  const legible = read.flatMap((number, place) => (number === undefined ? [] : [place]))
  const numbers = read.map((number) => number ?? 0)
  for (let wrong = 0; lost.length + 2 * wrong <= CHECK_NUMBERS; wrong++) {
    for (const places of choices(legible, wrong)) {
      const found = solve(numbers, [...lost, ...places])
      if (found) return found
    }
  }
  return undefined
}

/** Every choice of so many places, 0 to 2. */
function* choices(places: readonly number[], count: number): Iterable<number[]> {
  if (count === 0) return yield []
  for (const [at, first] of places.entries())
    for (const rest of choices(places.slice(at + 1), count - 1)) yield [first, ...rest]
}

/** The numbers with those at `places` changed so that all checks hold; undefined when none do. */
function solve(numbers: readonly number[], places: readonly number[]): number[] | undefined {
  const rows = Array.from({ length: CHECK_NUMBERS }, (_, order) => {
    const sum = numbers.reduce((s, number, at) => s ^ times(number, weight(at, order)), 0)
    return [...places.map((place) => weight(place, order)), sum]
  })
  const changes = eliminate(rows, places.length)
  if (changes === undefined) return undefined
  const changed = [...numbers]
  for (const [i, place] of places.entries()) changed[place] = changed[place]! ^ changes[i]!
  return changed
}

/** Gauss's elimination; undefined when the equations beyond the unknowns do not hold. */
function eliminate(rows: number[][], unknowns: number): number[] | undefined {
  for (let column = 0; column < unknowns; column++) {
    const pivot = rows.findIndex((row, at) => at >= column && row[column] !== 0)
    if (pivot < 0) return undefined
    const [row] = rows.splice(pivot, 1) as [number[]]
    const scale = inverse(row[column]!)
    const unit = row.map((value) => times(value, scale))
    rows.splice(column, 0, unit)
    for (const [at, other] of rows.entries()) {
      const factor = at === column ? 0 : other[column]!
      if (factor !== 0) rows[at] = other.map((value, i) => value ^ times(factor, unit[i]!))
    }
  }
  if (rows.slice(unknowns).some((row) => row[unknowns] !== 0)) return undefined
  return rows.slice(0, unknowns).map((row) => row[unknowns]!)
}
