/** Our own methods by which operators suspend accounts: a pause that may end by itself. */
import endSuspensionJson from '#lexicons/app/falaj/admin/endSuspension' with { type: 'json' }
import listSuspensionsJson from '#lexicons/app/falaj/admin/listSuspensions' with { type: 'json' }
import suspendAccountJson from '#lexicons/app/falaj/admin/suspendAccount' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  endSuspensionJson,
  listSuspensionsJson,
  suspendAccountJson,
])

/** Times are ISO 8601. */
export interface SuspensionView {
  did: string
  since: string
  /** When it ends by itself; absent when somebody has to end it. */
  until?: string | undefined
  ref?: string | undefined
}

/** Pauses an account, or changes how long for. Errors: NotFound. */
export const suspendAccount = /* @__PURE__ */ lexicons.procedure<
  Record<never, never>,
  { did: string; until?: string | undefined; ref?: string | undefined },
  SuspensionView
>('app.falaj.admin.suspendAccount')

/** Errors: NotFound. */
export const endSuspension = /* @__PURE__ */ lexicons.procedure<
  Record<never, never>,
  { did: string },
  { did: string }
>('app.falaj.admin.endSuspension')

/** Who is suspended. */
export const listSuspensions = /* @__PURE__ */ lexicons.query<
  { did?: string | undefined; limit: number; cursor?: string | undefined },
  { suspensions: SuspensionView[]; cursor?: string | undefined }
>('app.falaj.admin.listSuspensions')
