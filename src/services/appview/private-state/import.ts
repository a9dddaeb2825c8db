import { draftSchema } from '@atcute/bluesky/types/app/draft/defs'
import { mainSchema as putPreferences } from '@atcute/bluesky/types/app/notification/putPreferencesV2'
import { safeParse } from '@atcute/lexicons/validations'
import type { PrivateItem } from '#protocol/account'
import { datetimeMs } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { putBookmark } from '../bookmarks/bookmarks.ts'
import { bodyOf, putDraft } from '../drafts/drafts.ts'
import type { Batch } from '../index/batch.ts'
import { listOf } from '../index/list.ts'
import { muteAccount, muteList } from '../mutes/mutes.ts'
import { muteThread } from '../mutes/thread-mutes.ts'
import { putSubscription } from '../notifications/activity-subscriptions.ts'
import { changeNoticeSetting } from '../notifications/notice-settings.ts'
import { knownPreferences } from '../read/notice-preferences.ts'
import { postRefOf } from '../views/post.ts'

/** Adds items to an account's private state; how many found no room or could not be made out. */
export async function importItems(
  batch: Batch,
  aid: number,
  items: readonly PrivateItem[],
): Promise<number> {
  let refused = 0
  for (const item of items) if (!(await isTaken(batch, aid, item))) refused++
  return refused
}

async function isTaken(batch: Batch, aid: number, item: PrivateItem): Promise<boolean> {
  try {
    return await take(batch, aid, item)
  } catch (error) {
    // No room: what takes an item asks for it before it writes.
    if (error instanceof XrpcError && error.status === 400) return false
    throw error
  }
}

/** False for what names nothing. What is there already stays as it is. */
async function take(batch: Batch, aid: number, item: PrivateItem): Promise<boolean> {
  switch (item.$type) {
    case 'app.falaj.appview.defs#mutedAccount': {
      const subjectAid = await batch.aidOf(item.subject)
      await muteAccount(batch, aid, { subjectAid, createdMs: datetimeMs(item.createdAt) })
      return true
    }
    case 'app.falaj.appview.defs#mutedList': {
      const list = listOf(item.list)
      if (list === undefined) return false
      await muteList(batch, aid, { aid: await batch.aidOf(list.did), rkey: list.rkey })
      return true
    }
    case 'app.falaj.appview.defs#mutedThread': {
      const root = postRefOf(item.root)
      if (root === undefined) return false
      await muteThread(batch, aid, [await batch.aidOf(root.did), root.rkey])
      return true
    }
    case 'app.falaj.appview.defs#bookmark': {
      const post = postRefOf(item.uri)
      if (post === undefined) return false
      const subjectAid = await batch.aidOf(post.did)
      const createdUs = datetimeMs(item.createdAt) * 1000
      await putBookmark(batch, aid, { subjectAid, rkey: post.rkey, cid: item.cid, createdUs })
      return true
    }
    case 'app.falaj.appview.defs#draft': {
      const draft = safeParse(draftSchema, item.draft)
      if (!draft.ok) return false
      const [createdMs, updatedMs] = [datetimeMs(item.createdAt), datetimeMs(item.updatedAt)]
      await putDraft(batch, aid, { id: item.id, body: bodyOf(draft.value), createdMs, updatedMs })
      return true
    }
    case 'app.falaj.appview.defs#activitySubscription': {
      const { subject, post: posts, reply: replies } = item
      const subjectAid = await batch.aidOf(subject)
      if (!(posts || replies) || subjectAid === aid) return false
      const known = await batch.sql.get(
        'select 1 from activity_subscription where aid = ? and subject_aid = ?',
        [aid, subjectAid],
      )
      const sinceUs = datetimeMs(item.since) * 1000
      if (!known) await putSubscription(batch, aid, { subjectAid, posts, replies, sinceUs })
      return true
    }
    case 'app.falaj.appview.defs#notificationPreferences':
      return takePreferences(batch, aid, item)
    case 'app.falaj.appview.defs#seen':
      await batch.sql.run(
        'insert into seen (aid, seen_us) values (?, ?) on conflict (aid) do nothing',
        [aid, datetimeMs(item.seenAt) * 1000],
      )
      return true
  }
}

async function takePreferences(
  batch: Batch,
  aid: number,
  item: { priority: boolean; preferences: unknown },
): Promise<boolean> {
  const given = safeParse(putPreferences.input.schema, item.preferences)
  if (!given.ok) return false
  const known = await batch.sql.get('select 1 from notice_preference where aid = ?', [aid])
  const preferences = knownPreferences(given.value)
  if (!known) await changeNoticeSetting(batch, aid, { priority: item.priority, preferences })
  return true
}
