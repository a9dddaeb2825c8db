import { type Did, isDid } from '#protocol/syntax'

/** Said by the moderation of a service itself: its subject is not shown there. */
export const TAKEDOWN_LABEL = '!takedown'

/**
 * Reads `atproto-accept-labelers`: DIDs with commas between, each perhaps with parameters
 * (`;redact`, which says that what this labeler takes down is not to be shown at all). Each DID
 * once, at most `max`; undefined without the header or when nothing in it is a DID.
 */
export function parseAcceptLabelers(
  header: string | undefined,
  max: number,
): { did: Did; redact: boolean }[] | undefined {
  if (header === undefined) return undefined
  const found = new Map<Did, { did: Did; redact: boolean }>()
  for (const item of header.split(',')) {
    if (found.size >= max) break
    const [did, ...parameters] = item.split(';').map((part) => part.trim())
    if (!isDid(did!) || found.has(did)) continue
    found.set(did, { did, redact: parameters.includes('redact') })
  }
  return found.size > 0 ? [...found.values()] : undefined
}
