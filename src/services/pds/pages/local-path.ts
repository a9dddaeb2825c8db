const LENGTH_MAX = 4_000
const BASE = 'http://this.invalid'

/**
 * A path of this host that somebody named (`return=`), as a browser will read it; `otherwise` for
 * anything that could lead to another place: `//evil`, `/\evil`, `https:…`, control characters.
 */
export function localPath(text: string | undefined, otherwise: string): string {
  if (text === undefined || text.length > LENGTH_MAX) return otherwise
  // What browsers drop or turn round before they read an address.
  if (!/^\/(?![/\\])/.test(text) || /[\\\p{Cc}]/u.test(text)) return otherwise
  if (!URL.canParse(text, BASE)) return otherwise
  const url = new URL(text, BASE)
  // `/.//evil` is a path with two slashes before it once the dot is gone.
  if (url.origin !== BASE || url.pathname.startsWith('//')) return otherwise
  return url.pathname + url.search
}
