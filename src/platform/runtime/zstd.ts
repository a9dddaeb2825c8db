/** Packing of bytes by zstd, on the machine's own threads where that is worth the way. */
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Below this, handing the bytes to another thread costs more than packing them. */
const ALONE_BYTES = 32 * 1024
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }

const compress = promisify(zstdCompress)

/** Packs bytes. */
export async function pack(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.length < ALONE_BYTES ? zstdCompressSync(bytes, LEVEL) : compress(bytes, LEVEL)
}

/** What was packed; throws when it would be more than `maxBytes`, or was not packed. */
export function unpack(packed: Uint8Array, maxBytes: number): Uint8Array {
  return zstdDecompressSync(packed, { maxOutputLength: maxBytes })
}
