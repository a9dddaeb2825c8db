/** An account's standing: made, activated, deactivated, renamed, deleted; each one journal batch. */
export { Erasure } from './erasure.ts'
export { projectStanding, StandingEvents } from './events.ts'
export { KEY_CHANGE_JOB, KEY_CHANGE_PACE, type KeyChange, KeyChanges } from './key-changes.ts'
export { type MoveIn, type SignUp, Standing } from './standing.ts'
