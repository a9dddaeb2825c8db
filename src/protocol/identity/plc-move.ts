/** How a move changes a did:plc: by difference, so that what the hosts did not set stays. */
import { ProtocolError } from '#protocol/syntax'
import { plcState } from './plc-document.ts'
import {
  type AnyPlcOperation,
  type PlcService,
  plcOperationCid,
  type UnsignedPlcOperation,
} from './plc-operation.ts'
import { PLC_LIMITS } from './plc-rules.ts'

/**
 * What a host recommends for the accounts it holds: the answer of
 * com.atproto.identity.getRecommendedDidCredentials.
 */
export interface PlcCredentials {
  rotationKeys?: readonly string[]
  alsoKnownAs?: readonly string[]
  verificationMethods?: Readonly<Record<string, string>>
  services?: Readonly<Record<string, PlcService>>
}

export interface PlcMove {
  /** What the host that is left recommends; empty when it cannot be asked any more. */
  from: PlcCredentials
  to: PlcCredentials
}

/**
 * The operation that moves an account between hosts: takes out exactly what `from` names, puts what
 * `to` names in its place, and keeps everything else in its order: the owner's own rotation keys,
 * labeler and feed services, other names. To be signed and submitted. Throws 'InvalidMove': the DID
 * is tombstoned, or there would be no rotation key, or more than five.
 */
export function planPlcMove(last: AnyPlcOperation, { from, to }: PlcMove): UnsignedPlcOperation {
  const now = plcState(last)
  if (now === undefined) throw invalidMove('the DID is tombstoned')
  const rotationKeys = replaced(now.rotationKeys, from.rotationKeys ?? [], to.rotationKeys ?? [])
  if (rotationKeys.length === 0) throw invalidMove('no rotation key would be left')
  if (rotationKeys.length > PLC_LIMITS.rotationKeys)
    throw invalidMove(
      `${rotationKeys.length} rotation keys would be needed, at most ${PLC_LIMITS.rotationKeys}: remove one first`,
    )
  return {
    type: 'plc_operation',
    rotationKeys,
    verificationMethods: merged(
      now.verificationMethods,
      from.verificationMethods ?? {},
      to.verificationMethods ?? {},
      (a, b) => a === b,
    ),
    alsoKnownAs: movedNames(now.alsoKnownAs, from.alsoKnownAs ?? [], to.alsoKnownAs ?? []),
    services: merged(now.services, from.services ?? {}, to.services ?? {}, sameService),
    prev: plcOperationCid(last),
  }
}

/**
 * The list without `gone`, with `put` where the first of those stood: order is rank. Where none
 * stood, at the end, so that no host comes to rank above keys it did not set. No entry twice.
 */
function replaced(
  list: readonly string[],
  gone: readonly string[],
  put: readonly string[],
): string[] {
  const leaving = new Set(gone)
  const staying = list.filter((entry) => !leaving.has(entry))
  const arriving = put.filter((entry) => !staying.includes(entry))
  const at = list.findIndex((entry) => leaving.has(entry))
  const index = at < 0 ? staying.length : list.slice(0, at).filter((e) => !leaving.has(e)).length
  return [...new Set([...staying.slice(0, index), ...arriving, ...staying.slice(index)])]
}

/**
 * Names as `replaced`, except: a destination that recommends none changes none, and where the source
 * names none of them, the first at:// name, the account's handle, gives way.
 */
function movedNames(
  list: readonly string[],
  gone: readonly string[],
  put: readonly string[],
): string[] {
  if (put.length === 0) return [...new Set(list)]
  const named = list.some((entry) => gone.includes(entry))
  const handle = list.find((entry) => entry.startsWith('at://'))
  const leaving = named || handle === undefined ? gone : [handle]
  return replaced(list, leaving, put)
}

/** The map without the entries that `gone` names with the same value, and with all of `put`. */
function merged<V>(
  map: Readonly<Record<string, V>>,
  gone: Readonly<Record<string, V>>,
  put: Readonly<Record<string, V>>,
  same: (a: V, b: V) => boolean,
): Record<string, V> {
  const staying = Object.entries(map).filter(
    ([id, value]) => !(Object.hasOwn(gone, id) && same(gone[id]!, value)),
  )
  return { ...Object.fromEntries(staying), ...put }
}

function sameService(a: PlcService, b: PlcService): boolean {
  return a.type === b.type && withoutSlash(a.endpoint) === withoutSlash(b.endpoint)
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

function invalidMove(problem: string): ProtocolError {
  return new ProtocolError('InvalidMove', `the move cannot be made: ${problem}`)
}
