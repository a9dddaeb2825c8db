/** Judging what another directory accepted, one operation after the other, as cheaply as it can be done surely. */
import { base32, cidForCbor } from '#protocol/crypto'
import { cidText, encodeCbor } from '#protocol/data'
import { type Did, ProtocolError, parseDatetime } from '#protocol/syntax'
import { isPlcDid } from './did-resolution.ts'
import { plcRotationKeys } from './plc-document.ts'
import { applyPlcOperation, type PlcLogEntry } from './plc-log.ts'
import {
  type AnyPlcOperation,
  DID_CHARACTERS,
  parsePlcOperation,
  signatureBytes,
  verifies,
} from './plc-operation.ts'

/** A line of a directory's export by seq, and a message of its stream. Its operation is not checked. */
export interface SequencedPlcEntry {
  seq: number
  did: Did<'plc'>
  /** What the directory says it is. */
  cid: string
  /** ISO 8601, as the directory has it. */
  createdAt: string
  operation: unknown
}

/** Why an operation does not count, in the order of the checks. A closed set: also metric labels. */
export const PLC_VERDICTS = [
  /** Not of the form of an operation. */
  'InvalidOperation',
  /** The directory names another hash than the operation has. */
  'CidMismatch',
  'InvalidSignature',
  /** A first operation that makes another DID. */
  'GenesisMismatch',
  /** It follows nothing that is in force. */
  'MisorderedOperation',
  /** Something else follows its prev, and its key does not rank above that one's. */
  'StalePrev',
  /** It takes back what is older than 72 hours. */
  'LateRecovery',
] as const
export type PlcVerdict = (typeof PLC_VERDICTS)[number]

export interface JudgedPlcOperation {
  operation: AnyPlcOperation
  cid: string
  /** CIDs of the operations it takes back, oldest first; nearly always none. */
  nullified: readonly string[]
}

/** What is in force of a DID, as far as the caller keeps it. */
export interface PlcLogInForce {
  /** The last entry in force. */
  last: PlcLogEntry
  /** Entries in force from the one with this CID on, oldest first; empty when there is none. */
  from(cid: string): Promise<PlcLogEntry[]>
}

/**
 * Reads a line of an export. Throws 'InvalidExport' when it cannot even be placed in the order: then
 * whoever sent it is no directory.
 */
export function parseSequencedPlcEntry(line: string): SequencedPlcEntry {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(line) as Record<string, unknown>
    const { seq, did, cid, createdAt, operation } = value
    if (!Number.isSafeInteger(seq) || (seq as number) < 1) throw invalidExport('no seq')
    if (!isPlcDid(did) || typeof cid !== 'string') throw invalidExport('no did or cid')
    if (typeof createdAt !== 'string') throw invalidExport('no time')
    return { seq: seq as number, did, cid, createdAt: parseDatetime(createdAt), operation }
  } catch (cause) {
    if (cause instanceof ProtocolError && cause.code === 'InvalidExport') throw cause
    throw invalidExport('not a line of JSON with a time')
  }
}

function invalidExport(problem: string): ProtocolError {
  return new ProtocolError('InvalidExport', `not a line of an export: ${problem}`)
}

/** A CID ends with the hash of what it names. */
const HASH_BYTES = 32

/** Keys whose signatures are counted, at most; then counting begins anew. */
const COUNTED_KEYS = 10_000

/**
 * Judges operations by the rules for history, as `verifyPlcLog` does. Nearly all of them begin a DID
 * or follow its last one: those cost one encoding and, as a rule, one verification, because the keys
 * that signed most so far are tried first. All others, and all refusals, are `applyPlcOperation`'s.
 */
export class PlcJudge {
  /** How often a key was the one that signed. */
  #signed = new Map<string, number>()

  /**
   * Whether the operation may follow what is in force (undefined: the DID is new). Throws
   * ProtocolError, its code a `PlcVerdict`.
   */
  async judge(
    { did, cid, createdAt, operation: unchecked }: SequencedPlcEntry,
    log: PlcLogInForce | undefined,
  ): Promise<JudgedPlcOperation> {
    const operation = parsePlcOperation(unchecked)
    const { content, whole } = plcOperationForms(operation)
    const name = cidForCbor(whole)
    if (cidText(name) !== cid)
      throw new ProtocolError('CidMismatch', 'the CID that the directory names is not its own')
    const plain =
      log === undefined
        ? this.#begins(did, operation, content, name)
        : this.#follows(log.last, operation, content, createdAt)
    if (plain) return { operation, cid, nullified: [] }
    const { prev } = operation
    const isAppended = log === undefined || prev === null || prev === log.last.cid
    const entries = isAppended ? [] : await log.from(prev)
    const known = entries.length > 0 || log === undefined ? entries : [log.last]
    const nowMs = Date.parse(createdAt)
    return { operation, ...applyPlcOperation(did, known, operation, nowMs) }
  }

  #begins(did: Did, operation: AnyPlcOperation, content: Uint8Array, cid: Uint8Array): boolean {
    if (operation.prev !== null) return false
    const made = base32(cid.subarray(-HASH_BYTES)).slice(0, DID_CHARACTERS)
    return did === `did:plc:${made}` && this.#isSigned(operation, operation, content)
  }

  #follows(
    last: PlcLogEntry,
    operation: AnyPlcOperation,
    content: Uint8Array,
    createdAt: string,
  ): boolean {
    return (
      operation.prev === last.cid &&
      last.operation.type !== 'plc_tombstone' &&
      Date.parse(createdAt) > Date.parse(last.createdAt) &&
      this.#isSigned(operation, last.operation, content)
    )
  }

  /** Whether any of the keys signed it: which one matters only where operations are taken back. */
  #isSigned({ sig }: AnyPlcOperation, by: AnyPlcOperation, content: Uint8Array): boolean {
    const keys = plcRotationKeys(by)
    const signature = signatureBytes(sig)
    if (signature === undefined) return false
    const counts = this.#signed
    const tried =
      keys.length < 2 ? keys : keys.toSorted((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
    const signer = tried.find((key) => verifies(key, content, signature))
    if (signer === undefined) return false
    if (counts.size >= COUNTED_KEYS) this.#signed = new Map()
    this.#signed.set(signer, (counts.get(signer) ?? 0) + 1)
    return true
  }
}

/** CBOR of the text `sig`, which DAG-CBOR's order by length puts before every other name there is. */
const SIG_NAME = Uint8Array.of(0x63, 0x73, 0x69, 0x67)

/** An operation's DAG-CBOR without and with its signature, for one encoding. */
export function plcOperationForms(operation: AnyPlcOperation): {
  content: Uint8Array
  whole: Uint8Array
} {
  const { sig, ...fields } = operation
  const content = encodeCbor(fields)
  const value = encodeCbor(sig)
  const whole = new Uint8Array(content.length + SIG_NAME.length + value.length)
  whole[0] = content[0]! + 1 // a map of fewer than 23 entries says their count in its first byte
  whole.set(SIG_NAME, 1)
  whole.set(value, 1 + SIG_NAME.length)
  whole.set(content.subarray(1), 1 + SIG_NAME.length + value.length)
  return { content, whole }
}
