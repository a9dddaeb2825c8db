/** Fleets: many accounts of one host that move here in waves, within a budget, told of one by one. */
export type { Fleets } from './fleets.ts'
export { openFleets } from './open-fleets.ts'
