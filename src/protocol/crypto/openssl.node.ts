import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  sign as createSignature,
  type KeyObject,
  verify as verifySignature,
} from 'node:crypto'
import {
  type Curve,
  checkPointForm,
  checkScalar,
  invalidKey,
  isLowS,
  lowerS,
  type PublicKey,
  type SigningKey,
} from './curve.ts'
import { compactToDer, derToCompact } from './der.ts'
import { PointKey } from './did-key.ts'
import { fromHex } from './rfc4648.ts'

const NAME: Record<Curve, string> = { k256: 'secp256k1', p256: 'prime256v1' }

/** What stands before a compressed point in a SubjectPublicKeyInfo (RFC 5480). */
const SPKI_HEAD: Record<Curve, Uint8Array> = {
  k256: fromHex('3036301006072a8648ce3d020106052b8104000a032200'),
  p256: fromHex('3039301306072a8648ce3d020106082a8648ce3d030107032200'),
}

/** What stands before and after the scalar in an ECPrivateKey without its public key (RFC 5915). */
const SEC1_HEAD: Record<Curve, Uint8Array> = {
  k256: fromHex('302e0201010420'),
  p256: fromHex('30310201010420'),
}
const SEC1_TAIL: Record<Curve, Uint8Array> = {
  k256: fromHex('a00706052b8104000a'),
  p256: fromHex('a00a06082a8648ce3d030107'),
}

/** A public key that OpenSSL verifies with. Throws 'InvalidKey' when it is not a point of the curve. */
export function importOpensslPoint(curve: Curve, point: Uint8Array, multikey?: string): PublicKey {
  checkPointForm(point)
  let key: KeyObject
  try {
    const der = Buffer.concat([SPKI_HEAD[curve], point])
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch (cause) {
    throw invalidKey(`not a point of ${curve}`, cause)
  }
  return new OpensslPublicKey(curve, point, key, multikey)
}

/** A private key that OpenSSL signs with. Throws 'InvalidKey' when it is not in range. */
export function importOpensslScalar(curve: Curve, scalar: Uint8Array): SigningKey {
  checkScalar(curve, scalar)
  const der = Buffer.concat([SEC1_HEAD[curve], scalar, SEC1_TAIL[curve]])
  const key = createPrivateKey({ key: der, format: 'der', type: 'sec1' })
  const exchange = createECDH(NAME[curve])
  exchange.setPrivateKey(scalar)
  const point = new Uint8Array(exchange.getPublicKey(null, 'compressed'))
  const publicKey = new OpensslPublicKey(curve, point, createPublicKey(key))
  return new OpensslSigningKey(publicKey, new Uint8Array(scalar), key)
}

class OpensslPublicKey extends PointKey {
  readonly #key: KeyObject

  constructor(curve: Curve, point: Uint8Array, key: KeyObject, multikey?: string) {
    super(curve, point, multikey)
    this.#key = key
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    if (!isLowS(this.curve, signature)) return false
    return verifySignature('sha256', message, this.#key, compactToDer(signature))
  }
}

class OpensslSigningKey implements SigningKey {
  readonly publicKey: PublicKey
  readonly #scalar: Uint8Array
  readonly #key: KeyObject

  constructor(publicKey: PublicKey, scalar: Uint8Array, key: KeyObject) {
    this.publicKey = publicKey
    this.#scalar = scalar
    this.#key = key
  }

  sign(message: Uint8Array): Uint8Array {
    const signature = derToCompact(createSignature('sha256', message, this.#key))
    return lowerS(this.publicKey.curve, signature)
  }

  export(): Uint8Array {
    return this.#scalar.slice()
  }
}
