import { type CidBytes, type CidCodec, CODEC_CBOR, CODEC_RAW } from '#protocol/data'

const HEADS: Record<CidCodec, Uint8Array> = {
  [CODEC_CBOR]: Uint8Array.of(1, CODEC_CBOR, 0x12, 32),
  [CODEC_RAW]: Uint8Array.of(1, CODEC_RAW, 0x12, 32),
}

/** The functions that name content by its hash. */
export interface ContentNames {
  /** The CID of a block of DAG-CBOR. */
  cidForCbor(bytes: Uint8Array): CidBytes
  /** The CID of a blob. */
  cidForRaw(bytes: Uint8Array): CidBytes
  /** Whether the CID is the name of these bytes; its codec is not judged. */
  verifyCid(cid: CidBytes, bytes: Uint8Array): boolean
}

/** Makes them out of a back's SHA-256, which writes the 32 bytes into an array at an offset. */
export function contentNames(
  hashInto: (bytes: Uint8Array, into: Uint8Array, at: number) => void,
): ContentNames {
  const digest = new Uint8Array(32)

  function cidFor(codec: CidCodec, bytes: Uint8Array): CidBytes {
    const cid = new Uint8Array(36)
    cid.set(HEADS[codec])
    hashInto(bytes, cid, 4)
    return cid
  }

  function verifyCid(cid: CidBytes, bytes: Uint8Array): boolean {
    if (cid.length !== 36) return false
    hashInto(bytes, digest, 0)
    for (let i = 0; i < 32; i++) if (digest[i] !== cid[i + 4]) return false
    return cid[0] === 1 && cid[2] === 0x12 && cid[3] === 32
  }

  return {
    cidForCbor: (bytes) => cidFor(CODEC_CBOR, bytes),
    cidForRaw: (bytes) => cidFor(CODEC_RAW, bytes),
    verifyCid,
  }
}
