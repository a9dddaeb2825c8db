/** The log of a did:plc: what may follow what, and whether a whole log is true. */
import { type Did, datetimeMs, ProtocolError, parseDatetime } from '#protocol/syntax'
import { type PlcData, plcData, plcRotationKeys } from './plc-document.ts'
import {
  type AnyPlcOperation,
  parsePlcOperation,
  plcDid,
  plcOperationCid,
  plcSignerIndex,
} from './plc-operation.ts'

/** An accepted operation, as a directory's audit log shows it. */
export interface PlcLogEntry {
  did: Did
  operation: AnyPlcOperation
  cid: string
  /** Whether a more powerful key took it back. */
  nullified: boolean
  /** When the directory accepted it, ISO 8601. */
  createdAt: string
}

/** How long a more powerful key may take operations back. */
export const PLC_RECOVERY_MS = 72 * 3_600_000

export interface AppliedPlcOperation {
  cid: string
  /** CIDs of the operations it takes back, oldest first; usually none. */
  nullified: string[]
  /** The did:key that signed it. */
  signer: string
}

/**
 * Decides whether an operation may follow. `log` holds the DID's entries that are not nullified,
 * oldest first; those before `operation.prev` may be left out; empty for a new DID. `nowMs` is when it is
 * accepted. Throws ProtocolError: 'InvalidSignature'; 'GenesisMismatch' (it makes another DID);
 * 'MisorderedOperation' (prev is unknown, nullified or a tombstone, or time runs backwards);
 * 'StalePrev' (something else follows prev already, and the signer does not rank above its signer);
 * 'LateRecovery' (it would take back what is older than 72 hours).
 */
export function applyPlcOperation(
  did: Did,
  log: readonly PlcLogEntry[],
  operation: AnyPlcOperation,
  nowMs: number,
): AppliedPlcOperation {
  if (log.length === 0) return applyGenesis(did, operation)
  const at = log.findLastIndex((entry) => entry.cid === operation.prev)
  const before = log[at]
  if (before === undefined) throw misordered('prev names no operation in force')
  if (before.operation.type === 'plc_tombstone') throw misordered('nothing follows a tombstone')
  const keys = plcRotationKeys(before.operation)
  const signer = plcSignerIndex(operation, keys)
  if (signer < 0) throw badSignature()
  if (nowMs <= datetimeMs(log.at(-1)!.createdAt))
    throw misordered('it is not later than the last operation')
  const later = log.slice(at + 1)
  if (later.length > 0) checkRecovery(later[0]!, keys, signer, nowMs)
  const nullified = later.map((entry) => entry.cid)
  return { cid: plcOperationCid(operation), nullified, signer: keys[signer]! }
}

function applyGenesis(did: Did, operation: AnyPlcOperation): AppliedPlcOperation {
  if (operation.type === 'plc_tombstone' || operation.prev !== null)
    throw misordered('the DID has no operation that it could follow')
  const keys = plcRotationKeys(operation)
  const signer = plcSignerIndex(operation, keys)
  if (signer < 0) throw badSignature()
  const made = plcDid(operation)
  if (made !== did)
    throw new ProtocolError('GenesisMismatch', `the operation makes ${made}, not ${did}`)
  return { cid: plcOperationCid(operation), nullified: [], signer: keys[signer]! }
}

/** `disputed` is the first operation that would be taken back. */
function checkRecovery(
  disputed: PlcLogEntry,
  keys: readonly string[],
  signer: number,
  nowMs: number,
): void {
  if (signer >= plcSignerIndex(disputed.operation, keys))
    throw new ProtocolError(
      'StalePrev',
      'another operation follows prev already, and the signing key does not rank above its key',
    )
  if (nowMs - datetimeMs(disputed.createdAt) > PLC_RECOVERY_MS)
    throw new ProtocolError('LateRecovery', 'operations older than 72 hours cannot be taken back')
}

/** Where a verified log leaves its DID. */
export interface PlcLogState {
  did: Did
  /** CID text of the operation in force. */
  cid: string
  operation: AnyPlcOperation
  createdAt: string
  /** Undefined: the DID is tombstoned. */
  data: PlcData | undefined
  /** The entries in force, oldest first; the last is the operation above. */
  valid: PlcLogEntry[]
}

/**
 * Verifies an audit log from its first operation on: hashes, signatures, order, recoveries within
 * their 72 hours, and that exactly those entries are marked nullified that were taken back.
 * By the rules for history: old operations may break today's submission rules. Throws ProtocolError,
 * with the codes of `applyPlcOperation`, 'InvalidOperation' or 'InvalidLog'.
 */
export function verifyPlcLog(did: Did, entries: readonly unknown[]): PlcLogState {
  const log = entries.map(parseEntry)
  let valid: PlcLogEntry[] = []
  for (const entry of log) {
    if (entry.did !== did) throw invalidLog('an entry is of another DID')
    const applied = applyPlcOperation(did, valid, entry.operation, datetimeMs(entry.createdAt))
    if (applied.cid !== entry.cid) throw invalidLog('a CID is not its operation’s')
    if (applied.nullified.length > 0) valid = valid.slice(0, -applied.nullified.length)
    valid.push(entry)
  }
  const inForce = new Set(valid)
  if (log.some((entry) => entry.nullified === inForce.has(entry)))
    throw invalidLog('the nullified marks do not fit the operations')
  const last = valid.at(-1)
  if (last === undefined) throw invalidLog('it is empty')
  const { cid, operation, createdAt } = last
  return { did, cid, operation, createdAt, data: plcData(did, operation), valid }
}

function parseEntry(value: unknown): PlcLogEntry {
  if (typeof value !== 'object' || value === null) throw invalidLog('an entry is not an object')
  const { did, operation, cid, nullified, createdAt } = value as Record<string, unknown>
  if (typeof did !== 'string' || typeof cid !== 'string' || typeof nullified !== 'boolean')
    throw invalidLog('an entry lacks did, cid or nullified')
  if (typeof createdAt !== 'string') throw invalidLog('an entry lacks createdAt')
  return {
    did: did as Did,
    operation: parsePlcOperation(operation),
    cid,
    nullified,
    createdAt: parseDatetime(createdAt),
  }
}

function invalidLog(problem: string): ProtocolError {
  return new ProtocolError('InvalidLog', `not a true log: ${problem}`)
}

function misordered(problem: string): ProtocolError {
  return new ProtocolError('MisorderedOperation', `operations out of order: ${problem}`)
}

function badSignature(): ProtocolError {
  return new ProtocolError('InvalidSignature', 'the signature is of none of the rotation keys')
}
