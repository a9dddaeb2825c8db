/** The right of this host to write, and what stops when it has none. */
export { fenced } from './fenced-parts.ts'
export { fencedHost, leaseHealth } from './fenced-service.ts'
export {
  hostFenced,
  type Lease,
  type LeaseDeps,
  type LeaseEnd,
  type LeaseRefusal,
  LeaseRefused,
  type TakeOptions,
  takeLease,
} from './lease.ts'
export type { LeaseMemory, LeaseNote } from './memory.ts'
export { type WitnessAnswer, WitnessClient, type WitnessPlace } from './witness-client.ts'
