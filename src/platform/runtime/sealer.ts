/** Encryption of small secrets at rest: AES-256-GCM, bound to what they are for. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

export interface Sealer {
  /** Encrypts; opening needs the same `purpose`, so that sealed values cannot be swapped. */
  seal(bytes: Uint8Array, purpose: string): Uint8Array
  /** Decrypts. Throws SealError when the key, the purpose or the bytes are not the ones sealed. */
  open(sealed: Uint8Array, purpose: string): Uint8Array
}

/** What was sealed cannot be opened: the wrong key, or changed bytes. */
export class SealError extends Error {
  constructor(purpose: string) {
    super(`cannot open the sealed value for ${purpose}`)
    this.name = 'SealError'
  }
}

const VERSION = 1
const KEY_BYTES = 32
const NONCE_BYTES = 12 // random; safe for 2^32 values under one key
const TAG_BYTES = 16
const HEAD_BYTES = 1 + NONCE_BYTES

/** Seals under a 32-byte key. Layout: version 1, nonce 12, ciphertext, tag 16. */
export function sealer(key: Uint8Array): Sealer {
  if (key.length !== KEY_BYTES) throw new Error(`a sealing key has ${KEY_BYTES} bytes`)
  return {
    seal(bytes, purpose) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(Buffer.from(purpose))
      const head = Buffer.concat([Buffer.of(VERSION), nonce])
      return Buffer.concat([head, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, purpose) {
      if (sealed.length < HEAD_BYTES + TAG_BYTES || sealed[0] !== VERSION)
        throw new SealError(purpose)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEAD_BYTES))
        decipher.setAAD(Buffer.from(purpose))
        decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
        const inner = sealed.subarray(HEAD_BYTES, -TAG_BYTES)
        return Buffer.concat([decipher.update(inner), decipher.final()])
      } catch {
        throw new SealError(purpose)
      }
    },
  }
}
