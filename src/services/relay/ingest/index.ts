/** From a host's frames to the relay's stream. */
export { Identities } from './identities.ts'
export { Ingest } from './ingest.ts'
export { Judge, type Source } from './judge.ts'
export { rebuildStates } from './rebuild.ts'
export { type RepoState, RepoStates } from './repo-states.ts'
export { frameOf } from './stored-event.ts'
