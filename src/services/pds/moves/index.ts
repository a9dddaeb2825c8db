/** Accounts that move to this host: durable jobs that owners start, watch and decide about. */
export { HeldWrites } from './held-writes.ts'
export { MOVE_JOB, MOVE_PACE } from './move-work.ts'
export { Moves } from './moves.ts'
export {
  MOVE_HERE_PATH,
  type OtherHost,
  OtherHosts,
  type SignedInThere,
  type WantedDocument,
} from './other-hosts.ts'
export { Visibility } from './visibility.ts'
