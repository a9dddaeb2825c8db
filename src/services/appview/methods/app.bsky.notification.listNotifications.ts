import { mainSchema } from '@atcute/bluesky/types/app/notification/listNotifications'
import { invalidRequest, type Method, query } from '#protocol/xrpc'
import {
  hydrateNotices,
  type NoticesHydration,
  subscriptionsInForce,
  visibleNotices,
} from '../pages/notices-page.ts'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { NoticedRecord } from '../read/noticed-records.ts'
import type { NoticeRow } from '../read/notices.ts'
import { arrayOf, cursorMember, type Json, textMember } from '../views/json.ts'
import { noticeView } from '../views/notice.ts'

type Parts = Pick<
  ReadParts,
  | 'actors'
  | 'auth'
  | 'edges'
  | 'hydrator'
  | 'noticedRecords'
  | 'noticePreferences'
  | 'notices'
  | 'relations'
  | 'subscriptions'
>

/** What others did that concerns the viewer, newest first. `priority`: only by those it follows. */
export function listNotifications(parts: Parts): Method {
  const { actors, auth, noticedRecords, noticePreferences, notices } = parts
  return query(mainSchema, {
    auth: auth.required,
    async handle({ params, caller }) {
      if (params.seenAt !== undefined) throw invalidRequest('The seenAt parameter is unsupported')
      const { listed, byFollowed, ...preferred } = await noticePreferences.load(caller.aid)
      const { priority = preferred.priority } = params
      const asked: readonly string[] = params.reasons ?? listed
      const reasons = listed.filter((reason) => asked.includes(reason))
      const subscriptions = await subscriptionsInForce(parts, caller)
      const wanted = { priority, byFollowed, verifiers: notices.verifiers }
      const seenUs = await notices.seenUs(caller.aid)
      const { items, cursor } = await fillPage(params, async (page) => {
        const skeleton = await notices.page(caller.aid, { ...page, reasons, subscriptions })
        const h = await hydrateNotices(parts, skeleton.notices, caller)
        const rows = visibleNotices(skeleton.notices, h, wanted)
        const records = await noticedRecords.of(rows)
        return { items: present(rows, h, records, seenUs), cursor: skeleton.cursor }
      })
      const seenAt = seenUs === undefined ? undefined : new Date(seenUs / 1000).toISOString()
      const body = `{"notifications":${arrayOf(items)},"priority":${priority}${textMember('seenAt', seenAt)}${cursorMember(cursor)}}`
      return respond(body, await revOf(actors, caller))
    },
  })
}

function present(
  rows: readonly NoticeRow[],
  h: NoticesHydration,
  records: ReadonlyMap<string, NoticedRecord>,
  seenUs = 0,
): Json[] {
  return rows
    .map((row) => noticeView(h, row, records, row.sortUs <= seenUs))
    .filter((view) => view !== undefined)
}
