/** From a jetstream's events to the tables of the feeds. */
export { Intake } from './intake.ts'
