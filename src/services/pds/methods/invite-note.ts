import { invalidRequest } from '#protocol/xrpc'

const NOTE_MAX = 1_000

/** Why an account's invites are stopped or not, in the operator's words. Throws InvalidRequest. */
export function requireNote(note: string | undefined): string | undefined {
  const text = note?.trim()
  if (text && text.length > NOTE_MAX)
    throw invalidRequest(`A note has at most ${NOTE_MAX} characters`)
  return text || undefined
}
