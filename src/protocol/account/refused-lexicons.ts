/** What an app view cannot index, and why: `app.falaj.appview.listRefused`. */
import listRefusedJson from '#lexicons/app/falaj/appview/listRefused' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Did } from '#protocol/syntax'

const lexicons = /* @__PURE__ */ compileLexicons([listRefusedJson])

/** A record that could not be indexed. */
export interface RefusedRecord {
  uri: string
  cid?: string | undefined
  reason: string
  detail: string
  /** ISO 8601. */
  seenAt: string
}

/** Records an app view could not index, the last seen first. */
export const listRefused = /* @__PURE__ */ lexicons.query<
  { did?: Did; limit: number; cursor?: string },
  { records: RefusedRecord[]; cursor?: string | undefined }
>('app.falaj.appview.listRefused')
