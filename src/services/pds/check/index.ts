/** Checks of accounts, and their repair. */
export { checkFile } from './check-file.ts'
export { Checks } from './checks.ts'
export type { AccountReport, Problem, ProblemKind, Repair } from './report.ts'
