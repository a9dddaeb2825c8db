/** Watching the identities of this host's accounts: what changes them that was not made here. */
export type { AlarmState, IdentityAlarms, StoredAlarm } from './identity-alarms.ts'
export { MadeOperations } from './made-operations.ts'
export { openWatch } from './open-watch.ts'
export type { Undoing } from './undoing.ts'
