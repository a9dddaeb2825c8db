import { base64url, constantTimeEqual, hmacSha256 } from '#protocol/crypto'
import { type Did, isDid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import {
  bytesOf,
  decodePart,
  decodeTrustedPart,
  encodePart,
  scratchBytes,
  splitToken,
} from './jwt.ts'

const scopes = [
  'com.atproto.access',
  'com.atproto.refresh',
  'com.atproto.appPass',
  'com.atproto.appPassPrivileged',
  'com.atproto.signupQueued',
  'com.atproto.takendown',
] as const

/** What a session token lets its bearer do; the names are those every PDS uses. */
export type SessionScope = (typeof scopes)[number]

/** Claims of a session token. Times are whole seconds since 1970. */
export interface SessionClaims {
  scope: SessionScope
  /** The account. */
  sub: Did
  /** The PDS, by its DID. */
  aud: Did
  iat: number
  exp: number
  /** Refresh tokens: the row that one use consumes. */
  jti?: string
  /** Access tokens: the session that they are of, by a name that stays when it is renewed. */
  sid?: string
  /** Access tokens of an app password that is for less than everything: what for, in the host's own word. */
  may?: string
}

export interface SessionChecks {
  /** The audience that is asked for. */
  aud?: string
  /** The scopes that will do. Default: any but refresh. */
  scopes?: readonly SessionScope[]
  /** Takes expired tokens too (signing out must work late). */
  allowExpired?: boolean
}

const accessHeader = encodePart({ typ: 'at+jwt', alg: 'HS256' })
const refreshHeader = encodePart({ typ: 'refresh+jwt', alg: 'HS256' })

/**
 * A session token: HS256, `typ` at+jwt, or refresh+jwt for the refresh scope. Its form is the
 * reference PDS's, so that sessions outlive a change of software. Secret: 32 bytes or more.
 */
export function signSession(claims: SessionClaims, secret: Uint8Array): string {
  const header = claims.scope === 'com.atproto.refresh' ? refreshHeader : accessHeader
  const signed = `${header}.${encodePart(claims)}`
  return `${signed}.${base64url(hmacSha256(secret, scratchBytes(signed)))}`
}

/**
 * Checks a session token and gives its claims. Throws XrpcError 400 'ExpiredToken' when only its
 * time is over (clients then refresh), 400 'InvalidToken' for everything else: bad form, another
 * algorithm, `typ` that does not fit the scope, bad signature, audience or scope.
 */
export function verifySession(
  token: string,
  secret: Uint8Array,
  nowMs: number,
  checks: SessionChecks = {},
): SessionClaims {
  const parts = splitToken(token)
  if (parts === undefined) throw invalidToken('Malformed token')
  const isRefresh = readHeader(parts.header)
  const signature = bytesOf(parts.signature)
  if (
    signature === undefined ||
    !constantTimeEqual(hmacSha256(secret, scratchBytes(parts.signed)), signature)
  ) {
    throw invalidToken('Token could not be verified')
  }
  const claims = readClaims(decodeTrustedPart(parts.payload))
  if (isRefresh !== (claims.scope === 'com.atproto.refresh')) throw invalidToken('Malformed token')
  checkClaims(claims, nowMs, checks)
  return claims
}

/** True for a refresh header, false for an access header; throws for any other. */
function readHeader(part: string): boolean {
  if (part === accessHeader) return false
  if (part === refreshHeader) return true
  // Same facts in another order or spelling: a token of another PDS software with our secret.
  const header = decodePart(part)
  if (header?.alg !== 'HS256' || header.crit !== undefined) throw invalidToken('Malformed token')
  if (header.typ === 'at+jwt') return false
  if (header.typ === 'refresh+jwt') return true
  throw invalidToken('Malformed token')
}

function readClaims(payload: Record<string, unknown> | undefined): SessionClaims {
  if (payload === undefined) throw invalidToken('Malformed token')
  const { scope, sub, aud, iat, exp, jti, sid, may } = payload
  const fits =
    isScope(scope) &&
    isDid(sub as string) &&
    isDid(aud as string) &&
    typeof exp === 'number' &&
    (iat === undefined || typeof iat === 'number') &&
    (jti === undefined || typeof jti === 'string') &&
    (sid === undefined || typeof sid === 'string') &&
    (may === undefined || typeof may === 'string') &&
    // Service tokens and tokens bound to a key are other kinds, whoever signed them.
    payload.lxm === undefined &&
    payload.cnf === undefined
  if (!fits) throw invalidToken('Malformed token')
  return payload as unknown as SessionClaims
}

function checkClaims(claims: SessionClaims, nowMs: number, checks: SessionChecks): void {
  if (checks.aud !== undefined && claims.aud !== checks.aud) {
    throw invalidToken('Token is for another audience')
  }
  const scopeFits =
    checks.scopes === undefined
      ? claims.scope !== 'com.atproto.refresh'
      : checks.scopes.includes(claims.scope)
  if (!scopeFits) throw invalidToken('Bad token scope')
  if (checks.allowExpired !== true && nowMs >= claims.exp * 1000) {
    throw new XrpcError(400, 'ExpiredToken', 'Token has expired')
  }
}

function isScope(value: unknown): value is SessionScope {
  return (scopes as readonly unknown[]).includes(value)
}

function invalidToken(message: string): XrpcError {
  return new XrpcError(400, 'InvalidToken', message)
}
