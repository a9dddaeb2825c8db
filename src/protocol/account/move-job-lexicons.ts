/** Moves as jobs of the host that is moved to: `app.falaj.move.*`. */
import abandonJson from '#lexicons/app/falaj/move/abandon' with { type: 'json' }
import confirmJson from '#lexicons/app/falaj/move/confirm' with { type: 'json' }
import getJson from '#lexicons/app/falaj/move/get' with { type: 'json' }
import listJson from '#lexicons/app/falaj/move/list' with { type: 'json' }
import pauseJson from '#lexicons/app/falaj/move/pause' with { type: 'json' }
import planJson from '#lexicons/app/falaj/move/plan' with { type: 'json' }
import resumeJson from '#lexicons/app/falaj/move/resume' with { type: 'json' }
import startJson from '#lexicons/app/falaj/move/start' with { type: 'json' }
import wayBackJson from '#lexicons/app/falaj/move/wayBack' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Did, Handle } from '#protocol/syntax'
import type { MoveStep } from './move-state.ts'
import type { SignedReceipt } from './receipt.ts'

const lexicons = /* @__PURE__ */ compileLexicons([
  abandonJson,
  confirmJson,
  getJson,
  listJson,
  pauseJson,
  planJson,
  resumeJson,
  startJson,
  wayBackJson,
])

type None = Record<never, never>
type ById = { id: string }
type Shown = { move: MoveView }

/** A move as everybody who watches it sees it. Times are ISO 8601. */
export interface MoveView {
  id: string
  /** Rises with every change. */
  version: number
  did: Did
  handle: Handle
  from: string
  to: string
  state: 'running' | 'waiting' | 'paused' | 'failed' | 'done' | 'abandoned'
  step: MoveStep
  blobs?: { done: number; total: number } | undefined
  /** What was fetched from the old host so far, and how much a second just now. */
  bytes?: number | undefined
  bytesPerSecond?: number | undefined
  startedAt: string
  changedAt: string
  secondsLeft?: number | undefined
  /** What only the owner can do. */
  needs?: 'code' | 'document' | undefined
  /** What the document of a did:web has to name. */
  wanted?: object | undefined
  problem?: string | undefined
  canAbandon: boolean
  wayBackUntil?: string | undefined
  receipt?: SignedReceipt | undefined
}

/** Where the account is, and a session there that was opened for the move. */
export interface MoveSource {
  source: string
  session: { accessJwt: string; refreshJwt: string }
}

/** What a move would do. */
export interface MoveOutlook {
  did: Did
  handle: Handle
  from: string
  to: string
  records: number
  blobs: number
  inviteRequired: boolean
  handleFate: 'ownDomain' | 'issuedHere' | 'issuedThere'
  ownRotationKeys: number
  otherServices: string[]
  appPasswords: string[]
  identity: 'plc' | 'web'
  seconds: number
  /** About how much is to be copied. */
  bytes?: number | undefined
  /** Blobs that were asked for to see whether they can be had, and those that came. */
  blobSample?: { asked: number; reached: number } | undefined
  /** Feeds that the account publishes: they stay where they are served. */
  feeds?: string[] | undefined
  isLabeler?: boolean | undefined
  /** What this host takes. */
  quota?: { accountBlobBytes: number; blobBytes: number } | undefined
  /** Calls that the old host allows. */
  rate?: { limit: number; remaining: number; windowSeconds: number } | undefined
  /** What may go wrong, and keeps nobody from trying. */
  cautions?: string[] | undefined
  obstacles: string[]
}

/** A move that has begun, and a session at the host that does it. */
export interface MoveBegun extends Shown {
  accessJwt: string
  refreshJwt: string
}

/** What moving to this host would do; nothing is changed. */
export const planMoveHere = lexicons.procedure<None, MoveSource, MoveOutlook>('app.falaj.move.plan')

/** Makes the account here and the job that does the rest. Errors: CannotMove. */
export const startMove = lexicons.procedure<
  None,
  MoveSource & {
    password: string
    email?: string | undefined
    inviteCode?: string | undefined
    code?: string | undefined
  },
  MoveBegun
>('app.falaj.move.start')

/** One move; with `after`, once it is newer than that version. Errors: MoveNotFound. */
export const getMove = lexicons.query<{ id?: string; after?: number }, Shown>('app.falaj.move.get')

/** The caller's moves, newest first. */
export const listMoves = lexicons.query<None, { moves: MoveView[] }>('app.falaj.move.list')

/** Stops a move until it is resumed. */
export const pauseMove = lexicons.procedure<None, ById, Shown>('app.falaj.move.pause')

/** Lets a paused or failed move go on. */
export const resumeMove = lexicons.procedure<None, ById, Shown>('app.falaj.move.resume')

/** Gives the one-time code for the change of identity. */
export const confirmMove = lexicons.procedure<None, ById & { code: string }, Shown>(
  'app.falaj.move.confirm',
)

/** Gives a move up before the identity changed. Errors: NotNow. */
export const abandonMove = lexicons.procedure<None, ById, Shown>('app.falaj.move.abandon')

/** Moves the account back to where it came from. Errors: NotNow, MailRequired. */
export const moveBack = lexicons.procedure<
  None,
  ById & { password: string; code?: string | undefined },
  MoveBegun
>('app.falaj.move.wayBack')
