import type { Directory } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import type { Auth } from '#protocol/xrpc'
import type { AgeRegion } from './age-assurance/age-regions.ts'
import type { ViewerAuth } from './auth/auth.ts'
import type { Bookmarks } from './bookmarks/bookmarks.ts'
import type { Drafts } from './drafts/drafts.ts'
import type { FeedMakers } from './feeds/feed-makers.ts'
import type { LabelerServices } from './labelers/labeler-services.ts'
import type { Mutes } from './mutes/mutes.ts'
import type { ThreadMutes } from './mutes/thread-mutes.ts'
import type { ActivitySubscriptions } from './notifications/activity-subscriptions.ts'
import type { NoticeSettings } from './notifications/notice-settings.ts'
import type { PushTokens } from './notifications/push-tokens.ts'
import type { PrivateState } from './private-state/private-state.ts'
import type { Actors } from './read/actors.ts'
import type { AuthorFeeds } from './read/author-feeds.ts'
import type { Edges } from './read/edges.ts'
import type { FeedItems } from './read/feed-items.ts'
import type { Generators } from './read/generators.ts'
import type { Hydrator } from './read/hydrate.ts'
import type { KnownFollowers } from './read/known-followers.ts'
import type { Labels } from './read/labels.ts'
import type { NoticePreferencesByAccount } from './read/notice-preferences.ts'
import type { NoticedRecords } from './read/noticed-records.ts'
import type { Notices } from './read/notices.ts'
import type { Refusals } from './read/refusals.ts'
import type { Relations } from './read/relations.ts'
import type { Resolver } from './read/resolver.ts'
import type { StarterPacks } from './read/starter-packs.ts'
import type { Subscriptions } from './read/subscriptions.ts'
import type { Suggestions } from './read/suggestions.ts'
import type { Threads } from './read/threads.ts'
import type { Timelines } from './read/timelines.ts'
import type { Trends } from './read/trends.ts'
import type { UserLists } from './read/user-lists.ts'
import type { Rebuild } from './rebuild/rebuild.ts'
import type { Visitors } from './scope/visitors.ts'
import type { SearchService } from './search/search-service.ts'
import type { MediaUrls } from './views/images.ts'

/** The parts of an app view that answer reads. A method takes those it uses. */
export interface ReadParts {
  activitySubscriptions: ActivitySubscriptions
  actors: Actors
  /** Where an age is asked for. */
  ageRegions: readonly AgeRegion[]
  auth: ViewerAuth
  authorFeeds: AuthorFeeds
  bookmarks: Bookmarks
  /** Our own. */
  did: Did
  directory: Directory
  drafts: Drafts
  edges: Edges
  feedItems: FeedItems
  feedMakers: FeedMakers
  generators: Generators
  hydrator: Hydrator
  knownFollowers: KnownFollowers
  labelerServices: LabelerServices
  labels: Labels
  mutes: Mutes
  noticePreferences: NoticePreferencesByAccount
  noticeSettings: NoticeSettings
  noticedRecords: NoticedRecords
  notices: Notices
  /** Whoever runs this service. */
  operator: Auth<'operator'>
  privateState: PrivateState
  pushTokens: PushTokens
  /** Undefined where the index has no file of its own. */
  rebuild(): Rebuild | undefined
  refusals: Refusals
  relations: Relations
  resolver: Resolver
  search: SearchService
  subscriptions: Subscriptions
  suggestions: Suggestions
  trends: Trends
  threadMutes: ThreadMutes
  starterPacks: StarterPacks
  threads: Threads
  timelines: Timelines
  urls: MediaUrls
  userLists: UserLists
  visitors: Visitors
}
