/** Blobs of the accounts. */
export { AccountBlobs } from './account-blobs.ts'
export { applyBlobEntry } from './blob-entry.ts'
