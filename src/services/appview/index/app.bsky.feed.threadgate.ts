import { gateIndex } from './gate.ts'

/** Who may reply to a post. Judged when its thread is read. */
export const threadgateIndex = gateIndex('app.bsky.feed.threadgate')
