import { selfRecordIndex } from './kept-record.ts'

/** What an account is doing just now, such as being live elsewhere. */
export const statusIndex = selfRecordIndex('app.bsky.actor.status')
