import { constantTimeEqual, sha256 } from '#protocol/crypto'
import { XrpcError } from '#protocol/xrpc'

/** What an Authorization header brings. */
export type Authorization =
  | { kind: 'bearer'; token: string }
  | { kind: 'dpop'; token: string }
  | { kind: 'basic'; username: string; password: string }

/**
 * Reads an Authorization header; undefined when there is none. Throws XrpcError 400 'InvalidToken'
 * for a malformed one or a scheme nobody uses here.
 */
export function parseAuthorization(header: string | undefined): Authorization | undefined {
  if (header === undefined || header === '') return undefined
  const space = header.indexOf(' ')
  const credential = header.slice(space + 1)
  if (space === -1 || credential === '' || credential.includes(' ')) {
    throw new XrpcError(400, 'InvalidToken', 'Malformed authorization header')
  }
  const scheme = header.slice(0, space).toLowerCase()
  if (scheme === 'bearer') return { kind: 'bearer', token: credential }
  if (scheme === 'dpop') return { kind: 'dpop', token: credential }
  if (scheme === 'basic') return basic(credential)
  throw new XrpcError(400, 'InvalidToken', 'Unsupported authorization type')
}

/** The bearer token of a header. Throws XrpcError 401 'AuthMissing' when there is none. */
export function requireBearer(header: string | undefined): string {
  const authorization = parseAuthorization(header)
  if (authorization?.kind === 'bearer') return authorization.token
  throw new XrpcError(401, 'AuthMissing', 'Authentication Required')
}

/** Whether a header carries HTTP Basic with these credentials; takes the same time either way. */
export function isBasic(header: string | undefined, username: string, password: string): boolean {
  const authorization = parseAuthorization(header)
  if (authorization?.kind !== 'basic') return false
  const isUser = equalText(authorization.username, username)
  const isPassword = equalText(authorization.password, password)
  return isUser && isPassword
}

/** Whether two secrets are the same text, in a time that tells nothing about either. */
export function equalText(a: string, b: string): boolean {
  const encoder = new TextEncoder()
  return constantTimeEqual(sha256(encoder.encode(a)), sha256(encoder.encode(b)))
}

function basic(credential: string): Authorization {
  let text: string
  try {
    const bytes = Uint8Array.from(atob(credential), (character) => character.charCodeAt(0))
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new XrpcError(400, 'InvalidToken', 'Malformed authorization header')
  }
  const colon = text.indexOf(':')
  if (colon === -1) throw new XrpcError(400, 'InvalidToken', 'Malformed authorization header')
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) }
}
