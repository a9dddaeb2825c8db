import {
  type BlobRef,
  type CidLink,
  cidLink,
  decodeCbor,
  encodeCbor,
  linkBytes,
} from '#protocol/data'
import type { AccountFile } from '../account-files/index.ts'

interface Stored {
  cid: CidLink
  mimeType: string
  size: number
  uploadedMs: number
}

/** A blob as the journal keeps it: one that came after the record that mentions it. */
export function encodeBlobEntry({ cid, mimeType, size }: BlobRef, uploadedMs: number): Uint8Array {
  return encodeCbor({ cid: cidLink(cid), mimeType, size, uploadedMs } satisfies Stored)
}

/** What such an entry does to the account's file. */
export const applyBlob = (ref: BlobRef, uploadedMs: number) => (file: AccountFile) =>
  file.blobs.put(ref, uploadedMs)

export function decodeBlobEntry(payload: Uint8Array): BlobRef & { uploadedMs: number } {
  const { cid, mimeType, size, uploadedMs } = decodeCbor(payload) as Stored
  return { cid: linkBytes(cid), mimeType, size, uploadedMs }
}

/** What such an entry does, read back from the journal. */
export function applyBlobEntry(payload: Uint8Array): (file: AccountFile) => void {
  const { uploadedMs, ...ref } = decodeBlobEntry(payload)
  return applyBlob(ref, uploadedMs)
}
