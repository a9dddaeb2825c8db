import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Entry } from '#platform/storage'
import {
  frameOf,
  isStorableHost,
  KINDS,
  type Origin,
  originBytes,
  originOf,
  writeOrigin,
} from './stored-event.ts'

const entry = (payload: Uint8Array, more: Partial<Entry> = {}): Entry => ({
  seq: 1,
  key: 'did:plc:x',
  kind: KINDS['#commit'],
  timeMs: 0,
  payload,
  blanked: false,
  ...more,
})

/** Stored in the middle of something larger, as passes do. */
function store(origin: Origin, frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(3 + originBytes(origin) + frame.length)
  const at = writeOrigin(bytes, 3, origin)
  bytes.set(frame, at)
  assert.equal(at + frame.length, bytes.length)
  return bytes.subarray(3)
}

const url = fc.webUrl({ validSchemes: ['https'] }).map((text) => new URL(text).origin)

test('where an event came from comes back as it was written', () => {
  fc.assert(
    fc.property(
      fc.oneof(url, fc.constant('')),
      fc.maxSafeNat(),
      url,
      fc.uint8Array(),
      (source, sourceSeq, host, frame) => {
        const stored = store({ source, sourceSeq, host }, frame)
        assert.deepEqual(originOf(entry(stored)), { source, sourceSeq, host })
        assert.deepEqual(frameOf(entry(stored)), frame)
      },
    ),
  )
})

test('the mark of a broken chain and a blanked event show no frame', () => {
  const stored = store({ source: '', sourceSeq: 0, host: 'https://a.example' }, new Uint8Array(0))
  assert.equal(frameOf(entry(stored, { kind: KINDS.broken })), undefined)
  assert.equal(frameOf(entry(new Uint8Array(0), { blanked: true })), undefined)
})

test('a host whose URL is too long is known before it is written', () => {
  const long = `https://${'a'.repeat(250)}`
  assert.equal(isStorableHost(long), false)
  assert.throws(() => originBytes({ source: long, sourceSeq: 1, host: long }), RangeError)
  assert.equal(isStorableHost('https://pds.example'), true)
})
