/** Events taken from a relay and kept as JSON. */
export { Archive } from './archive.ts'
export { eventsOf, type StoredEvent } from './stored-event.ts'
export { seqBefore } from './time-search.ts'
