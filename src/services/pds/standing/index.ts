/** An account's standing: made, activated, deactivated, renamed; each one batch of the journal. */
export { StandingEvents } from './events.ts'
export { type MoveIn, type SignUp, Standing } from './standing.ts'
