import type { Fetch, Timers } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Directory } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { ViewerAuth } from './auth/auth.ts'
import { FeedMakers } from './feeds/feed-makers.ts'
import type { Changed } from './index/changed.ts'
import { LabelerServices } from './labelers/labeler-services.ts'
import type { Labelers } from './labelers/labelers.ts'
import { embeddedViews } from './pages/embedded-records.ts'
import type { ReadParts } from './parts.ts'
import { Actors } from './read/actors.ts'
import { AuthorFeeds } from './read/author-feeds.ts'
import { Changes } from './read/cache.ts'
import { Edges } from './read/edges.ts'
import { FeedItems } from './read/feed-items.ts'
import { Gates } from './read/gates.ts'
import { Generators } from './read/generators.ts'
import { Hydrator } from './read/hydrate.ts'
import { KnownFollowers } from './read/known-followers.ts'
import { Labels } from './read/labels.ts'
import { MutedThreads } from './read/muted-threads.ts'
import { NoticePreferencesByAccount } from './read/notice-preferences.ts'
import { NoticedRecords } from './read/noticed-records.ts'
import { Notices } from './read/notices.ts'
import { Posts } from './read/posts.ts'
import { Refusals } from './read/refusals.ts'
import { Relations } from './read/relations.ts'
import { Resolver } from './read/resolver.ts'
import { StarterPacks } from './read/starter-packs.ts'
import { Subscriptions } from './read/subscriptions.ts'
import { Suggestions } from './read/suggestions.ts'
import { Threads } from './read/threads.ts'
import { Timelines } from './read/timelines.ts'
import { Trends } from './read/trends.ts'
import { UserLists } from './read/user-lists.ts'
import { SearchService } from './search/search-service.ts'
import { mediaUrls } from './views/images.ts'

/** Parts that answer reads and write, too: made where the writer is. */
type WritingPart =
  | 'activitySubscriptions'
  | 'ageRegions'
  | 'bookmarks'
  | 'drafts'
  | 'mutes'
  | 'noticeSettings'
  | 'operator'
  | 'privateState'
  | 'pushTokens'
  | 'rebuild'
  | 'threadMutes'
  | 'visitors'

export interface Reader extends Omit<ReadParts, WritingPart> {
  /** The caches forget what a committed transaction changed. */
  forget(changed: Changed): void
}

/** Everything that answers reads, and what keeps it true to the index. */
export function createReader(options: {
  sql: Sql
  directory: Directory
  /** Where pictures and films are, without a slash at its end. */
  mediaUrl: string
  fetch: Fetch
  timers: Timers
  /** URL of the search service, if there is one. */
  searchUrl: string | undefined
  now: () => number
  /** DIDs of accounts whose word on who others are is shown. */
  verifiers: readonly string[]
  did: Did
  labelers: Labelers
  missed?: ((uris: ReadonlySet<string>) => void) | undefined
}): Reader {
  const { sql, directory, now, did, labelers } = options
  const changes = new Changes()
  const urls = mediaUrls(options.mediaUrl)
  const actors = new Actors({ sql, changes, urls, now, verifiers: options.verifiers })
  const posts = new Posts({ sql, changes, urls })
  const relations = new Relations({ sql, changes })
  const labels = new Labels({ sql, changes, now, own: () => labelers.own() })
  const mutedThreads = new MutedThreads({ sql, changes })
  const noticePreferences = new NoticePreferencesByAccount({ sql, changes })
  const noticedRecords = new NoticedRecords({ sql, changes })
  const userLists = new UserLists({ sql })
  const subscriptions = new Subscriptions({ sql, changes })
  const edges = new Edges({ sql })
  const feedItems = new FeedItems({ edges, changes })
  const timelines = new Timelines({ sql, changes })
  const authorFeeds = new AuthorFeeds({ sql, changes })
  const caches = {
    changes,
    actors,
    posts,
    relations,
    labels,
    mutedThreads,
    noticedRecords,
    noticePreferences,
    subscriptions,
    feedItems,
    timelines,
    authorFeeds,
  }
  const shown = {
    actors,
    generators: new Generators({ sql }),
    labelerServices: new LabelerServices({
      sql,
      directory,
      fetch: options.fetch,
      own: () => labelers.own(),
      now,
    }),
    labels,
    starterPacks: new StarterPacks({ sql, now }),
    urls,
    userLists,
  }
  return {
    ...shown,
    auth: new ViewerAuth({ directory, actors, labelers, now, did }),
    authorFeeds,
    did,
    directory,
    edges,
    feedItems,
    feedMakers: new FeedMakers({ directory, fetch: options.fetch }),
    hydrator: new Hydrator({
      actors,
      posts,
      relations,
      labels,
      gates: new Gates({ sql, actors, userLists }),
      mutedThreads,
      userLists,
      embedded: embeddedViews(shown),
      missed: options.missed,
    }),
    knownFollowers: new KnownFollowers({ edges, changes, now }),
    noticePreferences,
    noticedRecords,
    notices: new Notices({ sql, verifiers: options.verifiers }),
    refusals: new Refusals({ sql }),
    relations,
    resolver: new Resolver({ actors, directory }),
    search: new SearchService({
      url: options.searchUrl,
      fetch: options.fetch,
      timers: options.timers,
    }),
    suggestions: new Suggestions({ sql, changes, actors, now }),
    trends: new Trends({ sql, actors, now }),
    subscriptions,
    threads: new Threads({ sql, posts }),
    timelines,
    forget: forgetter(caches),
  }
}

function forgetter(parts: {
  changes: Changes
  actors: Actors
  posts: Posts
  relations: Relations
  labels: Labels
  mutedThreads: MutedThreads
  noticedRecords: NoticedRecords
  noticePreferences: NoticePreferencesByAccount
  subscriptions: Subscriptions
  feedItems: FeedItems
  timelines: Timelines
  authorFeeds: AuthorFeeds
}): Reader['forget'] {
  const { changes, actors, posts, relations, labels, feedItems, timelines, authorFeeds } = parts
  return (changed) => {
    changes.version++
    for (const aid of changed.actors) actors.drop(aid)
    for (const aid of changed.revs) actors.dropRev(aid)
    for (const aid of changed.actorCounts) actors.dropCounts(aid)
    for (const key of changed.posts) posts.drop(key)
    for (const key of changed.counts) posts.dropCounts(key)
    for (const [aid, other] of changed.pairs) relations.dropPair(aid, other)
    if (changed.isEverybodyElse) relations.clear()
    for (const aid of changed.standings) relations.dropAccount(aid)
    for (const [aid, post] of changed.marks) relations.dropMark(aid, post)
    for (const aid of changed.threadMutes) parts.mutedThreads.drop(aid)
    for (const key of changed.untold) parts.noticedRecords.drop(key)
    for (const aid of changed.subscriptions) parts.subscriptions.drop(aid)
    for (const aid of changed.noticePreferences) parts.noticePreferences.drop(aid)
    for (const uri of changed.labels) labels.drop(uri)
    for (const key of changed.lists) timelines.dropList(key)
    for (const aid of changed.follows) timelines.dropFollows(aid)
    for (const entry of changed.feedRemoved) {
      timelines.remove(entry)
      feedItems.drop(entry)
      authorFeeds.drop(entry.aid)
    }
    for (const entry of changed.feedAdded) {
      timelines.add(entry)
      authorFeeds.drop(entry.aid)
    }
  }
}
