/** Our own methods of a vault: `app.falaj.vault.*`. */
import defsJson from '#lexicons/app/falaj/vault/defs' with { type: 'json' }
import describeJson from '#lexicons/app/falaj/vault/describe' with { type: 'json' }
import followJson from '#lexicons/app/falaj/vault/follow' with { type: 'json' }
import getAccountJson from '#lexicons/app/falaj/vault/getAccount' with { type: 'json' }
import getBlobJson from '#lexicons/app/falaj/vault/getBlob' with { type: 'json' }
import getPrivateJson from '#lexicons/app/falaj/vault/getPrivate' with { type: 'json' }
import getRepoJson from '#lexicons/app/falaj/vault/getRepo' with { type: 'json' }
import listAccountsJson from '#lexicons/app/falaj/vault/listAccounts' with { type: 'json' }
import listBlobsJson from '#lexicons/app/falaj/vault/listBlobs' with { type: 'json' }
import listDrillsJson from '#lexicons/app/falaj/vault/listDrills' with { type: 'json' }
import listInstantsJson from '#lexicons/app/falaj/vault/listInstants' with { type: 'json' }
import noteChangeJson from '#lexicons/app/falaj/vault/noteChange' with { type: 'json' }
import putPrivateJson from '#lexicons/app/falaj/vault/putPrivate' with { type: 'json' }
import unfollowJson from '#lexicons/app/falaj/vault/unfollow' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { PrivateState } from './private-copy.ts'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  defsJson,
  describeJson,
  getAccountJson,
  listAccountsJson,
  followJson,
  unfollowJson,
  getRepoJson,
  getBlobJson,
  getPrivateJson,
  putPrivateJson,
  noteChangeJson,
  listBlobsJson,
  listDrillsJson,
  listInstantsJson,
])

type None = Record<never, never>

/** How an account is kept. Times are ISO 8601. */
export interface VaultAccount {
  did: string
  /** Origin. */
  host: string
  state: 'wanted' | 'kept' | 'behind' | 'left' | 'erased'
  /** What its host says of it, when it is not active. */
  status?: string | undefined
  granted: boolean
  rev?: string | undefined
  /** States that can be restored. */
  instants: number
  oldest?: string | undefined
  newest?: string | undefined
  blobs: number
  blobsWanted: number
  blobsMissing: number
  keptBytes: number
  /** States of what is not in the repository that can be restored. */
  privateStates?: number | undefined
  privateNewest?: string | undefined
  /** Why the host gave none when it was last asked. */
  privateProblem?: string | undefined
}

/** A state of an account that can be restored. */
export interface VaultInstant {
  rev: string
  time: string
  cid: string
  /** Root of the tree. */
  data: string
}

/** What a vault is, for anybody. */
export const describeVault = /* @__PURE__ */ lexicons.query<
  None,
  { did: string; openVault: boolean; windowDays: number }
>('app.falaj.vault.describe')

/** How an account is kept. Errors: NotKept. */
export const getVaultAccount = /* @__PURE__ */ lexicons.query<{ did: string }, VaultAccount>(
  'app.falaj.vault.getAccount',
)

/** Accounts that are kept, for the operator. */
export const listVaultAccounts = /* @__PURE__ */ lexicons.query<
  { limit: number; cursor?: string },
  { accounts: VaultAccount[]; cursor?: string | undefined }
>('app.falaj.vault.listAccounts')

/** Keeps the caller's account from now on. Errors: NotOpen, NoRoom, UnknownIdentity. */
export const followAccount = /* @__PURE__ */ lexicons.procedure<
  None,
  { did?: string },
  VaultAccount
>('app.falaj.vault.follow')

/** Keeps nothing more of an account, or destroys what was kept. Errors: NotKept. */
export const unfollowAccount = /* @__PURE__ */ lexicons.procedure<
  None,
  { did: string; erase: boolean },
  { erased: boolean }
>('app.falaj.vault.unfollow')

/** The repository at a time, as a CAR. Errors: NotKept, InstantNotKept, Damaged. */
export const getVaultRepo = /* @__PURE__ */ lexicons.query<{ did: string; at?: string }>(
  'app.falaj.vault.getRepo',
)

/** A blob. Errors: NotKept, BlobNotFound, Damaged. */
export const getVaultBlob = /* @__PURE__ */ lexicons.query<{ did: string; cid: string }>(
  'app.falaj.vault.getBlob',
)

/** What was known beside the repository at a time. Errors: NotKept, InstantNotKept, Damaged. */
export const getVaultPrivate = /* @__PURE__ */ lexicons.query<
  { did: string; at?: string },
  PrivateState
>('app.falaj.vault.getPrivate')

/** Gives the vault the caller's private state; whether it differs from the newest. Errors: NotKept. */
export const putVaultPrivate = /* @__PURE__ */ lexicons.procedure<
  None,
  PrivateState,
  { changed: boolean }
>('app.falaj.vault.putPrivate')

/** Says that the caller's private state changed: the vault asks its host for it soon. Errors: NotKept. */
export const noteVaultChange = /* @__PURE__ */ lexicons.procedure<None, None, undefined>(
  'app.falaj.vault.noteChange',
)

/** States that can be restored, newest first. Errors: NotKept. */
export const listVaultInstants = /* @__PURE__ */ lexicons.query<
  { did: string; limit: number; cursor?: string },
  { instants: VaultInstant[]; cursor?: string | undefined }
>('app.falaj.vault.listInstants')

/** Blobs that are kept. Errors: NotKept. */
export const listVaultBlobs = /* @__PURE__ */ lexicons.query<
  { did: string; limit: number; cursor?: string },
  { cids: string[]; cursor?: string | undefined }
>('app.falaj.vault.listBlobs')

/** A drill that a vault held: accounts given back on trial. */
export interface VaultDrill {
  startedAt: string
  endedAt: string
  accounts: number
  /** Of them, those that could not be given back. */
  failed: number
  records: number
  blobs: number
  sample: {
    did: string
    rev: string
    /** When that state was. */
    time: string
    records: number
    blobs: number
    problem?: string | undefined
  }[]
}

/** Drills, newest first, for the operator. */
export const listVaultDrills = /* @__PURE__ */ lexicons.query<
  { limit: number },
  { drills: VaultDrill[] }
>('app.falaj.vault.listDrills')
