/** What a directory accepts today. Stricter than what old logs contain. */
import { fromBase58btc, parseDidKey } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import type { PlcState } from './plc-document.ts'
import {
  type AnyPlcOperation,
  invalidOperation,
  type PlcOperation,
  type PlcTombstone,
  parsePlcOperation,
  plcOperationBytes,
} from './plc-operation.ts'

/** Bytes, counts and characters. The first two are the specification's, the rest plc.directory's. */
export const PLC_LIMITS = {
  rotationKeys: 5,
  verificationMethods: 10,
  /** DAG-CBOR of the whole operation; the specification allows 7,500, plc.directory takes this. */
  operationBytes: 4_000,
  alsoKnownAs: 10,
  /** `at://` and the longest domain name. */
  alsoKnownAsLength: 5 + 253,
  services: 10,
  idLength: 32,
  serviceTypeLength: 256,
  serviceEndpointLength: 512,
  didKeyLength: 256,
} as const

/**
 * Checks an operation somebody submits: its form, its counts and lengths, its keys. Whether it fits
 * the DID's log is `applyPlcOperation`'s to say. Legacy creates are history and refused. Throws
 * 'InvalidOperation'.
 */
export function validatePlcOperation(value: unknown): PlcOperation | PlcTombstone {
  const operation = parsePlcOperation(value)
  if (operation.type === 'create') throw invalidOperation('the legacy create is no longer accepted')
  if (operation.prev !== null) checkPrev(operation.prev)
  if (operation.type === 'plc_operation') {
    checkRotationKeys(operation.rotationKeys)
    checkVerificationMethods(operation.verificationMethods)
    checkAlsoKnownAs(operation.alsoKnownAs)
    checkServices(operation.services)
  }
  checkSize(operation)
  return operation
}

/**
 * Checks what an identity is to say, without its rotation keys: for documents of domains, held to the
 * same limits. Throws 'InvalidOperation'.
 */
export function validatePlcState(state: Omit<PlcState, 'rotationKeys'>): void {
  const form = { type: 'plc_operation', rotationKeys: [], prev: null, sig: '', ...state }
  const operation = parsePlcOperation(form) as PlcOperation
  checkVerificationMethods(operation.verificationMethods)
  checkAlsoKnownAs(operation.alsoKnownAs)
  checkServices(operation.services)
  checkSize(operation)
}

function checkSize(operation: AnyPlcOperation): void {
  const size = plcOperationBytes(operation).length
  if (size > PLC_LIMITS.operationBytes)
    throw invalidOperation(`${size} bytes of CBOR, at most ${PLC_LIMITS.operationBytes}`)
}

/** CIDv1, dag-cbor, sha-256, in base 32: the one form a `prev` may have. */
const OPERATION_CID = /^bafyrei[a-z2-7]{52}$/

function checkPrev(prev: string): void {
  if (!OPERATION_CID.test(prev)) throw invalidOperation('prev is not the CID of an operation')
}

function checkRotationKeys(keys: readonly string[]): void {
  if (keys.length === 0) throw invalidOperation('there must be a rotation key')
  atMost(keys.length, PLC_LIMITS.rotationKeys, 'rotationKeys')
  if (new Set(keys).size < keys.length) throw invalidOperation('a rotation key is there twice')
  for (const key of keys) {
    try {
      parseDidKey(key)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw invalidOperation('a rotation key is not a did:key of k256 or p256')
    }
  }
}

function checkVerificationMethods(methods: PlcOperation['verificationMethods']): void {
  const entries = Object.entries(methods)
  atMost(entries.length, PLC_LIMITS.verificationMethods, 'verificationMethods')
  for (const [id, key] of entries) {
    checkId(id)
    if (!isDidKeySyntax(key)) throw invalidOperation(`verification method ${id} is not a did:key`)
  }
}

const DID_KEY_BASE58 = 'did:key:z'

/** Verification methods may be keys of kinds we cannot use; only the encoding is checked. */
function isDidKeySyntax(key: string): boolean {
  if (!key.startsWith(DID_KEY_BASE58) || key.length > PLC_LIMITS.didKeyLength) return false
  if (key.length === DID_KEY_BASE58.length) return false
  try {
    return fromBase58btc(key.slice(DID_KEY_BASE58.length)).length > 0
  } catch {
    return false
  }
}

function checkAlsoKnownAs(names: readonly string[]): void {
  atMost(names.length, PLC_LIMITS.alsoKnownAs, 'alsoKnownAs')
  if (new Set(names).size < names.length)
    throw invalidOperation('an alsoKnownAs entry is there twice')
  for (const name of names) notLonger(name, PLC_LIMITS.alsoKnownAsLength, 'an alsoKnownAs entry')
}

function checkServices(services: PlcOperation['services']): void {
  const entries = Object.entries(services)
  atMost(entries.length, PLC_LIMITS.services, 'services')
  for (const [id, { type, endpoint }] of entries) {
    checkId(id)
    notLonger(type, PLC_LIMITS.serviceTypeLength, `the type of service ${id}`)
    notLonger(endpoint, PLC_LIMITS.serviceEndpointLength, `the endpoint of service ${id}`)
  }
}

function checkId(id: string): void {
  if (id === '') throw invalidOperation('an id is empty')
  notLonger(id, PLC_LIMITS.idLength, 'an id')
}

function atMost(count: number, limit: number, what: string): void {
  if (count > limit) throw invalidOperation(`${count} ${what}, at most ${limit}`)
}

function notLonger(text: string, limit: number, what: string): void {
  if (text.length > limit) throw invalidOperation(`${what} is longer than ${limit}`)
}
