/** Taking back an operation that its owner did not make. */
import { datetimeMs, ProtocolError } from '#protocol/syntax'
import { plcRotationKeys, plcState } from './plc-document.ts'
import { PLC_RECOVERY_MS, type PlcLogEntry } from './plc-log.ts'
import { plcSignerIndex, type UnsignedPlcOperation } from './plc-operation.ts'

export interface PlcUndo {
  /** The state before, as the operation that takes the place of what was done: to be signed. */
  operation: UnsignedPlcOperation
  /** What it takes back, oldest first. */
  undone: PlcLogEntry[]
  /** The did:key that made the first of those. */
  signer: string
  /** did:keys that rank above the signer, most powerful first: only they can sign it. */
  above: string[]
  /** When it stops being possible. */
  untilMs: number
  /**
   * The same state, said anew behind the newest operation: takes nothing back, and is for the keys
   * that `byNow` names, at any time. Undefined where the identity has ended.
   */
  restored: UnsignedPlcOperation | undefined
  /** did:keys the newest operation names. */
  byNow: readonly string[]
}

/**
 * Plans how an operation, and all behind it, is taken back. `log` holds the DID's entries in force,
 * oldest first. Throws 'UnknownOperation' (it is not in force: taken back already, perhaps),
 * 'InvalidUndo' (it is the first: there is nothing before it).
 */
export function planPlcUndo(log: readonly PlcLogEntry[], cid: string): PlcUndo {
  const at = log.findIndex((entry) => entry.cid === cid)
  if (at < 0)
    throw new ProtocolError(
      'UnknownOperation',
      'the operation is not in force: nothing to take back',
    )
  const [before, disputed] = [log[at - 1], log[at]!]
  const state = before && plcState(before.operation)
  if (before === undefined || state === undefined)
    throw new ProtocolError('InvalidUndo', 'it is the first operation of the identity')
  const keys = plcRotationKeys(before.operation)
  const rank = plcSignerIndex(disputed.operation, keys)
  const last = log.at(-1)!
  const operation = { type: 'plc_operation', ...state, prev: before.cid } as const
  const hasEnded = last.operation.type === 'plc_tombstone'
  return {
    operation,
    undone: log.slice(at),
    signer: keys[rank]!,
    above: keys.slice(0, rank),
    untilMs: datetimeMs(disputed.createdAt) + PLC_RECOVERY_MS,
    restored: hasEnded ? undefined : { ...operation, prev: last.cid },
    byNow: plcRotationKeys(last.operation),
  }
}

/** What of an identity an operation changed, against the one before it. */
export type PlcChange = 'handle' | 'host' | 'signingKey' | 'rotationKeys' | 'other' | 'ended'

/** Names what an operation changed; empty when it only says the same again. */
export function plcChanges(before: PlcLogEntry, after: PlcLogEntry): PlcChange[] {
  const [was, is] = [plcState(before.operation), plcState(after.operation)]
  if (is === undefined) return ['ended']
  if (was === undefined) return []
  const differs: [PlcChange, unknown, unknown][] = [
    ['handle', was.alsoKnownAs, is.alsoKnownAs],
    ['host', was.services.atproto_pds, is.services.atproto_pds],
    ['signingKey', was.verificationMethods.atproto, is.verificationMethods.atproto],
    ['rotationKeys', was.rotationKeys, is.rotationKeys],
    ['other', rest(was.services, 'atproto_pds'), rest(is.services, 'atproto_pds')],
    ['other', rest(was.verificationMethods, 'atproto'), rest(is.verificationMethods, 'atproto')],
  ]
  const names = differs.flatMap(([name, a, b]) => (same(a, b) ? [] : [name]))
  return [...new Set(names)]
}

const rest = (map: object, without: string) =>
  Object.entries(map)
    .filter(([name]) => name !== without)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b
  const [left, right] = [Object.entries(a), Object.entries(b)]
  return (
    left.length === right.length &&
    left.every(([name, value]) => same(value, (b as Record<string, unknown>)[name]))
  )
}
