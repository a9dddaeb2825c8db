export {
  SUSPENSION_JOB,
  SUSPENSION_PACE,
  type Suspension,
  Suspensions,
} from './suspensions.ts'
export { type Takedown, Takedowns, takedownKey } from './takedowns.ts'
