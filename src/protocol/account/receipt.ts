/** Receipts of moves and rescues, signed by the key that the account has at its new host. */
import { base64url, fromBase64url, type PublicKey, type SigningKey } from '#protocol/crypto'
import { encodeCbor } from '#protocol/data'
import type { MoveReceipt } from './move-state.ts'

export interface Signature {
  /** did:key that signed it: the one that the DID document names for the account's commits. */
  signedBy: string
  /** Over the DAG-CBOR of everything else; base64url. */
  sig: string
}

export type SignedReceipt = MoveReceipt & Signature

/** Signs a receipt. */
export function signReceipt<R extends object>(receipt: R, key: SigningKey): R & Signature {
  const signedBy = key.publicKey.didKey
  const sig = base64url(key.sign(signedBytes({ ...receipt, signedBy })))
  return { ...receipt, signedBy, sig }
}

/** Whether this key signed exactly this receipt. */
export function verifyReceipt({ sig, ...rest }: object & Signature, key: PublicKey): boolean {
  try {
    return rest.signedBy === key.didKey && key.verify(signedBytes(rest), fromBase64url(sig))
  } catch {
    return false
  }
}

/** JSON and back, so that what is absent and what is undefined are the same. */
const signedBytes = (receipt: object) => encodeCbor(JSON.parse(JSON.stringify(receipt)))
