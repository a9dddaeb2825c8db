/** The write path: planned writes, in-memory heads, commits into the journal. */
export { applyChange, changeOfFrame } from './commit-change.ts'
export { type HotRepo, HotRepos, type RepoState } from './hot-repos.ts'
export { type PlannedWrite, planDelete, planRecord } from './planned-write.ts'
export { Repos, type ResolvedWrite, syncChange, type Written } from './repos.ts'
export { TreeEdits } from './tree-edits.ts'
