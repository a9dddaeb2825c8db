/** From a host's frames to the relay's stream. */
export { DirectoryAway, Ingest, type Taken } from './ingest.ts'
export { Judge, type Source } from './judge.ts'
export type { FetchedHead, Mended } from './pass.ts'
export { Projection } from './projection.ts'
export { rebuildStates } from './rebuild.ts'
export type { RepoState } from './repo-state.ts'
export { RepoStates } from './repo-states.ts'
export { frameOf } from './stored-event.ts'
