/** Path patterns. Pure. */

/** The parts of `/profile/:actor` that a path fills, or undefined when it is another path. */
export function matchPath(pattern: string, actual: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = actual.replace(/\/+$/, '').split('/')
  if (pattern === '/') return given.join('') === '' ? {} : undefined
  if (wanted.length !== given.length) return undefined
  const found: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith(':')) {
      if (value === '') return undefined
      found[part.slice(1)] = safeDecode(value)
    } else if (part !== value) return undefined
  }
  return found
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
