import type { LetterView } from '#protocol/account'
import type { Letter } from '../mail/index.ts'

const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

/** A letter as its operator sees it, without what it says. */
export function letterView(letter: Letter, nowMs: number): LetterView {
  const { id, did, recipient, purpose, subject, state, attempts, reason } = letter
  return {
    id,
    ...{ did, recipient, purpose, subject, state, attempts, reason },
    isReadable: letter.contents !== undefined && letter.expiresMs > nowMs,
    createdAt: time(letter.createdMs)!,
    triedAt: time(letter.triedMs),
    sentAt: time(letter.sentMs),
  }
}
