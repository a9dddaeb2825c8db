import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { BytesWrapper, cidLink, encodeCbor, makeCid } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import {
  decodeFrame,
  encodeErrorFrame,
  encodeFrame,
  frameHeader,
  joinFrame,
  maxFrameBytes,
  splitFrame,
} from './index.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

function refusal(frame: Uint8Array): string {
  try {
    decodeFrame(frame)
    return 'none'
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, String(thrown))
    assert.equal(thrown.code, 'InvalidFrame')
    return thrown.message
  }
}

test('a message is its header and its body, back to back', () => {
  const frame = encodeFrame('#info', { name: 'OutdatedCursor' })
  const header = 'a2 6174 65 23696e666f 626f70 01'.replaceAll(' ', '')
  assert.equal(hex(frame), `${header}${hex(encodeCbor({ name: 'OutdatedCursor' }))}`)
  assert.deepEqual(decodeFrame(frame), { type: '#info', body: { name: 'OutdatedCursor' } })
  assert.deepEqual(joinFrame(frameHeader('#info'), encodeCbor({ name: 'OutdatedCursor' })), frame)
})

test('an error frame has op -1, a name and perhaps a message', () => {
  const frame = encodeErrorFrame('FutureCursor', 'too far')
  assert.equal(hex(frame).slice(0, 10), 'a1626f7020')
  assert.deepEqual(decodeFrame(frame), { error: 'FutureCursor', message: 'too far' })
  assert.deepEqual(decodeFrame(encodeErrorFrame('ConsumerTooSlow')), {
    error: 'ConsumerTooSlow',
    message: undefined,
  })
})

test('links and bytes in a body come back as such', () => {
  const cid = makeCid(0x71, new Uint8Array(32).fill(1))
  const blocks = new BytesWrapper(new Uint8Array([1, 2]))
  const body = { prev: null, blocks, commit: cidLink(cid) }
  const decoded = decodeFrame(encodeFrame('#commit', body))
  assert.equal(JSON.stringify(decoded), JSON.stringify({ type: '#commit', body }))
})

test('the body can be left as bytes', () => {
  const body = encodeCbor({ seq: 5 })
  const { op, type, bodyBytes } = splitFrame(joinFrame(frameHeader('#commit'), body))
  assert.deepEqual([op, type], [1, '#commit'])
  assert.deepEqual(new Uint8Array(bodyBytes), body)
})

test('everything else is refused by a reason', () => {
  const info = encodeCbor({ name: 'x' })
  const cases: [name: string, frame: Uint8Array, reason: RegExp][] = [
    ['nothing', new Uint8Array(), /./],
    ['a header without a body', frameHeader('#info'), /./],
    ['three items', joinFrame(encodeFrame('#info', {}), info), /./],
    ['an unknown op', joinFrame(encodeCbor({ op: 2, t: '#info' }), info), /known op/],
    ['an op of another type', joinFrame(encodeCbor({ op: '1', t: '#info' }), info), /known op/],
    ['no op', joinFrame(encodeCbor({ t: '#info' }), info), /known op/],
    ['no type', joinFrame(encodeCbor({ op: 1 }), info), /without a type/],
    ['an empty type', joinFrame(encodeCbor({ op: 1, t: '' }), info), /without a type/],
    ['a type that is a number', joinFrame(encodeCbor({ op: 1, t: 1 }), info), /without a type/],
    ['a header that is a list', joinFrame(encodeCbor([1]), info), /header is not a map/],
    [
      'a body that is a list',
      joinFrame(frameHeader('#info'), encodeCbor([1])),
      /body is not a map/,
    ],
    ['a body that is text', joinFrame(frameHeader('#info'), encodeCbor('x')), /body is not a map/],
    [
      'an error without a name',
      joinFrame(encodeCbor({ op: -1 }), encodeCbor({})),
      /names no error/,
    ],
    ['keys out of order', joinFrame(unhex('a2 626f70 01 6174 65 23696e666f'), info), /./],
    ['an integer longer than need be', joinFrame(unhex('a1 626f70 3800'), info), /./],
    ['a float in the body', joinFrame(frameHeader('#x'), unhex('a1 6161 fb3ff8000000000000')), /./],
    ['indefinite length', joinFrame(unhex('bf 626f70 20 ff'), info), /./],
    ['more than the limit', new Uint8Array(maxFrameBytes + 1), /larger/],
  ]
  for (const [name, frame, reason] of cases) {
    assert.match(refusal(frame), /^Invalid frame: ./, name)
    assert.match(refusal(frame), reason, name)
  }
})

test('many types do not fill the memory, and each is still right', () => {
  for (let count = 0; count < 200; count++) {
    assert.deepEqual(splitFrame(encodeFrame(`#t${count}`, {})).type, `#t${count}`)
  }
})

test('what is encoded is decoded again', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any')),
      fc.dictionary(
        fc.string().filter((key) => !key.startsWith('$')),
        tie('any'),
      ),
    ),
  })).any
  const key = fc.string().filter((text) => !text.startsWith('$') && text !== '__proto__')
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.dictionary(key, value), (type, body) => {
      const decoded = decodeFrame(encodeFrame(type, body))
      assert.equal(JSON.stringify(sorted(decoded)), JSON.stringify(sorted({ type, body })))
    }),
  )
})

test('arbitrary bytes, and frames with one byte changed, never crash', () => {
  const frame = encodeFrame('#commit', { seq: 1, repo: 'did:plc:abc', ops: [{ cid: null }] })
  const changed = fc.tuple(fc.nat(frame.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = frame.slice()
    copy[at] = byte
    return copy
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), changed), (bytes) => void refusal(bytes)),
    { numRuns: 3000 },
  )
})

const corpus = vectorPath('firehose-corpus/frames.bin.zst')

test('frames of a real relay are taken apart and put together again', { skip: !corpus }, () => {
  const bytes = new Uint8Array(zstdDecompressSync(readFileSync(corpus!)))
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const types: Record<string, number> = {}
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true)
    const frame = bytes.subarray(at + 4, at + 4 + length)
    const decoded = decodeFrame(frame)
    assert.ok('type' in decoded)
    types[decoded.type] = (types[decoded.type] ?? 0) + 1
    assert.deepEqual(encodeFrame(decoded.type, decoded.body), new Uint8Array(frame))
    at += 4 + length
  }
  assert.equal(types['#commit'], 148)
  assert.equal(
    Object.values(types).reduce((a, b) => a + b),
    150,
  )
})

/** The same value with its keys in one order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, item]) => [key, sorted(item)])
}
