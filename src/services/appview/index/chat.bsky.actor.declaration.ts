import { selfRecordIndex } from './kept-record.ts'

/** Whose messages an account takes; the messages themselves are no concern of an app view. */
export const chatDeclarationIndex = selfRecordIndex('chat.bsky.actor.declaration')
