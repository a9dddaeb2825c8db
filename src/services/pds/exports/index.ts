/** Repositories and parts of them as CARs. */
export { Exports } from './exports.ts'
export { type ZipEntry, zip } from './zip.ts'
