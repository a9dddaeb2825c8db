/** Keys that people hold to their own names: which there are, and how they stand in the identity. */
export { RecoveryKeys } from './recovery-keys.ts'
