import { type Entry, type NewEntry, StorageError } from './contracts.ts'
import { batchLength, writeBatch } from './segment-format.ts'

/** One call of append, encoded. */
const maxBatchBytes = 64 * 1024 * 1024
const maxEntries = 100_000
/** A group takes no further batch beyond this, so that one fsync never carries everything that waits. */
const groupBytes = 4 * 1024 * 1024

/** The entries of one append, made and measured, not yet encoded. */
export interface PreparedBatch {
  entries: Entry[]
  keysLength: number
  /** Encoded bytes. */
  length: number
}

/** Makes the payloads and checks every limit. Errors: InvalidArgument, TooLarge, whatever `make` throws. */
export function prepareBatch(
  given: readonly NewEntry[],
  firstSeq: number,
  timeMs: number,
): PreparedBatch {
  if (given.length === 0 || given.length > maxEntries) {
    throw new StorageError('InvalidArgument', `an append of ${given.length} entries`)
  }
  let keysLength = 0
  let payloadsLength = 0
  const entries = given.map(({ key, kind, make }, index): Entry => {
    const seq = firstSeq + index
    const keyLength = Buffer.byteLength(key)
    if (keyLength > 255 || (kind & 0xff) !== kind) {
      throw new StorageError('InvalidArgument', `an entry of key ${key} and kind ${kind}`)
    }
    const payload = make(seq)
    keysLength += keyLength
    payloadsLength += payload.length
    return { seq, key, kind, timeMs, payload, blanked: false }
  })
  const length = batchLength(entries.length, keysLength, payloadsLength)
  if (length > maxBatchBytes) throw new StorageError('TooLarge', `an append of ${length} bytes`)
  return { entries, keysLength, length }
}

/**
 * Entries of another stream, cut where seq or time jump: each piece is a batch of its own. Errors: InvalidArgument when
 * seqs do not rise from `nextSeq` on, TooLarge.
 */
export function prepareCopies(given: readonly Entry[], nextSeq: number): PreparedBatch[] {
  const batches: PreparedBatch[] = []
  let from = 0
  for (let at = 0; at < given.length; at++) {
    const { seq, timeMs } = given[at]!
    const least = at === 0 ? nextSeq : given[at - 1]!.seq + 1
    if (!Number.isSafeInteger(seq) || seq < least) {
      throw new StorageError('InvalidArgument', `a copy of seq ${seq} where ${least} is the next`)
    }
    const next = given[at + 1]
    const goesOn = next?.seq === seq + 1 && next.timeMs === timeMs && at + 1 - from < maxEntries
    if (goesOn) continue
    batches.push(prepareCopy(given.slice(from, at + 1)))
    from = at + 1
  }
  return batches
}

function prepareCopy(entries: Entry[]): PreparedBatch {
  let keysLength = 0
  let payloadsLength = 0
  for (const { key, kind, payload, blanked } of entries) {
    const keyLength = Buffer.byteLength(key)
    if (keyLength > 255 || (kind & 0xff) !== kind || (blanked && payload.length > 0)) {
      throw new StorageError('InvalidArgument', `an entry of key ${key} and kind ${kind}`)
    }
    keysLength += keyLength
    payloadsLength += payload.length
  }
  const length = batchLength(entries.length, keysLength, payloadsLength)
  if (length > maxBatchBytes) throw new StorageError('TooLarge', `a copy of ${length} bytes`)
  return { entries, keysLength, length }
}

/** What one write and one fsync carry: whole batches, encoded one behind the other. */
export class AppendGroup {
  readonly firstSeq: number
  readonly entries: Entry[] = []
  readonly batches: { firstSeq: number; at: number; length: number }[] = []
  /** Settled for all appends of the group alike. */
  readonly #durable = Promise.withResolvers<void>()
  #room: Buffer
  #length = 0

  /** Fills `room`, which may hold anything; grows out of it when it must. */
  constructor(firstSeq: number, room: Buffer) {
    this.firstSeq = firstSeq
    this.#room = room
    // Who does not wait is told of a failure by onFailed: it is no unhandled rejection.
    this.#durable.promise.catch(() => {})
  }

  get durable(): Promise<void> {
    return this.#durable.promise
  }

  get length(): number {
    return this.#length
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length)
  }

  /** What the next group may be built in, once this one is written: payloads were copied. */
  get room(): Buffer {
    return this.#room
  }

  /** Whether a batch of that length still goes in; the first one always does. */
  takes(length: number): boolean {
    return this.#length === 0 || this.#length + length <= groupBytes
  }

  add({ entries, keysLength, length }: PreparedBatch, salt: number): void {
    const at = this.#length
    const [first] = entries as [Entry]
    if (at + length > this.#room.length) this.#grow(at + length)
    writeBatch(this.#room, at, length, keysLength, {
      firstSeq: first.seq,
      timeMs: first.timeMs,
      groupBack: at,
      entries,
      salt,
    })
    this.#length = at + length
    this.batches.push({ firstSeq: first.seq, at, length })
    for (const entry of entries) this.entries.push(entry)
  }

  succeed(): void {
    this.#durable.resolve()
  }

  fail(error: StorageError): void {
    this.#durable.reject(error)
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#room.length * 2, length))
    this.#room.copy(grown, 0, 0, this.#length)
    this.#room = grown
  }
}
