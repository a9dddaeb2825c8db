/** A second host that follows this one, and takes its place. */
export { StandbyFeed } from './feed.ts'
export type { StandbySource } from './host-copies.ts'
export { Promotion } from './promotion.ts'
export {
  type Promoted,
  Standby,
  type StandbyDeps,
  type StandbyLease,
  wasPromoted,
} from './standby.ts'
export { requireStandby, StandbyHost, standbyAuth } from './standby-host.ts'
