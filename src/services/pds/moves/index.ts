/** Accounts that move to this host: durable jobs that owners start, watch and decide about. */
export { MOVE_JOB, MOVE_PACE, Moves } from './moves.ts'
