/** Our own methods for the people who operate a host: `app.falaj.admin.*` beside `com.atproto.admin.*`. */
import addOperatorJson from '#lexicons/app/falaj/admin/addOperator' with { type: 'json' }
import listAuditJson from '#lexicons/app/falaj/admin/listAudit' with { type: 'json' }
import listOperatorsJson from '#lexicons/app/falaj/admin/listOperators' with { type: 'json' }
import revokeOperatorJson from '#lexicons/app/falaj/admin/revokeOperator' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  addOperatorJson,
  listAuditJson,
  listOperatorsJson,
  revokeOperatorJson,
])

type None = Record<never, never>

/** What an operator may do: all; decide about content; help people with accounts; only look. */
export type OperatorRole = 'admin' | 'moderator' | 'support' | 'viewer'

/** Times are ISO 8601. */
export interface OperatorView {
  name: string
  role: OperatorRole
  createdAt: string
  createdBy: string
  revokedAt?: string | undefined
  lastSeenAt?: string | undefined
}

export interface AuditEntry {
  id: number
  at: string
  /** Name of the operator, or DID of the moderation service. */
  operator: string
  role: OperatorRole
  method: string
  subject?: string | undefined
  detail?: string | undefined
  /** `ok` or an error's name; absent when the host stopped on the way. */
  outcome?: string | undefined
}

/** A new operator and the secret, which is shown only here. Errors: OperatorExists. */
export const addOperator = /* @__PURE__ */ lexicons.procedure<
  None,
  { name: string; role: OperatorRole },
  { name: string; role: OperatorRole; secret: string }
>('app.falaj.admin.addOperator')

/** Errors: OperatorNotFound. */
export const revokeOperator = /* @__PURE__ */ lexicons.procedure<
  None,
  { name: string },
  { name: string }
>('app.falaj.admin.revokeOperator')

/** Every operator, revoked ones too. */
export const listOperators = /* @__PURE__ */ lexicons.query<None, { operators: OperatorView[] }>(
  'app.falaj.admin.listOperators',
)

/** What operators did, newest first. */
export const listAudit = /* @__PURE__ */ lexicons.query<
  {
    operator?: string | undefined
    method?: string | undefined
    subject?: string | undefined
    limit: number
    cursor?: string | undefined
  },
  { entries: AuditEntry[]; cursor?: string | undefined }
>('app.falaj.admin.listAudit')
