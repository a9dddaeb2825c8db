/** Watching the identities of this host's accounts: what changes them that was not made here. */
export { alarmLetters } from './alarm-letters.ts'
export { type AlarmState, IdentityAlarms, type StoredAlarm } from './identity-alarms.ts'
export { IdentityWatch } from './identity-watch.ts'
export { MadeOperations } from './made-operations.ts'
export { Undoing } from './undoing.ts'
