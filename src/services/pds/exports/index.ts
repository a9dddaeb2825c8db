/** Repositories and parts of them as CARs. */
export { Exports } from './exports.ts'
