/** A recovery secret locked with a passkey: what is kept elsewhere opens nothing without it. */
import { base64url, fromBase64url } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'
import { RECOVERY_SECRET_BYTES } from './recovery-key.ts'

/** What of WebCrypto is used: any browser's `crypto.subtle`, and Node's. */
export type Subtle = Pick<SubtleCrypto, 'importKey' | 'deriveKey' | 'encrypt' | 'decrypt'>

/** A locked secret, as it may be kept by anybody. */
export interface WrappedRecoveryKey {
  version: 1
  /** Identifier of the passkey, base64url. */
  credentialId: string
  /** What the passkey is asked with (WebAuthn PRF), base64url, 32 bytes. */
  salt: string
  /** 12 bytes, base64url. */
  nonce: string
  /** AES-GCM of the secret and its tag, base64url, 32 bytes. */
  sealed: string
}

const SALT_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** A passkey's answer has 32 bytes; fewer are none. */
const PRF_BYTES = 32
/** WebAuthn allows identifiers of 1,023 bytes. */
const CREDENTIAL_ID_MAX = 1_364

/** Locks a secret. `prf` is the passkey's answer to `salt`; `random` gives so many unpredictable bytes. */
export async function wrapRecoverySecret(
  secret: Uint8Array,
  options: {
    did: Did
    credentialId: string
    salt: Uint8Array
    prf: Uint8Array
    subtle: Subtle
    random: (byteCount: number) => Uint8Array
  },
): Promise<WrappedRecoveryKey> {
  const { did, credentialId, salt, prf, subtle } = options
  const nonce = options.random(NONCE_BYTES)
  const key = await wrappingKey(subtle, prf, salt, 'encrypt')
  const sealed = await subtle.encrypt(algorithm(nonce, did), key, source(secret))
  return {
    version: 1,
    credentialId,
    salt: base64url(salt),
    nonce: base64url(nonce),
    sealed: base64url(new Uint8Array(sealed)),
  }
}

/** Opens what `wrapRecoverySecret` locked. Throws 'WrongPasskey' when this passkey did not lock it. */
export async function unwrapRecoverySecret(
  wrapped: WrappedRecoveryKey,
  { did, prf, subtle }: { did: Did; prf: Uint8Array; subtle: Subtle },
): Promise<Uint8Array> {
  const { salt, nonce, sealed } = parseWrappedRecoveryKey(wrapped)
  const key = await wrappingKey(subtle, prf, fromBase64url(salt), 'decrypt')
  try {
    const opened = await subtle.decrypt(
      algorithm(fromBase64url(nonce), did),
      key,
      source(fromBase64url(sealed)),
    )
    return new Uint8Array(opened)
  } catch (cause) {
    throw new ProtocolError('WrongPasskey', 'this passkey does not open the key', { cause })
  }
}

/** Checks the form, whoever kept it. Throws 'InvalidWrappedKey'. */
export function parseWrappedRecoveryKey(value: unknown): WrappedRecoveryKey {
  const { version, credentialId, salt, nonce, sealed } = (value ?? {}) as Record<string, unknown>
  const isRight =
    version === 1 &&
    isBytes(credentialId) &&
    (credentialId as string).length <= CREDENTIAL_ID_MAX &&
    isBytes(salt, SALT_BYTES) &&
    isBytes(nonce, NONCE_BYTES) &&
    isBytes(sealed, RECOVERY_SECRET_BYTES + TAG_BYTES)
  if (!isRight) throw new ProtocolError('InvalidWrappedKey', 'not a locked recovery key')
  return { version, credentialId, salt, nonce, sealed } as WrappedRecoveryKey
}

function isBytes(text: unknown, length?: number): boolean {
  if (typeof text !== 'string' || text === '') return false
  try {
    const bytes = fromBase64url(text)
    return length === undefined || bytes.length === length
  } catch {
    return false
  }
}

async function wrappingKey(
  subtle: Subtle,
  prf: Uint8Array,
  salt: Uint8Array,
  use: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  if (prf.length < PRF_BYTES || salt.length !== SALT_BYTES)
    throw new ProtocolError('InvalidWrappedKey', 'the passkey gave no secret of 32 bytes')
  const base = await subtle.importKey('raw', source(prf), 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('falaj recovery key wrap 1')
  return subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: source(salt), info },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    [use],
  )
}

/** The account is part of what is sealed: a locked key of one is not taken for another's. */
const algorithm = (nonce: Uint8Array, did: Did) => ({
  name: 'AES-GCM',
  iv: source(nonce),
  additionalData: new TextEncoder().encode(did),
})

/** A copy that WebCrypto takes: never shared memory. */
const source = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)
