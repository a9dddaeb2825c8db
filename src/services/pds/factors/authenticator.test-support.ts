/** An authenticator in software, for tests: makes passkeys and uses them, as WebAuthn says. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

interface Options {
  challenge: string
  rpId?: string
  rp?: { id: string }
  user?: { id: string }
}

interface Credential {
  id: string
  rpId: string
  userHandle: string
  privateKey: KeyObject
  count: number
}

export interface Bend {
  origin?: string
  challenge?: string
  /** Without the person's finger or PIN. */
  unverified?: boolean
  /** Another key signs. */
  forged?: boolean
  rpId?: string
  count?: number
}

const UP = 0x01
const UV = 0x04
const AT = 0x40

export class Authenticator {
  readonly #origin: string
  readonly credentials: Credential[] = []

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Answers `navigator.credentials.create`. */
  create(options: Options, bend: Bend = {}): string {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x, y } = publicKey.export({ format: 'jwk' })
    const idBytes = createHash('sha256').update(String(x)).digest()
    const rpId = options.rp!.id
    const id = idBytes.toString('base64url')
    const credential = { id, rpId, userHandle: options.user!.id, privateKey, count: 0 }
    this.credentials.push(credential)
    // CBOR of {1: 2, 3: -7, -1: 1, -2: x, -3: y}: a P-256 key for ES256.
    const cose = Buffer.concat([
      Buffer.from('a5010203262001215820', 'hex'),
      Buffer.from(x!, 'base64url'),
      Buffer.from('225820', 'hex'),
      Buffer.from(y!, 'base64url'),
    ])
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, 32]), idBytes, cose])
    const data = this.#data(credential, AT | flags(bend), bend, attested)
    // CBOR of {fmt: "none", attStmt: {}, authData: bytes}.
    const head = Buffer.from([0x58, data.length])
    const object = Buffer.concat([
      Buffer.from('a363666d74646e6f6e656761747453746d74a0686175746844617461', 'hex'),
      head,
      data,
    ])
    return JSON.stringify({
      ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
      response: {
        clientDataJSON: this.#client('webauthn.create', options, bend),
        attestationObject: object.toString('base64url'),
        transports: ['internal'],
      },
    })
  }

  /** Answers `navigator.credentials.get` with one of its passkeys. */
  use(options: Options, bend: Bend = {}, credential = this.credentials[0]!): string {
    credential.count = bend.count ?? credential.count + 1
    const data = this.#data(credential, flags(bend), bend)
    const client = this.#client('webauthn.get', options, bend)
    const hash = createHash('sha256').update(Buffer.from(client, 'base64url')).digest()
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const key = bend.forged ? other : credential.privateKey
    const { id, userHandle } = credential
    return JSON.stringify({
      ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
      response: {
        clientDataJSON: client,
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', Buffer.concat([data, hash]), key).toString('base64url'),
        userHandle,
      },
    })
  }

  #data({ rpId, count }: Credential, flagBits: number, bend: Bend, rest = Buffer.alloc(0)): Buffer {
    const head = Buffer.alloc(37)
    createHash('sha256')
      .update(bend.rpId ?? rpId)
      .digest()
      .copy(head)
    head[32] = flagBits
    head.writeUInt32BE(count, 33)
    return Buffer.concat([head, rest])
  }

  #client(type: string, { challenge }: Options, bend: Bend): string {
    const origin = bend.origin ?? this.#origin
    const data = { type, challenge: bend.challenge ?? challenge, origin, crossOrigin: false }
    return Buffer.from(JSON.stringify(data)).toString('base64url')
  }
}

const flags = (bend: Bend): number => UP | (bend.unverified ? 0 : UV)
