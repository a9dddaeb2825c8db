/** Whether both hold the same bytes. Not for secrets: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Order of bytes as unsigned numbers, a prefix before what it begins: below, at or above 0. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** The parts one after the other, in an array of their own. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** How many arguments a call may safely spread. */
const CALL_LENGTH = 4096

/** The bytes as a string of as many characters (latin-1), fit to be the key of a Map. */
export function bytesKey(bytes: Uint8Array): string {
  if (bytes.length <= CALL_LENGTH) return fromCharCodes(bytes)
  let key = ''
  for (let at = 0; at < bytes.length; at += CALL_LENGTH) {
    key += fromCharCodes(bytes.subarray(at, at + CALL_LENGTH))
  }
  return key
}

function fromCharCodes(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

/** A Map keyed by the content of byte arrays, in order of insertion. Keys must not change later. */
export class ByteMap<V> {
  readonly #entries = new Map<string, [bytes: Uint8Array, value: V]>()

  get size(): number {
    return this.#entries.size
  }

  get(bytes: Uint8Array): V | undefined {
    return this.#entries.get(bytesKey(bytes))?.[1]
  }

  has(bytes: Uint8Array): boolean {
    return this.#entries.has(bytesKey(bytes))
  }

  set(bytes: Uint8Array, value: V): this {
    this.#entries.set(bytesKey(bytes), [bytes, value])
    return this
  }

  delete(bytes: Uint8Array): boolean {
    return this.#entries.delete(bytesKey(bytes))
  }

  clear(): void {
    this.#entries.clear()
  }

  entries(): IterableIterator<[bytes: Uint8Array, value: V]> {
    return this.#entries.values()
  }

  [Symbol.iterator](): IterableIterator<[bytes: Uint8Array, value: V]> {
    return this.#entries.values()
  }

  *keys(): Generator<Uint8Array, undefined> {
    for (const [bytes] of this.#entries.values()) yield bytes
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.#entries.values()) yield value
  }
}
