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
    wire = buildWire(batch)
    built.set(batch, wire)
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
  let at = start
  wire[at++] = typeof frame === 'string' ? TEXT : BINARY
  if (length <= SHORT_MAX) wire[at++] = length
  else if (length <= MEDIUM_MAX) {
    wire[at++] = 126
    at = wire.writeUInt16BE(length, at)
  } else {
    wire[at++] = 127
    at = wire.writeUInt32BE(Math.floor(length / 2 ** 32), at)
    at = wire.writeUInt32BE(length >>> 0, at)
  }
  if (typeof frame === 'string') wire.write(frame, at)
  else wire.set(frame, at)
  return at + length
}
