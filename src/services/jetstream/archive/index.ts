/** Events taken from a relay and kept as JSON. */
export { Archive } from './archive.ts'
export { readEvent, type StoredEvent } from './stored-event.ts'
