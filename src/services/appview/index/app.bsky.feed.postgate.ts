import { gateIndex } from './gate.ts'

/** Who may quote a post. Judged when the quote is read. */
export const postgateIndex = gateIndex('app.bsky.feed.postgate')
