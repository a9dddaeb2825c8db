/** Blobs of the accounts. */
export { AccountBlobs, blobKey } from './account-blobs.ts'
export { applyBlobEntry, decodeBlobEntry } from './blob-entry.ts'
export { isMediaType } from './media-type.ts'
