import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Entry } from './contracts.ts'
import {
  type Batch,
  batchLength,
  blankMark,
  decodeIndex,
  decodeSegmentHeader,
  encodeIndex,
  encodeSegmentHeader,
  findBatch,
  indexLength,
  payloadsIntact,
  readBatch,
  takeEntries,
  visitEntries,
  writeBatch,
} from './segment-format.ts'

const salt = 0xfeed_beef

interface Parts {
  firstSeq: number
  timeMs: number
  groupBack: number
  entries: { key: string; kind: number; payload: Uint8Array }[]
}

const seqs = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1000 })
const partsOf: fc.Arbitrary<Parts> = fc.record({
  firstSeq: seqs,
  timeMs: fc.integer({ min: 0, max: 2 ** 45 }),
  groupBack: fc.nat(2 ** 31 - 1),
  entries: fc.array(
    fc.record({
      key: fc
        .string({ unit: 'grapheme', maxLength: 30 })
        .filter((key) => Buffer.byteLength(key) < 256),
      kind: fc.nat(255),
      payload: fc.uint8Array({ maxLength: 100 }),
    }),
    { maxLength: 6 },
  ),
})

function encode(parts: Parts, at = 0): Buffer {
  const keysLength = parts.entries.reduce((sum, { key }) => sum + Buffer.byteLength(key), 0)
  const payloads = parts.entries.reduce((sum, { payload }) => sum + payload.length, 0)
  const length = batchLength(parts.entries.length, keysLength, payloads)
  // Rooms are used again and again: what lay there before must not matter.
  const bytes = Buffer.alloc(at + length, 0xa5)
  writeBatch(bytes, at, length, keysLength, { ...parts, salt })
  return bytes
}

function read(bytes: Buffer, at = 0): Batch | undefined {
  const found = readBatch(bytes, at, bytes.length, bytes.length - at, salt)
  return found && !('more' in found) ? found : undefined
}

describe('a batch', () => {
  test('is read as it was written, at any place', () => {
    fc.assert(
      fc.property(partsOf, fc.nat(10), (parts, eighths) => {
        const at = eighths * 8
        const bytes = encode(parts, at)
        const batch = read(bytes, at)!
        assert.deepEqual(
          [batch.firstSeq, batch.timeMs, batch.groupBack, batch.count, batch.length],
          [parts.firstSeq, parts.timeMs, parts.groupBack, parts.entries.length, bytes.length - at],
        )
        assert.equal(payloadsIntact(bytes, batch), true)
        const entries: Entry[] = []
        takeEntries(bytes, batch, entries, batch.at)
        assert.deepEqual(
          entries.map(({ payload, ...entry }) => ({ ...entry, payload: [...payload] })),
          parts.entries.map(({ key, kind, payload }, index) => ({
            seq: parts.firstSeq + index,
            key,
            kind,
            timeMs: parts.timeMs,
            blanked: false,
            payload: [...payload],
          })),
        )
      }),
    )
  })

  test('has a length of whole eights', () => {
    fc.assert(fc.property(partsOf, (parts) => encode(parts).length % 8 === 0))
  })

  test('of another stream is none here', () => {
    const bytes = encode({ firstSeq: 1, timeMs: 1, groupBack: 0, entries: [] })
    assert.equal(readBatch(bytes, 0, bytes.length, bytes.length, salt + 1), undefined)
  })

  test('asks for as many bytes as it needs, and never for more than there are', () => {
    fc.assert(
      fc.property(partsOf, fc.nat(400), (parts, end) => {
        const bytes = encode(parts)
        const cut = Math.min(end, bytes.length)
        const found = readBatch(bytes, 0, cut, bytes.length, salt)
        if (cut === bytes.length) assert.ok(found && !('more' in found))
        else {
          assert.ok(found && 'more' in found)
          assert.ok(found.more > cut && found.more <= bytes.length)
        }
        // As the end of a file it is a torn batch.
        if (cut < bytes.length) assert.equal(readBatch(bytes, 0, cut, cut, salt), undefined)
      }),
    )
  })

  test('one changed byte anywhere is seen, but in the padding', () => {
    const changed = fc.record({
      parts: partsOf,
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 255 }),
    })
    fc.assert(
      fc.property(changed, ({ parts, at, by }) => {
        const bytes = encode(parts)
        const place = at % bytes.length
        bytes[place]! ^= by
        const batch = read(bytes)
        if (!batch || !payloadsIntact(bytes, batch)) return
        const payloads = parts.entries.reduce((sum, { payload }) => sum + payload.length, 0)
        assert.ok(place >= batch.marksAt + 4 * batch.count + payloads, 'it lay in the padding')
      }),
    )
  })

  test('arbitrary bytes are no batch, and no trouble', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (noise, at) => {
        const bytes = Buffer.from(noise)
        if (at <= bytes.length) assert.equal(read(bytes, at), undefined)
      }),
    )
  })

  test('with a hostile header is no batch, and no trouble', () => {
    const bytes = encode({ firstSeq: 1, timeMs: 1, groupBack: 0, entries: [] })
    for (const at of [4, 8, 24, 28, 32]) {
      for (const value of [0, 1, 39, 0x7fffffff, 0xffffffff]) {
        const hostile = Buffer.from(bytes)
        hostile.writeUInt32LE(value, at)
        const found = readBatch(hostile, 0, hostile.length, 1e9, salt)
        if (hostile.equals(bytes)) continue
        assert.ok(found === undefined || ('more' in found && found.more <= 1e9))
      }
    }
  })

  test('a marked entry is blanked whatever its payload holds, and the others are not', () => {
    fc.assert(
      fc.property(partsOf, fc.nat(5), fc.nat(255), (parts, index, noise) => {
        const bytes = encode(parts)
        const batch = read(bytes)!
        const target = index % Math.max(1, parts.entries.length)
        visitEntries(bytes, batch, (place) => {
          if (place.seq !== parts.firstSeq + target) return
          bytes.writeUInt32LE(blankMark, place.markAt)
          bytes.fill(noise, place.payloadAt, place.payloadAt + place.payloadLength)
        })
        assert.deepEqual(read(bytes), batch, 'the checksum does not cover marks')
        assert.equal(payloadsIntact(bytes, batch), true)
        const entries: Entry[] = []
        takeEntries(bytes, batch, entries, batch.at)
        for (const [at, { blanked, payload }] of entries.entries()) {
          assert.equal(blanked, at === target)
          assert.deepEqual([...payload], at === target ? [] : [...parts.entries[at]!.payload])
        }
      }),
    )
  })

  test('is found where one begins', () => {
    const bytes = encode({ firstSeq: 1, timeMs: 1, groupBack: 0, entries: [] }, 24)
    assert.equal(findBatch(bytes, 0), 24)
    assert.equal(findBatch(bytes, 25), -1)
  })
})

describe('a segment header', () => {
  const headers = fc.record({
    base: seqs,
    previousBase: seqs,
    previousLast: seqs,
    createdMs: fc.integer({ min: 0, max: 2 ** 45 }),
    salt: fc.nat(2 ** 32 - 1),
  })

  test('is read as it was written', () => {
    fc.assert(
      fc.property(headers, (header) => {
        assert.deepEqual(decodeSegmentHeader(encodeSegmentHeader(header)), { ...header })
      }),
    )
  })

  test('changed or cut short it is none', () => {
    fc.assert(
      fc.property(headers, fc.nat(63), fc.integer({ min: 1, max: 255 }), (header, at, by) => {
        const bytes = encodeSegmentHeader(header)
        assert.equal(decodeSegmentHeader(bytes.subarray(0, at)), undefined)
        bytes[at]! ^= by
        assert.equal(decodeSegmentHeader(bytes), undefined)
      }),
    )
  })
})

describe('an index', () => {
  const indexes = fc
    .array(fc.record({ seq: seqs, offset: fc.nat(2 ** 31 - 1) }), { maxLength: 50 })
    .chain((rows) =>
      fc.record({
        seqs: fc.constant(rows.map(({ seq }) => seq)),
        offsets: fc.constant(rows.map(({ offset }) => offset)),
        end: fc.nat(2 ** 31 - 1),
      }),
    )

  test('is read as it was written, from the end of a file', () => {
    fc.assert(
      fc.property(indexes, fc.uint8Array({ maxLength: 50 }), (index, before) => {
        const bytes = encodeIndex(index, salt)
        const file = Buffer.concat([before, bytes])
        assert.equal(indexLength(file), bytes.length)
        assert.deepEqual(decodeIndex(file.subarray(file.length - bytes.length), salt), { ...index })
      }),
    )
  })

  test('changed, cut or of another stream it is none', () => {
    fc.assert(
      fc.property(indexes, fc.nat(), fc.integer({ min: 1, max: 255 }), (index, place, by) => {
        const bytes = encodeIndex(index, salt)
        assert.equal(decodeIndex(bytes, salt + 1), undefined)
        assert.equal(decodeIndex(bytes.subarray(0, place % bytes.length), salt), undefined)
        // The last eight bytes only say where it begins.
        bytes[place % (bytes.length - 8)]! ^= by
        assert.equal(decodeIndex(bytes, salt), undefined)
      }),
    )
  })

  test('arbitrary bytes are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        assert.equal(indexLength(Buffer.from(noise)), undefined)
        assert.equal(decodeIndex(Buffer.from(noise), salt), undefined)
      }),
    )
  })
})
