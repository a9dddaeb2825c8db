import { keptRecordIndex } from './kept-record.ts'

/** A list of accounts: its name and what it is for. Who is on it are records of their own. */
export const listIndex = keptRecordIndex({ collection: 'app.bsky.graph.list', check() {} })
