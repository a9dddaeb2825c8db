/** Accounts that move to this host: durable jobs that owners start, watch and decide about. */
export { MOVE_JOB, MOVE_PACE } from './move-work.ts'
export { Moves } from './moves.ts'
