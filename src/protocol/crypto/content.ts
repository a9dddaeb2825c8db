import { type CidBytes, type CidCodec, CODEC_CBOR, CODEC_RAW } from '#protocol/data'

const HEADS: Record<CidCodec, Uint8Array> = {
  [CODEC_CBOR]: Uint8Array.of(1, CODEC_CBOR, 0x12, 32),
  [CODEC_RAW]: Uint8Array.of(1, CODEC_RAW, 0x12, 32),
}

/** Makes the functions that name content by its hash, out of a back's SHA-256. */
export function contentNames(sha256: (bytes: Uint8Array) => Uint8Array): {
  cidForCbor: (bytes: Uint8Array) => CidBytes
  cidForRaw: (bytes: Uint8Array) => CidBytes
  verifyCid: (cid: CidBytes, bytes: Uint8Array) => boolean
} {
  function cidFor(codec: CidCodec, bytes: Uint8Array): CidBytes {
    const cid = new Uint8Array(36)
    cid.set(HEADS[codec])
    cid.set(sha256(bytes), 4)
    return cid
  }
  return {
    cidForCbor: (bytes) => cidFor(CODEC_CBOR, bytes),
    cidForRaw: (bytes) => cidFor(CODEC_RAW, bytes),
    verifyCid: (cid, bytes) => {
      const digest = sha256(bytes)
      for (let i = 0; i < 32; i++) if (digest[i] !== cid[i + 4]) return false
      return cid.length === 36
    },
  }
}
