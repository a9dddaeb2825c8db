import { selfRecordIndex } from './kept-record.ts'

/** Whether an account wants to be suggested to others. */
export const visibilityIndex = selfRecordIndex('app.bsky.actor.contentVisibilityDeclaration')
