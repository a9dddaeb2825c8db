/** What an operation says about its DID, and the document that shows. */
import { parseDidKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import type { DidDocument } from './document.ts'
import type { AnyPlcOperation, PlcOperation } from './plc-operation.ts'

/** What an operation sets: the state of its DID, without the DID. */
export type PlcState = Pick<
  PlcOperation,
  'verificationMethods' | 'rotationKeys' | 'alsoKnownAs' | 'services'
>

/** The state of a did:plc, as a directory's `/data` shows it. */
export interface PlcData extends PlcState {
  did: Did
}

/** The state an operation leaves its DID in; undefined after a tombstone. */
export function plcData(did: Did, operation: AnyPlcOperation): PlcData | undefined {
  const state = plcState(operation)
  return state && { did, ...state }
}

/** As `plcData`, without the DID. A legacy create is read as the operation it stands for. */
export function plcState(operation: AnyPlcOperation): PlcState | undefined {
  if (operation.type === 'plc_tombstone') return undefined
  if (operation.type === 'plc_operation') {
    const { verificationMethods, rotationKeys, alsoKnownAs, services } = operation
    return { verificationMethods, rotationKeys, alsoKnownAs, services }
  }
  const { signingKey, recoveryKey, handle, service } = operation
  const endpoint = /^https?:\/\//.test(service) ? service : `https://${service}`
  return {
    verificationMethods: { atproto: signingKey },
    rotationKeys: [recoveryKey, signingKey],
    alsoKnownAs: [handle.startsWith('at://') ? handle : `at://${handle}`],
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint } },
  }
}

/** The did:keys that may follow this operation, most powerful first; none follow a tombstone. */
export function plcRotationKeys(operation: AnyPlcOperation): readonly string[] {
  if (operation.type === 'plc_operation') return operation.rotationKeys
  return operation.type === 'create' ? [operation.recoveryKey, operation.signingKey] : []
}

const CONTEXTS = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']
const CURVE_CONTEXT = {
  k256: 'https://w3id.org/security/suites/secp256k1-2019/v1',
  p256: 'https://w3id.org/security/suites/ecdsa-2019/v1',
} as const

/** The DID document of a state. */
export function plcDocument(data: PlcData): DidDocument {
  const { did } = data
  const keys = Object.entries(data.verificationMethods)
  const contexts = new Set([...CONTEXTS, ...keys.flatMap(([, key]) => curveContext(key))])
  return {
    '@context': [...contexts],
    id: did,
    alsoKnownAs: data.alsoKnownAs,
    verificationMethod: keys.map(([id, key]) => ({
      id: `${did}#${id}`,
      type: 'Multikey',
      controller: did,
      publicKeyMultibase: key.replace(/^did:key:/, ''),
    })),
    service: Object.entries(data.services).map(([id, { type, endpoint }]) => ({
      id: `#${id}`,
      type,
      serviceEndpoint: endpoint,
    })),
  }
}

/** Keys of kinds unknown to us are shown without a context of their own. */
function curveContext(key: string): string[] {
  try {
    return [CURVE_CONTEXT[parseDidKey(key).curve]]
  } catch {
    return []
  }
}
