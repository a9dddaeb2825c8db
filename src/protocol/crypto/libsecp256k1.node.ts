import { hash } from 'node:crypto'
import { createRequire } from 'node:module'
import {
  checkPointForm,
  checkScalar,
  invalidKey,
  isLowS,
  type PublicKey,
  type SigningKey,
} from './curve.ts'
import { PointKey } from './did-key.ts'

type Libsecp256k1 = Pick<
  typeof import('secp256k1'),
  'ecdsaSign' | 'ecdsaVerify' | 'publicKeyConvert' | 'publicKeyCreate'
>

/** The K-256 keys of libsecp256k1. */
export interface NativeKeys {
  importPoint(point: Uint8Array, multikey?: string): PublicKey
  importScalar(scalar: Uint8Array): SigningKey
}

/**
 * The native library, or undefined on machines it was not built for. Its bindings are asked for by
 * name: the package's own entry would turn to slow JavaScript without a word.
 */
export function loadNativeKeys(): NativeKeys | undefined {
  let library: Libsecp256k1
  try {
    library = createRequire(import.meta.url)('secp256k1/bindings.js') as Libsecp256k1
  } catch {
    return undefined
  }
  return {
    importPoint: (point, multikey) => new NativePublicKey(library, point, multikey),
    importScalar: (scalar) => new NativeSigningKey(library, scalar),
  }
}

function sha256(message: Uint8Array): Uint8Array {
  return hash('sha256', message, 'buffer')
}

class NativePublicKey extends PointKey {
  readonly #library: Libsecp256k1
  /** Not compressed, so that no verification takes the root again. */
  readonly #point: Uint8Array

  constructor(library: Libsecp256k1, point: Uint8Array, multikey?: string) {
    checkPointForm(point)
    super('k256', point, multikey)
    this.#library = library
    try {
      this.#point = library.publicKeyConvert(point, false)
    } catch (cause) {
      throw invalidKey('not a point of k256', cause)
    }
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    if (!isLowS('k256', signature)) return false
    try {
      return this.#library.ecdsaVerify(signature, sha256(message), this.#point)
    } catch {
      // r or s out of range: the library throws where it should say no.
      return false
    }
  }
}

class NativeSigningKey implements SigningKey {
  readonly publicKey: PublicKey
  readonly #library: Libsecp256k1
  readonly #scalar: Uint8Array

  constructor(library: Libsecp256k1, scalar: Uint8Array) {
    checkScalar('k256', scalar)
    this.#library = library
    this.#scalar = new Uint8Array(scalar)
    this.publicKey = new NativePublicKey(library, library.publicKeyCreate(this.#scalar))
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#library.ecdsaSign(sha256(message), this.#scalar).signature
  }

  export(): Uint8Array {
    return this.#scalar.slice()
  }
}
