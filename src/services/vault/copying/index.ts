/** What is done for accounts beside their events: copies, blobs, erasure. */
export { copyBlob } from './blob.ts'
export { copyRepo } from './copy.ts'
export { eraseRest } from './erase.ts'
export { listHost } from './list.ts'
export { askPrivate, copyPrivate } from './private-state.ts'
