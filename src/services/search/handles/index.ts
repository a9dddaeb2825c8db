/** Handles of accounts, as their DID documents claim. */
export { Handles } from './handles.ts'
