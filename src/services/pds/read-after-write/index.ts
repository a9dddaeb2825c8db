/** Views of the app view, completed by what their viewer wrote since. */
export { type NewerWrites, OwnWrites } from './own-writes.ts'
export type { Ask } from './post-views.ts'
