/** Blobs of the accounts. */
export { AccountBlobs } from './account-blobs.ts'
