/** Making the index of an app view anew: `app.falaj.appview.rebuild`. */
import getRebuildJson from '#lexicons/app/falaj/appview/getRebuild' with { type: 'json' }
import rebuildJson from '#lexicons/app/falaj/appview/rebuild' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'

const lexicons = /* @__PURE__ */ compileLexicons([getRebuildJson, rebuildJson])

/** How far an index that is being made anew is. */
export interface IndexRebuild {
  running: boolean
  /** ISO 8601. */
  startedAt?: string | undefined
  /** Every repository that the upstream lists was asked for. */
  listed?: boolean | undefined
  /** Repositories not tried yet. */
  left?: number | undefined
  /** Repositories whose hosts did not give them when asked last. */
  failing?: number | undefined
  /** Sequence numbers of the upstream between the serving index and the new one. */
  behind?: number | undefined
}

type None = Record<never, never>

/** Whether the index is being made anew, and how far that is. */
export const getRebuild = /* @__PURE__ */ lexicons.query<None, IndexRebuild>(
  'app.falaj.appview.getRebuild',
)

/** Has the index made anew, or gives that up. Errors: NoRoom, NotRebuildable. */
export const rebuildIndex = /* @__PURE__ */ lexicons.procedure<
  None,
  { action: 'start' | 'cancel' },
  IndexRebuild
>('app.falaj.appview.rebuild')
