/** Drills: whether the vault can do what it is for. */
export { type Drill, type DrillAccount, Drills } from './drills.ts'
