/** What is kept, and how: accounts and their keys, instants, packs of blocks, blobs. */
export { type AccountState, Accounts, type KeptAccount, NotKept } from './accounts.ts'
export { KeptBlobs } from './blobs.ts'
export { InTurn } from './in-turn.ts'
export { addInstants, type Instant, Instants, instantOf } from './instants.ts'
export { type BlockReader, Damaged, Packs, type PackWriter, runs } from './packs.ts'
export { PRIVATE_BYTES_MAX, PrivateStates } from './private-states.ts'
export { type Mention, mentionsIn } from './records.ts'
