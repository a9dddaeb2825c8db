/** The DID of one of our own services, kept at a PLC directory. */
import { fromHex, generateKey, hex, importKey, type SigningKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import type { Net } from './bounded-fetch.ts'
import { type PlcClient, plcClient } from './plc-client.ts'
import type { PlcUrls } from './plc-directories.ts'
import { type PlcState, plcState } from './plc-document.ts'
import { plcDid, plcOperationCid, signPlcOperation } from './plc-operation.ts'

/** A service's DID and its secret keys. To be kept: without the keys the DID is lost. */
export interface ServiceIdentity {
  did: Did
  /** Signs service auth, and what the service publishes. 32 bytes. */
  signingKeyHex: string
  /** Signs changes of the DID. 32 bytes. */
  rotationKeyHex: string
}

export interface ServiceIdentityOptions extends Net {
  plcUrl: PlcUrls
  /** What an earlier call gave. Without it a new DID is made. */
  stored?: ServiceIdentity
  /** Where the service answers: `https://appview.example`. */
  endpoint: string
  /** Its fragment: `#bsky_appview`. */
  serviceId: string
  /** Its type: `BskyAppView`. */
  serviceType: string
  handle?: string
  /** Fragments the signing key gets beside `atproto`: `atproto_label` of a labeler. */
  keyIds?: readonly string[]
  random(byteCount: number): Uint8Array
}

/**
 * Makes sure that a service has a did:plc whose document says where it is: creates it, or updates
 * it where the directory shows something else. Keep what it gives before using it. Throws
 * UpstreamError (the outcome may be unknown; calling again is safe), ProtocolError 'PlcRefused', or
 * an Error when the directory does not know the stored DID.
 */
export async function ensureServiceIdentity(
  options: ServiceIdentityOptions,
): Promise<ServiceIdentity> {
  const client = plcClient(options)
  if (options.stored === undefined) return await create(client, options)
  await update(client, options, options.stored)
  return options.stored
}

async function create(
  client: PlcClient,
  options: ServiceIdentityOptions,
): Promise<ServiceIdentity> {
  const signing = generateKey('k256', options.random)
  const rotation = generateKey('k256', options.random)
  const genesis = signPlcOperation(
    { type: 'plc_operation', ...wantedState(options, signing, rotation), prev: null },
    rotation,
  )
  const did = plcDid(genesis)
  await client.submit(did, genesis)
  return { did, signingKeyHex: hex(signing.export()), rotationKeyHex: hex(rotation.export()) }
}

async function update(
  client: PlcClient,
  options: ServiceIdentityOptions,
  stored: ServiceIdentity,
): Promise<void> {
  const last = await client.last(stored.did)
  const now = last && plcState(last)
  if (last === undefined || now === undefined)
    throw new Error(`the directory ${options.plcUrl} does not know this service's ${stored.did}`)
  const signing = importKey('k256', fromHex(stored.signingKeyHex))
  const rotation = importKey('k256', fromHex(stored.rotationKeyHex))
  const state = withWanted(now, wantedState(options, signing, rotation))
  if (stateText(state) === stateText(now)) return
  const unsigned = { type: 'plc_operation', ...state, prev: plcOperationCid(last) } as const
  await client.submit(stored.did, signPlcOperation(unsigned, rotation))
}

function wantedState(
  options: ServiceIdentityOptions,
  signing: SigningKey,
  rotation: SigningKey,
): PlcState {
  const { endpoint, serviceType: type, handle, keyIds = [] } = options
  const ids = ['atproto', ...keyIds]
  return {
    rotationKeys: [rotation.publicKey.didKey],
    verificationMethods: Object.fromEntries(ids.map((id) => [id, signing.publicKey.didKey])),
    alsoKnownAs: handle === undefined ? [] : [`at://${handle}`],
    services: { [options.serviceId.replace(/^#/, '')]: { type, endpoint } },
  }
}

/** What we want, over what is there: an operator's further keys, names and services stay. */
function withWanted(now: PlcState, wanted: PlcState): PlcState {
  const others = now.alsoKnownAs.filter((name) => !name.startsWith('at://'))
  return {
    rotationKeys: now.rotationKeys,
    verificationMethods: { ...now.verificationMethods, ...wanted.verificationMethods },
    alsoKnownAs:
      wanted.alsoKnownAs.length === 0 ? now.alsoKnownAs : [...wanted.alsoKnownAs, ...others],
    services: { ...now.services, ...wanted.services },
  }
}

/** Equal for equal states, whatever order their maps have. */
function stateText(state: PlcState): string {
  const sorted = (map: object) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))
  const services = sorted(state.services).map(([id, { type, endpoint }]) => [id, type, endpoint])
  return JSON.stringify([
    state.rotationKeys,
    sorted(state.verificationMethods),
    state.alsoKnownAs,
    services,
  ])
}
