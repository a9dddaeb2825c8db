/**
 * The key to one's own name, in the browser: made here, read here, locked here. What leaves are its public
 * half, signatures, and what only a passkey can open.
 */
import {
  proveKey,
  RECOVERY_SECRET_BYTES,
  recoveryKey,
  recoverySheet,
  type SheetWord,
  signPlcOperation,
  type UnsignedPlcOperation,
  unwrapRecoverySecret,
  type WrappedRecoveryKey,
  wrapRecoverySecret,
} from 'falaj/protocol/identity'
import type { Did } from 'falaj/protocol/syntax'

export type OwnProof = ReturnType<typeof proveKey>

export interface OwnKey {
  secret: Uint8Array
  /** did:key: the public half. */
  didKey: string
  words: SheetWord[]
}

/** A key nobody had before. */
export const makeOwnKey = (): OwnKey => ownKeyOf(random(RECOVERY_SECRET_BYTES))

export function ownKeyOf(secret: Uint8Array): OwnKey {
  const { didKey } = recoveryKey(secret).publicKey
  return { secret, didKey, words: recoverySheet(secret) }
}

/** What shows that one holds the key. */
export const proofOf = ({ secret }: OwnKey, did: Did): OwnProof =>
  proveKey(recoveryKey(secret), did, Date.now())

/** The key's signature of an operation: all that leaves. */
export const signedBy = ({ secret }: OwnKey, operation: UnsignedPlcOperation): string =>
  signPlcOperation(operation, recoveryKey(secret)).sig

/** Whether this browser might lock a copy with a passkey; whether the passkey can, only it knows. */
export const mayLock = (): boolean =>
  typeof PublicKeyCredential === 'function' && typeof crypto.subtle === 'object'

/**
 * Makes a passkey and locks a copy of the key by its secret. Undefined when the passkey has none, or
 * the person changed their mind. It is not one to sign in with: it stands for this copy alone.
 */
export async function lockWithPasskey(
  { secret }: OwnKey,
  did: Did,
  name: string,
): Promise<WrappedRecoveryKey | undefined> {
  const salt = random(32)
  const made = await quietly(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: location.host },
        // Never the account's own: a passkey for signing in must not be overwritten.
        user: { id: random(32), name, displayName: name },
        challenge: random(32),
        pubKeyCredParams: [
          { type: 'public-key', alg: -7 },
          { type: 'public-key', alg: -257 },
        ],
        authenticatorSelection: { residentKey: 'discouraged', userVerification: 'required' },
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  )
  if (!(made instanceof PublicKeyCredential)) return undefined
  const said = made.getClientExtensionResults().prf
  if (!said?.enabled) return undefined
  const credentialId = base64url(new Uint8Array(made.rawId))
  const prf = bytesOf(said.results?.first) ?? (await askPasskey(credentialId, salt))
  if (prf === undefined) return undefined
  const { subtle } = crypto
  return wrapRecoverySecret(secret, { did, credentialId, salt, prf, subtle, random })
}

/** Opens a copy. Undefined when the passkey does not, or the person changed their mind. */
export async function openWithPasskey(
  wrapped: WrappedRecoveryKey,
  did: Did,
): Promise<OwnKey | undefined> {
  const prf = await askPasskey(wrapped.credentialId, fromBase64url(wrapped.salt))
  if (prf === undefined) return undefined
  try {
    return ownKeyOf(await unwrapRecoverySecret(wrapped, { did, prf, subtle: crypto.subtle }))
  } catch {
    return undefined
  }
}

async function askPasskey(
  credentialId: string,
  salt: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array | undefined> {
  const got = await quietly(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(32),
        allowCredentials: [{ type: 'public-key', id: fromBase64url(credentialId) }],
        userVerification: 'required',
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  )
  if (!(got instanceof PublicKeyCredential)) return undefined
  return bytesOf(got.getClientExtensionResults().prf?.results?.first)
}

/** Browsers throw when a person says no. */
async function quietly<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch {
    return undefined
  }
}

function bytesOf(source: BufferSource | undefined): Uint8Array | undefined {
  if (source === undefined) return undefined
  return source instanceof ArrayBuffer
    ? new Uint8Array(source)
    : new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
}

const random = (byteCount: number): Uint8Array<ArrayBuffer> =>
  crypto.getRandomValues(new Uint8Array(byteCount))

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

const fromBase64url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0))

/** Three places of a sheet, counted from 1, in order: which words are asked for again. */
export function placesToAsk(count: number): number[] {
  const places = new Set<number>()
  while (places.size < 3) places.add(1 + (random(1)[0]! % count))
  return [...places].sort((a, b) => a - b)
}

/** Whether what was typed is this word, by its letters or its number. */
export function isWord(typed: string, { word, code }: SheetWord): boolean {
  const plain = typed
    .normalize('NFKC')
    .replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) & 15))
    .trim()
    .toLowerCase()
  return plain === word || plain === code || (plain.length === 4 && word.startsWith(plain))
}
