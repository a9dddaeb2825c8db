/** Our own methods for the keys of an owner's identity: `app.falaj.identity.*`. */
import addOrganisationKeyJson from '#lexicons/app/falaj/admin/addOrganisationKey' with {
  type: 'json',
}
import checkRecoveryKeyJson from '#lexicons/app/falaj/identity/checkRecoveryKey' with {
  type: 'json',
}
import getKeyHealthJson from '#lexicons/app/falaj/identity/getKeyHealth' with { type: 'json' }
import keepWrappedKeyJson from '#lexicons/app/falaj/identity/keepWrappedKey' with { type: 'json' }
import registerRecoveryKeyJson from '#lexicons/app/falaj/identity/registerRecoveryKey' with {
  type: 'json',
}
import removeRecoveryKeyJson from '#lexicons/app/falaj/identity/removeRecoveryKey' with {
  type: 'json',
}
import type { WrappedRecoveryKey } from '#protocol/identity'
import { compileLexicons } from '#protocol/lexicon'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  addOrganisationKeyJson,
  getKeyHealthJson,
  registerRecoveryKeyJson,
  removeRecoveryKeyJson,
  checkRecoveryKeyJson,
  keepWrappedKeyJson,
])

type None = Record<never, never>

/** A key that may change an identity, or could. Times are ISO 8601. */
export interface RotationKeyView {
  /** did:key */
  key: string
  holder: 'owner' | 'host' | 'organisation' | 'unknown'
  label?: string | undefined
  createdAt?: string | undefined
  /** When its owner last proved that they hold it. */
  checkedAt?: string | undefined
  wrapped?: WrappedRecoveryKey | undefined
}

export interface KeyHealth {
  state: 'none' | 'good' | 'unchecked' | 'outranked' | 'lost' | 'unsupported'
  /** Those the directory names, the most powerful first. */
  keys: RotationKeyView[]
  /** Those the owner registered that the identity does not name. */
  lost: RotationKeyView[]
  /** did:key that the operator holds for accounts of this host, apart from it. */
  organisation?: string | undefined
}

/** How the caller's identity stands. */
export const getKeyHealth = /* @__PURE__ */ lexicons.query<None, KeyHealth>(
  'app.falaj.identity.getKeyHealth',
)

/** Errors: InvalidKey, TooManyKeys, InvalidToken, ExpiredToken. */
export const registerRecoveryKey = /* @__PURE__ */ lexicons.procedure<
  None,
  { key: string; token: string; label?: string; wrapped?: WrappedRecoveryKey },
  KeyHealth
>('app.falaj.identity.registerRecoveryKey')

/** Errors: KeyNotFound, InvalidToken, ExpiredToken. */
export const removeRecoveryKey = /* @__PURE__ */ lexicons.procedure<
  None,
  { key: string; token: string },
  KeyHealth
>('app.falaj.identity.removeRecoveryKey')

/** Errors: KeyNotFound, InvalidSignature. */
export const checkRecoveryKey = /* @__PURE__ */ lexicons.procedure<
  None,
  { key: string; at: string; signature: string },
  KeyHealth
>('app.falaj.identity.checkRecoveryKey')

/** Without `wrapped` it is forgotten. Errors: KeyNotFound. */
export const keepWrappedKey = /* @__PURE__ */ lexicons.procedure<
  None,
  { key: string; wrapped?: WrappedRecoveryKey },
  KeyHealth
>('app.falaj.identity.keepWrappedKey')

/** By operators. Errors: NotFound, NoOrganisationKey, TooManyKeys. */
export const addOrganisationKey = /* @__PURE__ */ lexicons.procedure<
  None,
  { did: string },
  { did: string; added: boolean }
>('app.falaj.admin.addOrganisationKey')
