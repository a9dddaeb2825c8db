import { ClientError } from './client-metadata.ts'
import type { Jwk } from './jwk.ts'
import { parseJwt } from './jwt.ts'
import { lowestS } from './low-s.ts'

/** How an app proved itself. Sessions stay bound to the key that they began with. */
export interface ClientAssertion {
  kid: string | undefined
  alg: string
  /** Name of the key. */
  jkt: string
  jti: string
  issuedMs: number
  /** Until when the same assertion must not be taken again. */
  expiresMs: number
}

/** `client_assertion_type` of RFC 7523. */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Assertions are made on the spot; clocks differ. */
const ageMaxS = 300
const leewayS = 30
const jtiMax = 256

/**
 * Checks the token by which a confidential app proves itself; that its `jti` is new is the caller's.
 * Throws ClientError. RFC 7523, section 3.
 */
export function verifyClientAssertion(
  assertion: string,
  checks: { clientId: string; issuer: string; keys: readonly Jwk[]; nowMs: number },
): ClientAssertion {
  const jwt = parseJwt(assertion)
  if (!jwt || jwt.header.crit !== undefined) throw new ClientError('Malformed client assertion')
  const { iss, sub, aud, jti, iat, exp, nbf } = jwt.payload
  if (iss !== checks.clientId || sub !== checks.clientId)
    throw new ClientError('The client assertion is of another client')
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(checks.issuer))
    throw new ClientError('The client assertion is for another server')
  if (typeof jti !== 'string' || jti === '' || jti.length > jtiMax)
    throw new ClientError('The client assertion has no jti')
  const nowS = checks.nowMs / 1000
  if (typeof iat !== 'number' || iat > nowS + leewayS || iat < nowS - ageMaxS)
    throw new ClientError('The client assertion was not made just now')
  if (exp !== undefined && (typeof exp !== 'number' || exp < nowS - leewayS))
    throw new ClientError('The client assertion is expired')
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > nowS + leewayS))
    throw new ClientError('The client assertion is not valid yet')
  const { kid, alg } = jwt.header
  const fits = checks.keys.filter(
    (key) => key.alg === alg && (kid === undefined || key.kid === kid),
  )
  const signer = fits.find(
    ({ key }) =>
      jwt.signature.length === 64 && key.verify(jwt.signed, lowestS(key.curve, jwt.signature)),
  )
  if (!signer) throw new ClientError("The client assertion is by none of the client's keys")
  const expiresMs = (iat + ageMaxS + leewayS) * 1000
  return {
    kid: signer.kid,
    alg: signer.alg,
    jkt: signer.thumbprint,
    jti,
    issuedMs: iat * 1000,
    expiresMs,
  }
}
