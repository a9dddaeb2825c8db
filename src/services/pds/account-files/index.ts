/** Account files: one SQLite file per account, kept open in a bounded set. */

export type { CommitChange, FileHead, RecordChange, RecordRow } from './account-file.ts'
export { AccountFile } from './account-file.ts'
export { AccountFiles, fileName } from './account-files.ts'
export type { IdleBefore } from './blob-rows.ts'
export { MIGRATIONS } from './schema.ts'
export { subjectOf } from './subjects.ts'
