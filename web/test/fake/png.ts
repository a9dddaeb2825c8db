/** Pictures for the fake network: water under a sky, drawn row by row and packed as PNG. */
import { crc32, deflateSync } from 'node:zlib'

type Colour = readonly [number, number, number]

/** A landscape of `width` × `height` in the colours given, as PNG bytes. */
export function landscape(width: number, height: number, sky: Colour, water: Colour): Uint8Array {
  const rows = Buffer.alloc(height * (width * 3 + 1))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (width * 3 + 1) + 1 + x * 3
      const [r, g, b] = pixel(x / width, y / height, sky, water)
      rows[at] = r
      rows[at + 1] = g
      rows[at + 2] = b
    }
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header(width, height)),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function pixel(x: number, y: number, sky: Colour, water: Colour): Colour {
  const shore = 0.52 + 0.05 * Math.sin(x * 5 + 1) + 0.02 * Math.sin(x * 17)
  const wave = 0.03 * Math.sin(x * 22 + y * 40)
  const share = y < shore ? y / shore / 2.4 : 1 - (1 - y) * 0.9 + wave
  const from = y < shore ? ([247, 240, 226] as const) : sky
  const to = y < shore ? sky : water
  const mix = (index: 0 | 1 | 2) =>
    Math.max(0, Math.min(255, Math.round(from[index] + (to[index] - from[index]) * share)))
  return [mix(0), mix(1), mix(2)]
}

function header(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(13)
  bytes.writeUInt32BE(width, 0)
  bytes.writeUInt32BE(height, 4)
  bytes[8] = 8
  bytes[9] = 2
  return bytes
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const bytes = Buffer.alloc(body.length + 8)
  bytes.writeUInt32BE(data.length, 0)
  body.copy(bytes, 4)
  bytes.writeUInt32BE(crc32(body), body.length + 4)
  return bytes
}
