/** Our own methods between a host and its standby: `app.falaj.standby.*`. */
import getAccountFileJson from '#lexicons/app/falaj/standby/getAccountFile' with { type: 'json' }
import getBlobJson from '#lexicons/app/falaj/standby/getBlob' with { type: 'json' }
import getDirectoryJson from '#lexicons/app/falaj/standby/getDirectory' with { type: 'json' }
import getStatusJson from '#lexicons/app/falaj/standby/getStatus' with { type: 'json' }
import joinJson from '#lexicons/app/falaj/standby/join' with { type: 'json' }
import promoteJson from '#lexicons/app/falaj/standby/promote' with { type: 'json' }
import pullJson from '#lexicons/app/falaj/standby/pull' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  joinJson,
  pullJson,
  getDirectoryJson,
  getAccountFileJson,
  getBlobJson,
  getStatusJson,
  promoteJson,
])

type None = Record<never, never>

/** What a standby needs to know before it follows. */
export interface StandbyJoined {
  /** Of the running process: changes of its directory are counted within it. */
  epoch: string
  host: string
  version: string
  /** The key that seals the host's secrets, sealed; base64url. */
  sealedKey: string
  first: number
  durable: number
  /** Every entry up to this one is in the account files. */
  applied: number
  /** Of the lease under which the host writes. */
  leaseEpoch?: number | undefined
}

/** What a standby has on its disk. */
export interface StandbyPull {
  standby: string
  /** Absent: entries alone. */
  epoch?: string
  change: number
  seq: number
  inStep?: boolean
}

export type StandbyState = 'seeding' | 'following' | 'away' | 'promoting' | 'promoted'

/** How far a standby is. */
export interface StandbyStatus {
  state: StandbyState
  of?: string | undefined
  seq: number
  lagEntries: number
  lagMs: number
  accounts: number
  accountsCopied: number
  blobsCopied: number
  unsound: number
  problem?: string | undefined
}

export const standbyJoin = /* @__PURE__ */ lexicons.procedure<
  None,
  { standby: string },
  StandbyJoined
>('app.falaj.standby.join')

/** Errors: ChangesGone, EntriesGone, NotACopy. */
export const standbyPull = /* @__PURE__ */ lexicons.query<StandbyPull, 'binary'>(
  'app.falaj.standby.pull',
)

export const standbyGetDirectory = /* @__PURE__ */ lexicons.query<None, 'binary'>(
  'app.falaj.standby.getDirectory',
)

/** Errors: AccountNotFound. */
export const standbyGetAccountFile = /* @__PURE__ */ lexicons.query<
  { did: string; generation?: number },
  'binary'
>('app.falaj.standby.getAccountFile')

/** Errors: BlobNotFound. */
export const standbyGetBlob = /* @__PURE__ */ lexicons.query<
  { did: string; cid: string },
  'binary'
>('app.falaj.standby.getBlob')

export const standbyGetStatus = /* @__PURE__ */ lexicons.query<None, StandbyStatus>(
  'app.falaj.standby.getStatus',
)

/** Errors: NotReady. */
export const standbyPromote = /* @__PURE__ */ lexicons.procedure<
  None,
  { unfinished?: boolean; firstIsOff?: boolean },
  { seq: number; tookMs: number; accountsStopped: number }
>('app.falaj.standby.promote')
