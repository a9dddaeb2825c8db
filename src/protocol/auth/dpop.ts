import { base64url, sha256 } from '#protocol/crypto'
import { type Jwk, parseJwk } from './jwk.ts'
import { bytesOf, decodePart, splitToken, tokenBytes } from './jwt.ts'
import { lowestS } from './low-s.ts'

/** What a proof says, once its signature and its request are found to fit. */
export interface DpopProof {
  /** Name of the key that made it: what tokens are bound to. */
  jkt: string
  /** Random; a proof is good once. */
  jti: string
  /** What the server gave out, if the client has any. */
  nonce: string | undefined
}

export interface DpopChecks {
  method: string
  /** Where the request went, without query and fragment. */
  url: string
  /** The access token that goes with it, or undefined where there is none. */
  accessToken: string | undefined
}

/** A proof that does not prove what it should. The message may be shown. */
export class DpopError extends Error {
  override readonly name = 'DpopError'
}

const jtiMax = 256
/** Heads of proofs whose key was read: a client sends the same one with each request. */
const headsMax = 10_000

/** A reader of proofs that remembers the keys it saw. */
export function createDpopReader(): (proof: string, checks: DpopChecks) => DpopProof {
  const heads = new Map<string, Jwk>()
  const keyOf = (head: string): Jwk => {
    const known = heads.get(head)
    if (known) return known
    const jwk = readHead(head)
    if (heads.size >= headsMax) heads.delete(heads.keys().next().value!)
    heads.set(head, jwk)
    return jwk
  }
  return (proof, checks) => readProof(proof, checks, keyOf)
}

/**
 * Checks a proof of possession: form, key, signature, method, address, token. Whether its nonce is
 * current and its `jti` new is the caller's. Throws DpopError. RFC 9449, section 4.3.
 */
function readProof(
  proof: string,
  { method, url, accessToken }: DpopChecks,
  keyOf: (head: string) => Jwk,
): DpopProof {
  const parts = splitToken(proof)
  if (!parts) throw new DpopError('The DPoP proof is not a token')
  const payload = decodePart(parts.payload)
  if (!payload) throw new DpopError('The DPoP proof has no claims')
  const { jti, htm, htu, ath, nonce, iat } = payload
  if (typeof jti !== 'string' || jti === '' || jti.length > jtiMax) throw new DpopError('No jti')
  if (typeof iat !== 'number') throw new DpopError('No iat')
  if (htm !== method) throw new DpopError('DPoP htm mismatch')
  if (typeof htu !== 'string' || !isSameUrl(htu, url)) throw new DpopError('DPoP htu mismatch')
  if (nonce !== undefined && typeof nonce !== 'string') throw new DpopError('Malformed nonce')
  if (accessToken !== undefined && ath !== hashOf(accessToken))
    throw new DpopError('DPoP ath mismatch')
  const { key, thumbprint } = keyOf(parts.header)
  const signature = bytesOf(parts.signature)
  const isSigned =
    signature?.length === 64 && key.verify(tokenBytes(parts.signed), lowestS(key.curve, signature))
  if (!isSigned) throw new DpopError('The DPoP proof has a wrong signature')
  return { jkt: thumbprint, jti, nonce }
}

function readHead(part: string): Jwk {
  const head = decodePart(part)
  if (head?.typ !== 'dpop+jwt') throw new DpopError('Not a DPoP proof')
  if (head.crit !== undefined) throw new DpopError('Unknown critical extension')
  const jwk = parseJwk(head.jwk)
  if (!jwk || jwk.alg !== head.alg) throw new DpopError('The DPoP key is none that is taken here')
  return jwk
}

function isSameUrl(htu: string, url: string): boolean {
  if (htu === url) return true
  try {
    const given = new URL(htu)
    // RFC 9449 compares without query and fragment, after normalisation.
    return given.origin !== 'null' && `${given.origin}${given.pathname}` === new URL(url).href
  } catch {
    return false
  }
}

const hashOf = (text: string) => base64url(sha256(tokenBytes(text)))
