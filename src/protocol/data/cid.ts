import {
  type Cid,
  type CidLink,
  CidLinkWrapper,
  toString as formatCid,
  fromString,
  isCidLink,
} from '@atcute/cid'
import { ProtocolError } from '#protocol/syntax'

/**
 * A CID as atproto allows it in repositories, 36 raw bytes: version 1, codec dag-cbor or raw, and a
 * SHA-256 digest. https://atproto.com/specs/data-model#link-and-cid-formats
 */
export type CidBytes = Uint8Array

export const CODEC_CBOR = 0x71
export const CODEC_RAW = 0x55
export type CidCodec = typeof CODEC_CBOR | typeof CODEC_RAW

/** Version, codec, hash, digest length, digest. */
export const CID_LENGTH = 4 + 32
const SHA_256 = 0x12
const DIGEST_LENGTH = 32

/** The CID of a SHA-256 digest. Throws 'InvalidCid' when the digest is not 32 bytes. */
export function makeCid(codec: CidCodec, digest: Uint8Array): CidBytes {
  if (digest.length !== DIGEST_LENGTH) {
    throw new ProtocolError('InvalidCid', `a digest of ${digest.length} bytes instead of 32`)
  }
  const cid = new Uint8Array(CID_LENGTH)
  cid[0] = 1
  cid[1] = codec
  cid[2] = SHA_256
  cid[3] = DIGEST_LENGTH
  cid.set(digest, 4)
  return cid
}

/** Whether these bytes are exactly one CID. */
export function isCid(bytes: Uint8Array): bytes is CidBytes {
  return bytes.length === CID_LENGTH && isCidAt(bytes, 0)
}

/** Whether a CID begins at the offset; its 36 bytes are known to be there. */
export function isCidAt(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 1 &&
    (bytes[at + 1] === CODEC_CBOR || bytes[at + 1] === CODEC_RAW) &&
    bytes[at + 2] === SHA_256 &&
    bytes[at + 3] === DIGEST_LENGTH
  )
}

/** What kind of block a CID names. The bytes are taken as a checked CID. */
export function cidCodec(cid: CidBytes): CidCodec {
  return cid[1] as CidCodec
}

/** The 32 bytes of the digest: a view, not a copy. */
export function cidDigest(cid: CidBytes): Uint8Array {
  return cid.subarray(4)
}

/** The CID as text, `b` and 58 characters of base32. */
export function cidText(cid: CidBytes): string {
  return formatCid({ bytes: cid } as Cid)
}

/** The bytes of a CID written as `cidText` writes it, and in no other base. Throws 'InvalidCid'. */
export function parseCid(text: string): CidBytes {
  try {
    return fromString(text).bytes
  } catch (cause) {
    throw new ProtocolError('InvalidCid', 'not a CID of version 1 in base32 with SHA-256', {
      cause,
    })
  }
}

/** The link a value holds to another block: encoded as tag 42, shown in JSON as `{"$link": …}`. */
export function cidLink(cid: CidBytes): CidLink {
  return new CidLinkWrapper(cid)
}

/** The CID of a link, be it decoded or plain JSON. Throws 'InvalidCid' when it is not a link. */
export function linkBytes(link: CidLink): CidBytes {
  if (link instanceof CidLinkWrapper) return link.bytes
  if (isCidLink(link)) return parseCid(link.$link)
  throw new ProtocolError('InvalidCid', 'not a link')
}
