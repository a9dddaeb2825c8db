/** Fleets: many accounts that move to a host in waves, for its operators. `app.falaj.fleet.*`. */
import letGoJson from '#lexicons/app/falaj/admin/letGo' with { type: 'json' }
import addAccountsJson from '#lexicons/app/falaj/fleet/addAccounts' with { type: 'json' }
import createJson from '#lexicons/app/falaj/fleet/create' with { type: 'json' }
import decideJson from '#lexicons/app/falaj/fleet/decide' with { type: 'json' }
import getJson from '#lexicons/app/falaj/fleet/get' with { type: 'json' }
import listJson from '#lexicons/app/falaj/fleet/list' with { type: 'json' }
import listAccountsJson from '#lexicons/app/falaj/fleet/listAccounts' with { type: 'json' }
import moveJson from '#lexicons/app/falaj/move/get' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Did, Handle } from '#protocol/syntax'
import type { MoveOutlook, MoveView } from './move-job-lexicons.ts'
import type { SignedReceipt } from './receipt.ts'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  addAccountsJson,
  createJson,
  decideJson,
  getJson,
  letGoJson,
  listAccountsJson,
  listJson,
  moveJson,
])

type None = Record<never, never>

/** How a fleet goes about it. */
export interface FleetSettings {
  accountsAtOnce?: number | undefined
  /** Fetched from the old host in all; no limit where it is absent, as with requests. */
  bytesPerSecond?: number | undefined
  requestsPerSecond?: number | undefined
  /** When more of a wave than so many percent have failed, no further account begins. */
  stopPercent?: number | undefined
  tries?: number | undefined
  pauseBetweenWaves?: boolean | undefined
}

/** How it is shown that an account may go. */
export type FleetProof = 'password' | 'session' | 'operator'

/** One account of the table. */
export interface FleetRow {
  account: string
  proof: FleetProof
  password?: string | undefined
  refreshJwt?: string | undefined
  newPassword?: string | undefined
  handle?: string | undefined
  email?: string | undefined
  inviteCode?: string | undefined
  wave?: number | undefined
}

export type FleetState =
  | 'draft'
  | 'checking'
  | 'checked'
  | 'running'
  | 'paused'
  | 'abandoning'
  | 'done'
  | 'abandoned'

export type FleetAccountState =
  | 'waiting'
  | 'checked'
  | 'blocked'
  | 'moving'
  | 'owner'
  | 'done'
  | 'failed'
  | 'abandoned'

export type FleetAction = 'check' | 'start' | 'pause' | 'resume' | 'retry' | 'abandon' | 'set'

/** An account on its way. */
export type FleetMoving = { account: string; did?: Did | undefined } & Pick<
  MoveView,
  'step' | 'blobs' | 'bytes' | 'bytesPerSecond' | 'secondsLeft' | 'problem'
>

/** A fleet as it stands. Times are ISO 8601. */
export interface FleetView {
  id: string
  version: number
  name: string
  source: string
  to: string
  state: FleetState
  why?: 'operator' | 'failures' | 'wave' | undefined
  wave?: number | undefined
  settings: FleetSettings
  counts: Record<'total' | FleetAccountState, number>
  waves: { wave: number; total: number; left: number; done: number; failed: number }[]
  moving: FleetMoving[]
  operator?: string | undefined
  createdBy: string
  createdAt: string
  changedAt: string
}

/** What became of one account. */
export interface FleetAccount {
  account: string
  position: number
  wave: number
  proof: FleetProof
  state: FleetAccountState
  did?: Did | undefined
  handle?: string | undefined
  tries: number
  nextTryAt?: string | undefined
  needs?: 'code' | 'document' | 'resume' | undefined
  plan?: MoveOutlook | undefined
  problem?: string | undefined
  step?: MoveView['step'] | undefined
  startedAt?: string | undefined
  endedAt?: string | undefined
  bytes?: number | undefined
  receipt?: SignedReceipt | undefined
}

type Shown = { fleet: FleetView }

/** Opens a fleet, or answers the one of that name that has not ended. */
export const createFleet = /* @__PURE__ */ lexicons.procedure<
  None,
  {
    name: string
    source: string
    settings?: FleetSettings | undefined
    /** Of the old host. */
    operator?: { name: string; password: string } | undefined
  },
  Shown & { isNew: boolean }
>('app.falaj.fleet.create')

/** Errors: FleetNotFound, NotNow, FleetFull. */
export const addFleetAccounts = /* @__PURE__ */ lexicons.procedure<
  None,
  { id: string; rows: FleetRow[] },
  { added: number; known: number }
>('app.falaj.fleet.addAccounts')

/** Errors: FleetNotFound, NotNow, FleetBlocked. */
export const decideFleet = /* @__PURE__ */ lexicons.procedure<
  None,
  {
    id: string
    action: FleetAction
    leaveBlocked?: boolean | undefined
    settings?: FleetSettings | undefined
  },
  Shown
>('app.falaj.fleet.decide')

/** A fleet; with `after`, once it is newer, or an account on its way got further. */
export const getFleet = /* @__PURE__ */ lexicons.query<{ id: string; after?: number }, Shown>(
  'app.falaj.fleet.get',
)

export const listFleets = /* @__PURE__ */ lexicons.query<None, { fleets: FleetView[] }>(
  'app.falaj.fleet.list',
)

/** Accounts in the order of the table. */
export const listFleetAccounts = /* @__PURE__ */ lexicons.query<
  {
    id: string
    state?: string | undefined
    limit?: number | undefined
    cursor?: string | undefined
  },
  { accounts: FleetAccount[]; cursor?: string | undefined }
>('app.falaj.fleet.listAccounts')

/** What another host needs to move an account away, from an operator of the old one. */
export const letGo = /* @__PURE__ */ lexicons.procedure<
  None,
  { account: string; check?: boolean | undefined; to?: string | undefined },
  {
    did: Did
    handle: Handle
    email?: string | undefined
    accessJwt: string
    refreshJwt: string
    code?: string | undefined
    passwordHash?: string | undefined
  }
>('app.falaj.admin.letGo')
