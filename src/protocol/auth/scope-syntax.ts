/** The general form of a scope: `resource:positional?name=value&…`. */
export interface ScopeParts {
  resource: string
  /** What stands between the colon and the question mark, unescaped; empty when nothing does. */
  positional: string
  params: ReadonlyMap<string, readonly string[]>
}

/** Longest scope that is looked at, characters. */
export const scopeLengthMax = 2_000

// RFC 6749: printable ASCII without white space, quotation mark and backslash.
const scopeCharacters = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Takes a scope apart; undefined when it has not the general form. What it means is another
 * question. https://atproto.com/specs/permission#scope-string-syntax
 */
export function parseScopeParts(scope: string): ScopeParts | undefined {
  if (scope.length > scopeLengthMax || !scopeCharacters.test(scope)) return undefined
  const question = scope.indexOf('?')
  const head = question === -1 ? scope : scope.slice(0, question)
  const colon = head.indexOf(':')
  const params = new Map<string, string[]>()
  const positional = colon === -1 ? '' : unescaped(head.slice(colon + 1))
  if (positional === undefined) return undefined
  const query = question === -1 ? '' : scope.slice(question + 1)
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = unescaped(equals === -1 ? pair : pair.slice(0, equals))
    const value = unescaped(equals === -1 ? '' : pair.slice(equals + 1))
    if (name === undefined || value === undefined) return undefined
    const values = params.get(name)
    if (values) values.push(value)
    else params.set(name, [value])
  }
  return { resource: colon === -1 ? head : head.slice(0, colon), positional, params }
}

function unescaped(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Writes a value so that it can stand in a scope; the usual characters stay readable. */
export function escapeScopeValue(value: string): string {
  // Half a character has no escape; nothing that is named here has one.
  return encodeURIComponent(value.toWellFormed()).replaceAll('%3A', ':').replaceAll('%2F', '/')
}
