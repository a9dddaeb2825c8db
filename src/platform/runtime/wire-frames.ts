/**
 * WebSocket frames as the server writes them (unmasked, final, uncompressed), built once per batch
 * however many subscribers read it. Spec: RFC 6455 §5.2.
 */
import type { Frame, FrameBatch } from './shapes.ts'

const TEXT = 0x81
const BINARY = 0x82
const SHORT_MAX = 125
const MEDIUM_MAX = 0xffff

const built = new WeakMap<FrameBatch, Buffer>()

/** The wire form of a batch, from memory when this array was seen before. */
export function wireBatch(batch: FrameBatch): Buffer {
  let wire = built.get(batch)
  if (wire === undefined) {
    wire = wireInPlace(batch) ?? buildWire(batch)
    built.set(batch, wire)
  }
  return wire
}

/** How the storage room marks a buffer of frames that lie together, each behind room for its head. */
const FRAME_ROOM = Symbol.for('falaj.frameRoom')

/** Writes the heads between frames that lie so already: nothing is copied. Undefined for all others. */
function wireInPlace(batch: FrameBatch): Buffer | undefined {
  const [first] = batch
  if (first === undefined || typeof first === 'string') return undefined
  const { buffer } = first
  if (!(FRAME_ROOM in buffer)) return undefined
  const start = first.byteOffset - headerBytes(first.length)
  let end = start
  for (const frame of batch) {
    if (typeof frame === 'string' || frame.buffer !== buffer) return undefined
    end += headerBytes(frame.length)
    if (frame.byteOffset !== end) return undefined
    end += frame.length
  }
  const wire = Buffer.from(buffer as ArrayBuffer, start, end - start)
  for (const { byteOffset, length } of batch as readonly Uint8Array[]) {
    putHead(wire, byteOffset - headerBytes(length) - start, BINARY, length)
  }
  return wire
}

function headerBytes(length: number): number {
  return length <= SHORT_MAX ? 2 : length <= MEDIUM_MAX ? 4 : 10
}

function buildWire(batch: FrameBatch): Buffer {
  let total = 0
  const lengths = new Array<number>(batch.length)
  for (let i = 0; i < batch.length; i++) {
    const frame = batch[i]!
    const length = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.length
    lengths[i] = length
    total += headerBytes(length) + length
  }
  const wire = Buffer.allocUnsafeSlow(total)
  let at = 0
  for (let i = 0; i < batch.length; i++) at = putFrame(wire, at, batch[i]!, lengths[i]!)
  return wire
}

function putFrame(wire: Buffer, start: number, frame: Frame, length: number): number {
  const at = putHead(wire, start, typeof frame === 'string' ? TEXT : BINARY, length)
  if (typeof frame === 'string') wire.write(frame, at)
  else wire.set(frame, at)
  return at + length
}

/** Writes the head of a frame and says where its content begins. */
function putHead(wire: Buffer, start: number, kind: number, length: number): number {
  let at = start
  wire[at++] = kind
  if (length <= SHORT_MAX) wire[at++] = length
  else if (length <= MEDIUM_MAX) {
    wire[at++] = 126
    at = wire.writeUInt16BE(length, at)
  } else {
    wire[at++] = 127
    at = wire.writeUInt32BE(Math.floor(length / 2 ** 32), at)
    at = wire.writeUInt32BE(length >>> 0, at)
  }
  return at
}
