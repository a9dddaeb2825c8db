/** What an app view alone knows of an account, taken along: `app.falaj.appview.*`. */
import defsJson from '#lexicons/app/falaj/appview/defs' with { type: 'json' }
import exportPrivateJson from '#lexicons/app/falaj/appview/exportPrivate' with { type: 'json' }
import importPrivateJson from '#lexicons/app/falaj/appview/importPrivate' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Did, Tid } from '#protocol/syntax'

const lexicons = /* @__PURE__ */ compileLexicons([defsJson, exportPrivateJson, importPrivateJson])

type None = Record<never, never>

/** One thing of an account's private state. Times are ISO 8601. */
export type PrivateItem =
  | { $type: 'app.falaj.appview.defs#mutedAccount'; subject: Did; createdAt: string }
  | { $type: 'app.falaj.appview.defs#mutedList'; list: string }
  | { $type: 'app.falaj.appview.defs#mutedThread'; root: string }
  | { $type: 'app.falaj.appview.defs#bookmark'; uri: string; cid: string; createdAt: string }
  | {
      $type: 'app.falaj.appview.defs#draft'
      id: Tid
      draft: unknown
      createdAt: string
      updatedAt: string
    }
  | {
      $type: 'app.falaj.appview.defs#notificationPreferences'
      priority: boolean
      preferences: unknown
    }
  | {
      $type: 'app.falaj.appview.defs#activitySubscription'
      subject: Did
      post: boolean
      reply: boolean
      since: string
    }
  | { $type: 'app.falaj.appview.defs#seen'; seenAt: string }

/** A page of the caller's private state, and which app view keeps it. */
export const exportPrivate = /* @__PURE__ */ lexicons.query<
  { limit: number; cursor?: string },
  { did: Did; items: PrivateItem[]; cursor?: string | undefined }
>('app.falaj.appview.exportPrivate')

/** Adds a page to the caller's private state; says how many items found no room. */
export const importPrivate = /* @__PURE__ */ lexicons.procedure<
  None,
  { items: PrivateItem[] },
  { refused: number }
>('app.falaj.appview.importPrivate')
