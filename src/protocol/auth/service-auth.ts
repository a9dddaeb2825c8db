import { base64url, type Curve, type PublicKey, type SigningKey } from '#protocol/crypto'
import { isDid, ProtocolError } from '#protocol/syntax'
import { authRequired } from '#protocol/xrpc'
import { encodePart, type Jwt, parseJwt, tokenBytes } from './jwt.ts'
import { lowestS } from './low-s.ts'

export interface ServiceAuthClaims {
  /** The account (or service, `did:…#atproto_labeler`) on whose behalf the call is made. */
  iss: string
  /** The service that is called, by DID or by DID and service id. */
  aud: string
  /** The method that may be called; absent in old tokens. */
  lxm?: string | undefined
  /** Seconds since 1970. */
  exp: number
  iat?: number | undefined
  /** Random; whoever guards against replay remembers it until `exp`. */
  jti?: string | undefined
}

export interface SignServiceAuth {
  iss: string
  aud: string
  lxm?: string | undefined
  nowMs: number
  /** End of validity, seconds since 1970. Default: a minute from now. */
  expSeconds?: number
  key: SigningKey
  /** Fresh randomness, 16 bytes or more as text. */
  jti: string
}

export interface ServiceAuthChecks {
  /**
   * Who we are: DIDs, or DIDs with a service id. `did:web:x#svc` is met by exactly that and by the
   * bare `did:web:x`, which most clients still send; a bare entry only by itself.
   */
  aud: string | readonly string[]
  /** The method being called, or null where any will do. */
  lxm: string | null
  nowMs: number
  /** The key of the issuer (a DID, with `#service` when the token says so); `fresh` skips caches. */
  signingKey(iss: string, fresh: boolean): Promise<PublicKey>
  /** Longest time to live that is believed. Default one hour. */
  maxLifetimeSeconds?: number
}

/** Clocks of hosts may differ by this much. */
export const clockLeewaySeconds = 30

const algorithms: Readonly<Record<Curve, string>> = { k256: 'ES256K', p256: 'ES256' }
const headers: Readonly<Record<Curve, string>> = {
  k256: encodePart({ typ: 'JWT', alg: 'ES256K' }),
  p256: encodePart({ typ: 'JWT', alg: 'ES256' }),
}

/**
 * A service auth token: proves to another service that the holder of the account's signing key
 * makes this call. https://atproto.com/specs/xrpc#inter-service-authentication-jwt
 */
export function signServiceAuth(options: SignServiceAuth): string {
  const { iss, aud, lxm, jti, key } = options
  const iat = Math.floor(options.nowMs / 1000)
  const claims = { iat, iss, aud, exp: options.expSeconds ?? iat + 60, lxm, jti }
  const signed = `${headers[key.publicKey.curve]}.${encodePart(claims)}`
  return `${signed}.${base64url(key.sign(tokenBytes(signed)))}`
}

/**
 * Checks a service auth token: form, times, audience, method, then the signature with the issuer's
 * key, once more with a fresh key when the first does not fit (it may have been rotated). Throws
 * XrpcError 401 'BadJwt', 'BadJwtType', 'JwtExpired', 'BadJwtAudience', 'BadJwtLexiconMethod',
 * 'BadJwtIss', 'BadJwtSignature'. Replay is the caller's to guard against.
 */
export async function verifyServiceAuth(
  token: string,
  checks: ServiceAuthChecks,
): Promise<ServiceAuthClaims> {
  const jwt = parseJwt(token)
  if (jwt === undefined) throw badJwt()
  checkHeader(jwt)
  const claims = readClaims(jwt)
  checkTimes(claims, checks)
  checkAudience(claims.aud, checks.aud)
  checkMethod(claims.lxm, checks.lxm)
  const key = await keyOf(claims.iss, false, checks)
  if (isSignedBy(jwt, key)) return claims
  const fresh = await keyOf(claims.iss, true, checks)
  if (fresh.didKey !== key.didKey && isSignedBy(jwt, fresh)) return claims
  throw authRequired('jwt signature does not match jwt issuer', 'BadJwtSignature')
}

function checkHeader({ header }: Jwt): void {
  const { alg, typ, crit } = header
  if ((alg !== 'ES256K' && alg !== 'ES256') || crit !== undefined) throw badJwt()
  // Other kinds of token (at+jwt, refresh+jwt, dpop+jwt) must not pass as this one.
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT')) {
    throw authRequired('Invalid jwt type', 'BadJwtType')
  }
}

function readClaims({ payload }: Jwt): ServiceAuthClaims {
  const { iss, aud, exp, iat, lxm, jti } = payload
  if (typeof iss !== 'string' || typeof aud !== 'string' || !isTime(exp)) throw badJwt()
  if (iat !== undefined && !isTime(iat)) throw badJwt()
  if (lxm !== undefined && typeof lxm !== 'string') throw badJwt()
  if (jti !== undefined && (typeof jti !== 'string' || jti.length > 256)) throw badJwt()
  if (!isIssuer(iss)) throw authRequired('jwt iss is not a valid did', 'BadJwtIss')
  return { iss, aud, lxm, exp, iat, jti }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isIssuer(iss: string): boolean {
  const hash = iss.indexOf('#')
  if (hash === -1) return isDid(iss)
  return isDid(iss.slice(0, hash)) && /^[a-zA-Z0-9_-]{1,64}$/.test(iss.slice(hash + 1))
}

function checkTimes(claims: ServiceAuthClaims, checks: ServiceAuthChecks): void {
  const now = checks.nowMs / 1000
  const lifetime = checks.maxLifetimeSeconds ?? 3600
  if (now > claims.exp + clockLeewaySeconds) throw authRequired('jwt expired', 'JwtExpired')
  const isTooLong = claims.exp > now + lifetime + clockLeewaySeconds
  const isFromTheFuture = claims.iat !== undefined && claims.iat > now + clockLeewaySeconds
  if (isTooLong || isFromTheFuture) throw authRequired('jwt times are not plausible', 'BadJwt')
}

function checkAudience(aud: string, accepted: string | readonly string[]): void {
  const list = typeof accepted === 'string' ? [accepted] : accepted
  const bare = !aud.includes('#')
  if (list.some((own) => own === aud || (bare && own.startsWith(`${aud}#`)))) return
  throw authRequired('jwt audience does not match service did', 'BadJwtAudience')
}

function checkMethod(lxm: string | undefined, expected: string | null): void {
  if (expected === null || lxm === expected) return
  const what = lxm === undefined ? 'missing' : 'bad'
  throw authRequired(
    `${what} jwt lexicon method ("lxm"). must match: ${expected}`,
    'BadJwtLexiconMethod',
  )
}

async function keyOf(iss: string, fresh: boolean, checks: ServiceAuthChecks): Promise<PublicKey> {
  try {
    return await checks.signingKey(iss, fresh)
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown
    throw authRequired(`no key of ${iss}: ${thrown.message}`, 'BadJwtIss')
  }
}

function isSignedBy({ header, signed, signature }: Jwt, key: PublicKey): boolean {
  if (header.alg !== algorithms[key.curve] || signature.length !== 64) return false
  return key.verify(signed, lowestS(key.curve, signature))
}

function badJwt() {
  return authRequired('poorly formatted jwt', 'BadJwt')
}
