/** The journal: the host's write-ahead log and the source of `subscribeRepos`. */
export { Checkpoints } from './checkpoints.ts'
export type { AppendedChanges, Change, Copying, Projections } from './journal.ts'
export { AccountStopped, Journal, refused } from './journal.ts'
export { isPublic, Kind } from './kinds.ts'
export type { Replay } from './recovery.ts'
export { Recovery } from './recovery.ts'
