import { mainSchema } from '@atcute/bluesky/types/app/feed/getListFeed'
import { type Method, XrpcError } from '#protocol/xrpc'
import { feedMethod } from '../pages/feed-page.ts'
import type { ReadParts } from '../parts.ts'
import { POST_KIND } from '../read/feed-entry.ts'
import { ancestorsBlocked, feedItemAllowed, itemMuted } from '../views/feed.ts'

/** What those on a list posted themselves, newest first. Errors: UnknownList. */
export function getListFeed(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'feedItems' | 'hydrator' | 'resolver' | 'timelines' | 'userLists'
  >,
): Method {
  const { auth, resolver, timelines, userLists } = parts
  return feedMethod(mainSchema, {
    auth: auth.optional,
    parts,
    stages: {
      async skeleton({ list }, viewer, page) {
        const key = await resolver.list(list)
        const [known] = key ? await userLists.byKeys([key], viewer?.aid ?? 0) : []
        if (known === undefined) throw new XrpcError(400, 'UnknownList', 'List not found')
        const { entries, cursor } = await timelines.listPage([known.aid, known.rkey], page)
        return { entries: entries.filter(({ kind }) => kind === POST_KIND), cursor }
      },
      rules: (h, item) =>
        feedItemAllowed(h, item) && !itemMuted(h, item) && !ancestorsBlocked(h, item.post),
    },
  })
}
