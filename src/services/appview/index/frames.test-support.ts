/** Frames in one file: each with its length in front, as the shared corpus has them. */

export function readFrames(bytes: Buffer): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    frames.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return frames
}

export function writeFrames(frames: readonly (Uint8Array | string)[]): Buffer {
  const parts = frames.flatMap((frame) => {
    const bytes = Buffer.from(frame as Uint8Array)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    return [length, bytes]
  })
  return Buffer.concat(parts)
}
