/** What a move remembers between its steps: enough to go on after any interruption. */
import type { PlcOperation } from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import type { HostedHead } from './head.ts'
import type { SessionState } from './session.ts'

/** In this order. Up to `switch` a move can be given up without a trace on the network. */
export const moveSteps = [
  'account',
  'repo',
  'blobs',
  'preferences',
  'sign',
  'switch',
  'activate',
  'leave',
  'verify',
  'done',
] as const

export type MoveStep = (typeof moveSteps)[number]

export interface MoveState {
  version: 1
  step: MoveStep
  did: Did
  handle: Handle
  source: SessionState
  /** Origin of the new host, and its DID. */
  destination: string
  destinationDid: string
  /** The session at the new host, once the account is there. */
  arrived?: SessionState
  /** What was copied last. */
  copied?: HostedHead
  /** did:key that signed at the old host when the move began. */
  sourceKey?: string
  /** The new host's head when it had the old one's tree: what comes above it was written there. */
  switched?: HostedHead
  /** When that was. */
  switchedMs?: number
  /** What was done about state outside the repository, at the last copy. */
  privateParts?: PrivatePartCopied[]
  /** What was written at the old host after the last copy. */
  late?: LateWrites
  /** What did not go as it should, and kept nobody from arriving. */
  warnings?: MoveWarning[]
  /** The signed change of the identity, held until everything is there. */
  operation?: PlcOperation
  startedMs: number
  receipt?: MoveReceipt
}

/** What is told of a move that ended, and is not as it should be. */
export type MoveWarning =
  /** The old host did not answer any more: it still believes that the account is there. */
  | 'source-silent'
  /** The owner's session there had ended: likewise. */
  | 'source-refused'
  /** Records were written there after the last copy, and nobody here could bring them. */
  | 'late-writes-left'
  /** A relay or the app view has not seen the account at its new host yet: `sightings` says which. */
  | 'not-seen-yet'
  /** The two sets of blobs are too large to compare. */
  | 'blobs-not-compared'

/** Records that were written at the old host after the last copy, and brought after it was left. */
export interface LateWrites {
  head: HostedHead
  /** Records that changed there. */
  records: number
  /** Of those, the ones that changed at the new host too: its value stays. At most 1,000 are named. */
  conflicts: WriteConflict[]
  conflictCount: number
}

/** Whether a service of the network knows the account at its new host. */
export interface Sighting {
  at: 'relay' | 'appview'
  url: string
  seen: boolean
  /** How long it took, or was waited for. */
  ms: number
  problem?: string | undefined
}

/** One record with two new values; a CID, or null where it was deleted. */
export interface WriteConflict {
  path: string
  here: string | null
  there: string | null
}

/** What became of one kind of state that is not in the repository. */
export interface PrivatePartCopied {
  part: string
  /**
   * `carried`: it is here. `named`: it cannot move, and is named, to be made again. `silent`: the old
   * host does not say. `kept`: it changed at both hosts, and what is here stays. `shared`: both hosts
   * use the service that keeps it, so it did not have to move.
   */
  outcome: 'carried' | 'named' | 'silent' | 'kept' | 'shared'
  count: number
  /** SHA-256 of all of it in one order, base64url. */
  hash?: string | undefined
  /** Whether it was read back at the new host with the same hash. */
  same?: boolean | undefined
  names?: string[] | undefined
}

/** What a finished move can show. `missingBlobs` is empty unless the old host lacked them too. */
export interface MoveReceipt {
  did: Did
  handle: Handle
  from: string
  to: string
  /** Heads of the old host at the last copy and of the new one then: the same root, a later rev. */
  sourceHead: HostedHead
  destinationHead: HostedHead
  sameRoot: boolean
  records: number
  blobs: number
  missingBlobs: string[]
  preferences: number
  /** Whether every blob that the old host lists is here; each was checked by its hash. */
  sameBlobs: boolean
  /** Fetched from the old host in all. */
  bytes?: number | undefined
  /** Written at the old host after the last copy. */
  late?: LateWrites | undefined
  privateParts: PrivatePartCopied[]
  /** Empty where the mover knows no relay and no app view. */
  sightings: Sighting[]
  warnings: MoveWarning[]
  /** CID of the operation that moved the identity; undefined where its domain's document was changed. */
  operation: string | undefined
  startedMs: number
  finishedMs: number
}

export interface MoveProgress {
  step: MoveStep
  /** Counts of what the step works through, when it counts. */
  done?: number
  total?: number
}
