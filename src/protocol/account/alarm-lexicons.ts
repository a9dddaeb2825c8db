/** Our own methods for changes of an identity, made here or not: `app.falaj.identity.*`. */
import acknowledgeAlarmJson from '#lexicons/app/falaj/identity/acknowledgeAlarm' with {
  type: 'json',
}
import changeDocumentJson from '#lexicons/app/falaj/identity/changeDocument' with { type: 'json' }
import listAlarmsJson from '#lexicons/app/falaj/identity/listAlarms' with { type: 'json' }
import undoOperationJson from '#lexicons/app/falaj/identity/undoOperation' with { type: 'json' }
import type { PlcChange, PlcService } from '#protocol/identity'
import { compileLexicons } from '#protocol/lexicon'
import type { RotationKeyView } from './identity-lexicons.ts'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  listAlarmsJson,
  acknowledgeAlarmJson,
  undoOperationJson,
  changeDocumentJson,
])

type None = Record<never, never>

/** A change of the caller's identity that was not made through its host. Times are ISO 8601. */
export interface IdentityAlarm {
  /** The operation, as the directory names it. */
  cid: string
  createdAt: string
  seenAt: string
  /** Until then a key that ranks above the signer's can take it back. */
  undoUntil: string
  state: 'open' | 'acknowledged' | 'undone'
  /** Who can undo it; `unknown` while the directory does not answer. */
  undo: 'host' | 'ownKey' | 'none' | 'unknown'
  changes: PlcChange[]
  /** did:key that signed it. */
  signer?: string
  holder?: RotationKeyView['holder']
}

export interface IdentityUndone {
  state: 'undone' | 'needsOwnKey'
  /** What was submitted; or what one of `keys` has to sign. */
  operation: Record<string, unknown>
  keys?: string[]
  until?: string
}

export const listAlarms = /* @__PURE__ */ lexicons.query<None, { alarms: IdentityAlarm[] }>(
  'app.falaj.identity.listAlarms',
)

/** Errors: AlarmNotFound. */
export const acknowledgeAlarm = /* @__PURE__ */ lexicons.procedure<
  None,
  { cid: string },
  undefined
>('app.falaj.identity.acknowledgeAlarm')

/** Errors: AlarmNotFound, NothingToUndo, CannotUndo, InvalidSignature. */
export const undoOperation = /* @__PURE__ */ lexicons.procedure<
  None,
  { cid: string; sig?: string },
  IdentityUndone
>('app.falaj.identity.undoOperation')

/** Of a did:web that the host serves. Errors: NotHosted, InvalidToken, ExpiredToken. */
export const changeDocument = /* @__PURE__ */ lexicons.procedure<
  None,
  {
    token: string
    alsoKnownAs?: string[]
    verificationMethods?: Record<string, string>
    services?: Record<string, PlcService>
  },
  undefined
>('app.falaj.identity.changeDocument')
