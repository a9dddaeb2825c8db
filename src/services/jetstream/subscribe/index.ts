/** Readers of the archive: filters are applied as they read. */
export { subscribe } from './subscribe.ts'
