/** Operations of did:plc: their forms, bytes, names and signatures. https://web.plc.directory/spec/v0.1/did-plc */
import {
  base32,
  base64url,
  cidForCbor,
  fromBase64url,
  type PublicKey,
  parseDidKey,
  type SigningKey,
  sha256,
} from '#protocol/crypto'
import { cidText, encodeCbor } from '#protocol/data'
import { type Did, ProtocolError } from '#protocol/syntax'

export interface PlcService {
  type: string
  endpoint: string
}

/** Creates (`prev` null) or updates a DID. Everything of the DID's state is said anew each time. */
export interface PlcOperation {
  type: 'plc_operation'
  /** did:keys that may change the DID, most powerful first. */
  rotationKeys: string[]
  /** did:keys by the fragment they have in the document, without `#`. */
  verificationMethods: Record<string, string>
  alsoKnownAs: string[]
  /** Services by the fragment they have in the document, without `#`. */
  services: Record<string, PlcService>
  /** CID text of the operation this one follows. */
  prev: string | null
  /** base64url without padding. */
  sig: string
}

/** Ends a DID, for good once 72 hours have passed. */
export interface PlcTombstone {
  type: 'plc_tombstone'
  prev: string
  sig: string
}

/** How DIDs were created until 2023: still the first operation of many. */
export interface PlcLegacyCreate {
  type: 'create'
  signingKey: string
  recoveryKey: string
  handle: string
  service: string
  prev: null
  sig: string
}

export type AnyPlcOperation = PlcOperation | PlcTombstone | PlcLegacyCreate
export type UnsignedPlcOperation = Omit<PlcOperation, 'sig'>
export type UnsignedPlcTombstone = Omit<PlcTombstone, 'sig'>
export type UnsignedPlcLegacyCreate = Omit<PlcLegacyCreate, 'sig'>
type Unsigned = UnsignedPlcOperation | UnsignedPlcTombstone | UnsignedPlcLegacyCreate

const FIELDS: Readonly<Record<AnyPlcOperation['type'], readonly string[]>> = {
  plc_operation: [
    'type',
    'rotationKeys',
    'verificationMethods',
    'alsoKnownAs',
    'services',
    'prev',
    'sig',
  ],
  plc_tombstone: ['type', 'prev', 'sig'],
  create: ['type', 'signingKey', 'recoveryKey', 'handle', 'service', 'prev', 'sig'],
}

/**
 * Checks the form of a signed operation of any age: exactly its fields, each of its type. The rules
 * for operations submitted today are stricter (`validatePlcOperation`). Throws 'InvalidOperation'.
 */
export function parsePlcOperation(value: unknown): AnyPlcOperation {
  const operation = record(value, 'an operation')
  const type = operation.type
  if (typeof type !== 'string' || !Object.hasOwn(FIELDS, type))
    throw invalidOperation('its type is none of plc_operation, plc_tombstone, create')
  const fields = FIELDS[type as AnyPlcOperation['type']]
  for (const field of fields)
    if (!Object.hasOwn(operation, field)) throw invalidOperation(`${field} is missing`)
  for (const field of Object.keys(operation))
    if (!fields.includes(field)) throw invalidOperation(`it has a field that does not belong`)
  text(operation.sig, 'sig')
  if (type === 'plc_operation') checkRegular(operation)
  else if (type === 'plc_tombstone') text(operation.prev, 'prev')
  else checkLegacy(operation)
  return operation as unknown as AnyPlcOperation
}

function checkRegular(operation: Record<string, unknown>): void {
  if (operation.prev !== null) text(operation.prev, 'prev')
  texts(operation.rotationKeys, 'rotationKeys')
  texts(operation.alsoKnownAs, 'alsoKnownAs')
  for (const key of named(operation.verificationMethods, 'verificationMethods'))
    text(key, 'a verification method')
  for (const entry of named(operation.services, 'services')) {
    const service = record(entry, 'a service')
    text(service.type, 'a service type')
    text(service.endpoint, 'a service endpoint')
    if (Object.keys(service).length !== 2)
      throw invalidOperation('a service has type and endpoint only')
  }
}

function checkLegacy(operation: Record<string, unknown>): void {
  for (const field of ['signingKey', 'recoveryKey', 'handle', 'service'])
    text(operation[field], field)
  if (operation.prev !== null) throw invalidOperation('prev of a create is null')
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw invalidOperation(`${what} is not an object`)
}

/** The values of a map whose names are text that JSON, CBOR and JavaScript all keep as it is. */
function named(value: unknown, what: string): unknown[] {
  const entries = record(value, what)
  for (const name of Object.keys(entries)) {
    text(name, `a name in ${what}`)
    if (name === '__proto__') throw invalidOperation(`a name in ${what} is not allowed`)
  }
  return Object.values(entries)
}

function texts(value: unknown, what: string): void {
  if (!Array.isArray(value)) throw invalidOperation(`${what} is not a list`)
  for (const entry of value) text(entry, `an entry of ${what}`)
}

/** Lone surrogates have no UTF-8: what is signed would differ from what is shown. */
function text(value: unknown, what: string): void {
  if (typeof value !== 'string' || !value.isWellFormed())
    throw invalidOperation(`${what} is not text`)
}

/** The error for an operation whose form or content breaks the rules. */
export function invalidOperation(problem: string): ProtocolError {
  return new ProtocolError('InvalidOperation', `not a valid operation: ${problem}`)
}

/** Signs an operation: the signature is of its DAG-CBOR without `sig`. */
export function signPlcOperation<T extends Unsigned>(
  unsigned: T,
  key: SigningKey,
): T & { sig: string } {
  const { sig: _, ...content } = unsigned as T & { sig?: string }
  return { ...unsigned, sig: base64url(key.sign(encodeCbor(content))) }
}

/** A key that signs operations, here or elsewhere. */
export interface PlcSigner {
  readonly publicKey: PublicKey
  /** Signature of the message's SHA-256: 64 bytes r and s, s in the lower half. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** As `signPlcOperation`, by a key that may be elsewhere. */
export async function signPlcOperationBy<T extends Unsigned>(
  unsigned: T,
  signer: PlcSigner,
): Promise<T & { sig: string }> {
  const { sig: _, ...content } = unsigned as T & { sig?: string }
  return { ...unsigned, sig: base64url(await signer.sign(encodeCbor(content))) }
}

/** The operation's DAG-CBOR with its signature: the bytes that its CID and a genesis' DID name. */
export function plcOperationBytes(operation: AnyPlcOperation): Uint8Array {
  return encodeCbor(operation)
}

/** CID text of a signed operation, as the next one's `prev` names it. */
export function plcOperationCid(operation: AnyPlcOperation): string {
  return cidText(cidForCbor(plcOperationBytes(operation)))
}

/** Base32 characters of the genesis' hash that make the DID: 120 of 256 bits. */
export const DID_CHARACTERS = 24

/** The DID that a signed first operation creates. */
export function plcDid(genesis: PlcOperation | PlcLegacyCreate): Did<'plc'> {
  const digest = base32(sha256(plcOperationBytes(genesis)))
  return `did:plc:${digest.slice(0, DID_CHARACTERS)}`
}

/**
 * Which of the did:keys signed the operation: its place in the list, or -1. Signatures in any other
 * encoding than the one (64 bytes, low S, base64url without padding or stray bits) count as none,
 * else an operation could get a second CID without a key. Keys that cannot be read sign nothing.
 */
export function plcSignerIndex(operation: AnyPlcOperation, keys: readonly string[]): number {
  const { sig, ...content } = operation
  const signature = signatureBytes(sig)
  if (signature === undefined) return -1
  const message = encodeCbor(content)
  return keys.findIndex((key) => verifies(key, message, signature))
}

/** base64url of 64 bytes. */
const SIGNATURE = /^[A-Za-z0-9_-]{86}$/

/** The signature of 64 bytes, when its text is their only encoding. */
export function signatureBytes(sig: string): Uint8Array | undefined {
  if (!SIGNATURE.test(sig)) return undefined
  try {
    return fromBase64url(sig)
  } catch {
    return undefined // stray bits behind the last byte
  }
}

/** Whether the did:key made the signature; a key that cannot be read made none. */
export function verifies(key: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return parseDidKey(key).verify(message, signature)
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
