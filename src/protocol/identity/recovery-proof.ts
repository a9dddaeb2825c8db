/** That somebody holds a key, shown by a signature. */
import { base64url, fromBase64url, parseDidKey, type SigningKey } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'

/** What is sent to show that one holds a key. */
export interface KeyProof {
  /** did:key */
  key: string
  /** When, ISO 8601. */
  at: string
  /** 64 bytes, base64url. */
  signature: string
}

const message = (did: Did, at: string): Uint8Array =>
  new TextEncoder().encode(`falaj recovery key check ${did} ${at}`)

/** Signs that the key was held for an account at a time. */
export function proveKey(key: SigningKey, did: Did, nowMs: number): KeyProof {
  const at = new Date(nowMs).toISOString()
  return { key: key.publicKey.didKey, at, signature: base64url(key.sign(message(did, at))) }
}

/** Whether the proof is by its key and for this account; whether its time is now is the caller's. */
export function verifyKeyProof({ key, at, signature }: KeyProof, did: Did): boolean {
  try {
    return parseDidKey(key).verify(message(did, at), fromBase64url(signature))
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
