/** Handles that this host gives out or accepts. */

export {
  type HandleProof,
  HandleProofReader,
  type HandleProofs,
} from './handle-proofs.ts'
export { Handles } from './handles.ts'
