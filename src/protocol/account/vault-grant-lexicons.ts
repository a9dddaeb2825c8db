/** Letting vaults read what is not in the repository: `app.falaj.account.*`. */
import exportPrivateJson from '#lexicons/app/falaj/account/exportPrivate' with { type: 'json' }
import letVaultReadJson from '#lexicons/app/falaj/account/letVaultRead' with { type: 'json' }
import listVaultsJson from '#lexicons/app/falaj/account/listVaults' with { type: 'json' }
import stopVaultJson from '#lexicons/app/falaj/account/stopVault' with { type: 'json' }
import vaultDefsJson from '#lexicons/app/falaj/vault/defs' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { PrivateState } from './private-copy.ts'

const lexicons = /* @__PURE__ */ compileLexicons([
  exportPrivateJson,
  letVaultReadJson,
  listVaultsJson,
  stopVaultJson,
  vaultDefsJson,
])

type None = Record<never, never>

/** A vault that may read an account's private state. Times are ISO 8601. */
export interface LetVault {
  /** Origin. */
  url: string
  did: string
  /** Undefined where the operator of the host let it, for everybody. */
  since?: string | undefined
  readAt?: string | undefined
}

/** For a vault, in its own name. Errors: NotGranted. */
export const exportPrivateState = /* @__PURE__ */ lexicons.query<{ did: string }, PrivateState>(
  'app.falaj.account.exportPrivate',
)

/** Errors: NoVault, TooMany. */
export const letVaultRead = /* @__PURE__ */ lexicons.procedure<None, { vault: string }, LetVault>(
  'app.falaj.account.letVaultRead',
)

export const listVaults = /* @__PURE__ */ lexicons.query<None, { vaults: LetVault[] }>(
  'app.falaj.account.listVaults',
)

export const stopVault = /* @__PURE__ */ lexicons.procedure<None, { did: string }, undefined>(
  'app.falaj.account.stopVault',
)
