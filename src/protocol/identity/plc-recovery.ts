/** What an owner's own rotation key does to a did:plc: it is put first, taken out, and takes over. */
import { datetimeMs, ProtocolError } from '#protocol/syntax'
import { plcRotationKeys, plcState } from './plc-document.ts'
import { PLC_RECOVERY_MS, type PlcLogEntry } from './plc-log.ts'
import { type PlcCredentials, planPlcMove } from './plc-move.ts'
import {
  type AnyPlcOperation,
  plcOperationCid,
  plcSignerIndex,
  type UnsignedPlcOperation,
} from './plc-operation.ts'
import { PLC_LIMITS } from './plc-rules.ts'

/**
 * The operation that puts a key above all others and keeps everything else. Undefined when it is the
 * first already. Throws 'InvalidKeyChange': the DID is tombstoned, or has five keys already.
 */
export function planRecoveryKey(
  last: AnyPlcOperation,
  didKey: string,
): UnsignedPlcOperation | undefined {
  const state = requireState(last)
  if (state.rotationKeys[0] === didKey) return undefined
  const rotationKeys = [didKey, ...state.rotationKeys.filter((key) => key !== didKey)]
  if (rotationKeys.length > PLC_LIMITS.rotationKeys)
    throw invalidChange(`there are ${PLC_LIMITS.rotationKeys} keys already: remove one first`)
  return { type: 'plc_operation', ...state, rotationKeys, prev: plcOperationCid(last) }
}

/**
 * The operation that takes a key out and keeps everything else. Undefined when it is not there.
 * Throws 'InvalidKeyChange': the DID is tombstoned, or no key would be left.
 */
export function planWithoutKey(
  last: AnyPlcOperation,
  didKey: string,
): UnsignedPlcOperation | undefined {
  const state = requireState(last)
  const rotationKeys = state.rotationKeys.filter((key) => key !== didKey)
  if (rotationKeys.length === state.rotationKeys.length) return undefined
  if (rotationKeys.length === 0) throw invalidChange('no key would be left')
  return { type: 'plc_operation', ...state, rotationKeys, prev: plcOperationCid(last) }
}

function requireState(last: AnyPlcOperation) {
  const state = plcState(last)
  if (state === undefined) throw invalidChange('the identity has ended')
  return state
}

/** Where in a log a key can act, and what that takes back. */
export interface PlcReach {
  /** The operation that the key's own would follow. */
  prev: AnyPlcOperation
  /** Operations that would be taken back, oldest first; none when the key is in force. */
  undone: PlcLogEntry[]
  /** Keys that rank above: what they sign within 72 hours can take back what the key does. */
  above: string[]
  /** When taking back ends, where something would be taken back. */
  untilMs?: number
}

/**
 * Finds where a key can act: behind the newest operation when that names it, else where it still
 * outranks who left it out, within 72 hours. `log` holds the DID's entries in force, oldest first.
 * Throws 'UnknownKey' (it never was a key of this DID), 'StalePrev' (a key of its rank or above took
 * it out), 'LateRecovery' (72 hours are over).
 */
export function plcReach(log: readonly PlcLogEntry[], didKey: string, nowMs: number): PlcReach {
  let why = unknownKey(didKey)
  for (let at = log.length - 1; at >= 0; at--) {
    const { operation: prev } = log[at]!
    const keys = plcRotationKeys(prev)
    const rank = keys.indexOf(didKey)
    if (rank < 0) continue
    const undone = log.slice(at + 1)
    const above = keys.slice(0, rank)
    const [disputed] = undone
    if (disputed === undefined) return { prev, undone, above }
    const untilMs = datetimeMs(disputed.createdAt) + PLC_RECOVERY_MS
    if (rank >= plcSignerIndex(disputed.operation, keys)) why = outranked(disputed)
    else if (nowMs > untilMs) throw tooLate(disputed, untilMs)
    else return { prev, undone, above, untilMs }
  }
  throw why
}

export interface PlcTakeover extends PlcReach {
  /** To be signed by the key and submitted. */
  operation: UnsignedPlcOperation
  /** Rotation keys that lose their power. */
  dropped: string[]
}

/**
 * The operation by which an owner's key takes the account into its own hands, whatever its host says:
 * of the keys below it only `keep` stay, the host's that `to` names come last; signing key, host and
 * handle become those of `to`; other services, keys and names stay. Throws what `plcReach` throws, and
 * 'InvalidMove' for too many keys.
 */
export function planPlcTakeover(
  log: readonly PlcLogEntry[],
  options: { didKey: string; to: PlcCredentials; keep?: readonly string[]; nowMs: number },
): PlcTakeover {
  const { didKey, to, keep = [], nowMs } = options
  const reach = plcReach(log, didKey, nowMs)
  const state = plcState(reach.prev)!
  const staying = new Set([...reach.above, didKey, ...keep, ...(to.rotationKeys ?? [])])
  const dropped = state.rotationKeys.filter((key) => !staying.has(key))
  const operation = planPlcMove(reach.prev, { from: { rotationKeys: dropped }, to })
  const rotationKeys = lastly(operation.rotationKeys, to.rotationKeys ?? [])
  return { ...reach, operation: { ...operation, rotationKeys }, dropped }
}

/** The list with these at its end: a host never comes to rank above keys it did not set. */
function lastly(list: readonly string[], last: readonly string[]): string[] {
  return [...list.filter((entry) => !last.includes(entry)), ...new Set(last)]
}

const invalidChange = (problem: string) =>
  new ProtocolError('InvalidKeyChange', `the keys cannot be changed: ${problem}`)

const unknownKey = (didKey: string) =>
  new ProtocolError('UnknownKey', `${didKey} never was a rotation key of this identity`)

const outranked = ({ createdAt }: PlcLogEntry) =>
  new ProtocolError(
    'StalePrev',
    `a key of the same rank or above took this key out at ${createdAt}: it cannot be taken back`,
  )

const tooLate = ({ createdAt }: PlcLogEntry, untilMs: number) =>
  new ProtocolError(
    'LateRecovery',
    `this key was left out at ${createdAt}; taking that back was possible until ${new Date(untilMs).toISOString()}`,
  )
