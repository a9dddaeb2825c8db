/** A post's number: its place in time, free of every other post's. */

/** Microseconds of the first try: those of its millisecond. */
const FIRST_SPREAD = 1_000
/** Doublings of the spread: the last try is within a quarter of an hour. */
const TRIES_MAX = 20

/**
 * Numbers to try in order for a post of this moment. Which ones depends on the post alone, spread so
 * that any number of posts of one moment (an importer's) find their places in a few tries.
 */
export function* placesFor(sortMs: number, aid: number, rkey: string): Generator<number> {
  const base = Math.max(0, Math.floor(sortMs)) * 1_000
  let hash = hashOf(`${aid}/${rkey}`)
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    yield base + (hash % (FIRST_SPREAD * 2 ** attempt))
    hash = mixed(hash + 0x9e3779b9)
  }
  throw new Error('no free place for a post') // a million million posts of one moment
}

/** FNV-1a, mixed: neighbouring record keys must not be neighbours. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mixed(hash)
}

function mixed(value: number): number {
  let hash = value >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad)
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** The first number of a moment: posts from then on have it or a higher one. */
export function placeOfMs(ms: number): number {
  return Math.max(0, Math.ceil(ms)) * 1_000
}
