/** Following hosts: their events, verified and kept. */
export { addMentions } from './change.ts'
export { Hosts } from './hosts.ts'
export { Intake, type IntakeVerdict } from './intake.ts'
