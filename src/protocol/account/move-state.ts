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
  /** The signed change of the identity, held until everything is there. */
  operation?: PlcOperation
  startedMs: number
  receipt?: MoveReceipt
}

/** What a finished move can show. `missingBlobs` is empty unless the old host lacked them too. */
export interface MoveReceipt {
  did: Did
  handle: Handle
  from: string
  to: string
  /** Heads of the old host when it was left and of the new one: the same root, a later rev. */
  sourceHead: HostedHead
  destinationHead: HostedHead
  sameRoot: boolean
  records: number
  blobs: number
  missingBlobs: string[]
  preferences: number
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
