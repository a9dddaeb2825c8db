/** What a move would change, found out without changing anything. */
import {
  ComAtprotoIdentityGetRecommendedDidCredentials,
  ComAtprotoServerCheckAccountStatus,
  ComAtprotoServerDescribeServer,
} from '@atcute/atproto'
import { type PlcClient, plcState } from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import { type Fetch, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { OwnerSession } from './session.ts'

/** Why a move cannot begin. */
export type Obstacle =
  | 'same-host'
  | 'destination-unreachable'
  | 'identity-not-plc'
  | 'identity-unknown'
  | 'source-cannot-sign'

export interface Preflight {
  did: Did
  handle: Handle
  from: string
  to: string
  /** The DID of the destination, which the grant for it will name. */
  destinationDid: Did | undefined
  inviteRequired: boolean
  records: number
  blobs: number
  /** Rotation keys that are neither host's: the owner's own. They stay. */
  ownRotationKeys: number
  /** Services in the identity besides the host: they stay. */
  otherServices: string[]
  obstacles: Obstacle[]
}

/** Asks both hosts and the directory. No side effects. */
export async function preflight(options: {
  source: OwnerSession
  destination: string
  plc: PlcClient
  fetch: Fetch
  /** Whether the owner can be asked to change the document of a domain. */
  canChangeDocument?: boolean
}): Promise<Preflight> {
  const { source, destination } = options
  const { did, handle, service: from } = source.state
  const obstacles: Obstacle[] = []
  if (from === destination) obstacles.push('same-host')
  const target = await describe(destination, options.fetch)
  if (!target) obstacles.push('destination-unreachable')
  const status = await source.client.get(ComAtprotoServerCheckAccountStatus.mainSchema, {})
  const identity = await readIdentity(options, obstacles)
  return {
    did,
    handle,
    from,
    to: destination,
    destinationDid: target?.did,
    inviteRequired: target?.inviteCodeRequired ?? false,
    records: status.indexedRecords,
    blobs: status.expectedBlobs,
    ...identity,
    obstacles,
  }
}

async function describe(service: string, fetch: Fetch) {
  try {
    const client = xrpcClient({ service, fetch })
    return await client.get(ComAtprotoServerDescribeServer.mainSchema, {})
  } catch (error) {
    if (error instanceof XrpcError) return undefined
    throw error
  }
}

async function readIdentity(
  {
    source,
    plc,
    canChangeDocument,
  }: { source: OwnerSession; plc: PlcClient; canChangeDocument?: boolean },
  obstacles: Obstacle[],
): Promise<Pick<Preflight, 'ownRotationKeys' | 'otherServices'>> {
  const none = { ownRotationKeys: 0, otherServices: [] }
  const { did } = source.state
  if (!did.startsWith('did:plc:')) {
    if (!canChangeDocument) obstacles.push('identity-not-plc')
    return none
  }
  const last = await plc.last(did)
  const state = last && plcState(last)
  if (!state) {
    obstacles.push('identity-unknown')
    return none
  }
  const schema = ComAtprotoIdentityGetRecommendedDidCredentials.mainSchema
  const theirs = (await source.client.get(schema, {})).rotationKeys ?? []
  if (!theirs.some((key) => state.rotationKeys.includes(key))) obstacles.push('source-cannot-sign')
  return {
    ownRotationKeys: state.rotationKeys.filter((key) => !theirs.includes(key)).length,
    otherServices: Object.keys(state.services).filter((id) => id !== 'atproto_pds'),
  }
}
