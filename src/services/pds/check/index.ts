/** Checks of accounts, and their repair. */
export { Checks } from './checks.ts'
export type { AccountReport, Problem, ProblemKind, Repair } from './report.ts'
