/**
 * A certificate authority for tests, made anew each time: so that TLS is spoken as it is on the
 * network, and nothing has to be told to look away. RFC 5280, as little of it as is needed.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Certified {
  /** PEM, as `node:tls` takes them. */
  key: string
  cert: string
}

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  time: 0x18,
} as const

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  alternativeNames: '551d11',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
}

function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.from([tag, ...size]), content])
}

const sequence = (...parts: Uint8Array[]) => der(TAG.sequence, ...parts)
const oid = (hex: string) => der(TAG.oid, Buffer.from(hex, 'hex'))
const bits = (bytes: Uint8Array, unused = 0) => der(TAG.bits, Uint8Array.of(unused), bytes)
const name = (text: string) =>
  sequence(der(TAG.set, sequence(oid(OID.commonName), der(TAG.utf8, Buffer.from(text)))))
const time = (ms: number) =>
  der(TAG.time, Buffer.from(new Date(ms).toISOString().replaceAll(/[-T:]|\.\d+/g, '')))
const extension = (id: string, isCritical: boolean, content: Uint8Array) =>
  sequence(
    oid(id),
    ...(isCritical ? [der(TAG.boolean, Uint8Array.of(0xff))] : []),
    der(TAG.octets, content),
  )

const pem = (kind: string, bytes: Uint8Array) =>
  `-----BEGIN ${kind}-----\n${Buffer.from(bytes).toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${kind}-----\n`

const DAY_MS = 86_400_000
const SIGNATURE = sequence(oid(OID.ecdsaWithSha256))

/** Signs certificates for host names. */
export class CertificateAuthority {
  readonly #name: string
  readonly #key: KeyObject
  /** Its own certificate, as PEM: what those who trust it are given. */
  readonly certificate: string

  constructor(name = 'Certificates of a test') {
    this.#name = name
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    const isAuthority = sequence(der(TAG.boolean, Uint8Array.of(0xff)))
    const mayOnlySign = bits(Uint8Array.of(0b0000_0100), 2) // keyCertSign
    this.certificate = this.#issue(name, publicKey, [
      extension(OID.basicConstraints, true, isAuthority),
      extension(OID.keyUsage, true, mayOnlySign),
    ])
  }

  /** A key and a certificate for a server with these names. */
  certify(...names: string[]): Certified {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const dnsNames = names.map((one) => der(0x82, Buffer.from(one, 'ascii')))
    const cert = this.#issue(names[0]!, publicKey, [
      extension(OID.alternativeNames, false, sequence(...dnsNames)),
      extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
    ])
    return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert }
  }

  #issue(subject: string, publicKey: KeyObject, extensions: Uint8Array[]): string {
    const serial = randomBytes(16)
    serial[0] = (serial[0]! & 0x7f) | 0x40 // positive, and as long as it is
    const nowMs = Date.now()
    const certificate = sequence(
      der(0xa0, der(TAG.integer, Uint8Array.of(2))), // version 3
      der(TAG.integer, serial),
      SIGNATURE,
      name(this.#name),
      sequence(time(nowMs - DAY_MS), time(nowMs + DAY_MS)),
      name(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    )
    const signature = sign('sha256', certificate, this.#key)
    return pem('CERTIFICATE', sequence(certificate, SIGNATURE, bits(signature)))
  }
}
