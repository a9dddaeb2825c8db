import { selfRecordIndex } from './kept-record.ts'

/** Who may ask to be told of every post of an account. */
export const notificationDeclarationIndex = selfRecordIndex('app.bsky.notification.declaration')
