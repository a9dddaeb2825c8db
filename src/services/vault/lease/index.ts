/** Witnessing: which of the hosts of a name may write. */
export { Proven } from './proven.ts'
export { readLeaseSecrets } from './secrets.ts'
export { Witness } from './witness.ts'
