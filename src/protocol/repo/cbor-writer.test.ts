import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidLink, encodeCbor, toBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import {
  CborWriter,
  MAJOR_ARRAY,
  MAJOR_BYTES,
  MAJOR_MAP,
  MAJOR_NUMBER,
  MAX_HEAD_BYTES,
} from './cbor-writer.ts'
import { recordOf } from './samples.test-support.ts'

function written(write: (out: CborWriter) => void, room = 2000): Uint8Array {
  const out = new CborWriter(new Uint8Array(room))
  write(out)
  return out.done()
}

describe('writing CBOR by hand', () => {
  it('writes numbers as a generic encoder does', () => {
    const edges = [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
    const number = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat())
    fc.assert(
      fc.property(number, (value) => {
        const bytes = written((out) => out.head(MAJOR_NUMBER, value), MAX_HEAD_BYTES)
        assert.deepEqual(bytes, encodeCbor(value))
      }),
    )
  })

  it('writes text of ASCII and no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 300 }), (text) => {
        assert.deepEqual(
          written((out) => out.text(text)),
          encodeCbor(text),
        )
      }),
    )
    assert.throws(() => written((out) => out.text('é')), ProtocolError)
  })

  it('writes bytes, links and nothing as a generic encoder does', () => {
    const { cid } = recordOf('a')
    const bytes = new Uint8Array(300).fill(7)
    const cases: [(out: CborWriter) => void, unknown][] = [
      [(out) => out.byteString(bytes), toBytes(bytes)],
      [(out) => out.link(cid), cidLink(cid)],
      [(out) => out.linkOrNull(cid), cidLink(cid)],
      [(out) => out.linkOrNull(null), null],
      [(out) => out.textOrNull('x'), 'x'],
      [(out) => out.textOrNull(null), null],
      [(out) => out.false(), false],
      [(out) => out.head(MAJOR_MAP, 0), {}],
      [(out) => out.head(MAJOR_BYTES, 0), toBytes(new Uint8Array(0))],
    ]
    for (const [write, value] of cases) assert.deepEqual(written(write), encodeCbor(value))
  })

  it('puts pieces one after the other', () => {
    const bytes = written((out) => {
      out.head(MAJOR_ARRAY, 2)
      out.text('a')
      out.raw(encodeCbor({ b: [1] }))
    })
    assert.deepEqual(bytes, encodeCbor(['a', { b: [1] }]))
  })

  it('writes lengths as CAR files do', () => {
    assert.deepEqual(
      written((out) => out.varint(0)),
      Uint8Array.of(0),
    )
    assert.deepEqual(
      written((out) => out.varint(127)),
      Uint8Array.of(127),
    )
    assert.deepEqual(
      written((out) => out.varint(300)),
      Uint8Array.of(0xac, 2),
    )
    assert.deepEqual(
      written((out) => out.varint(2_000_000)),
      Uint8Array.of(0x80, 0x89, 0x7a),
    )
  })
})
