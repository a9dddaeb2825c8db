/** Accounts that move to this host: durable jobs that owners start, watch and decide about. */
export type { Budgets } from './budget.ts'
export { pacedFetch } from './budget.ts'
export { HeldWrites } from './held-writes.ts'
export type { MoveRow } from './move-rows.ts'
export { type MoveAsked, type Moves, mayAbandon } from './moves.ts'
export { openMoves } from './open-moves.ts'
export {
  MOVE_HERE_PATH,
  type OtherHost,
  OtherHosts,
  type SignedInThere,
  type WantedDocument,
} from './other-hosts.ts'
