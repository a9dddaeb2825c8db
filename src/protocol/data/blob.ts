import { BytesWrapper, CidLinkWrapper } from '@atcute/cbor'
import { isCidLink } from '@atcute/cid'
import { type CidBytes, linkBytes } from './cid.ts'

/** What a record says of a blob it uses. */
export interface BlobRef {
  cid: CidBytes
  mimeType: string
  /** In bytes, as the record claims. */
  size: number
}

/**
 * Every blob a value refers to, in the order of its properties, also where no schema speaks of one;
 * the same blob as often as it stands there. Takes decoded values and plain JSON. Objects that only
 * resemble a blob are left out. Throws 'InvalidCid' when a blob's link is malformed.
 */
export function blobRefs(value: unknown): BlobRef[] {
  const found: BlobRef[] = []
  collect(value, found)
  return found
}

function collect(value: unknown, found: BlobRef[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found)
    return
  }
  if (value instanceof CidLinkWrapper || value instanceof BytesWrapper) return
  const object = value as Record<string, unknown>
  if (object.$type === 'blob' && addBlob(object, found)) return
  for (const key in object) collect(object[key], found)
}

function addBlob(object: Record<string, unknown>, found: BlobRef[]): boolean {
  const { ref, mimeType, size } = object
  if (!isCidLink(ref) || typeof mimeType !== 'string' || typeof size !== 'number') return false
  found.push({ cid: linkBytes(ref), mimeType, size })
  return true
}
