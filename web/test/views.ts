/**
 * The client's own view types against the official lexicons, at compile time: what the app view may
 * send must fit what pages read. Nothing here runs.
 */
import type {
  AppBskyActorDefs,
  AppBskyFeedDefs,
  AppBskyNotificationListNotifications,
  AppBskyRichtextFacet,
} from '@atcute/bluesky'
import type { Facet, Generator, Label, Person, Profile } from '../src/data/views.ts'

type Fits<Official extends Ours, Ours> = [Official, Ours]

export type Checked = [
  Fits<AppBskyActorDefs.ProfileView, Person>,
  Fits<AppBskyActorDefs.ProfileViewBasic, Person>,
  Fits<AppBskyActorDefs.ProfileViewDetailed, Profile>,
  Fits<NonNullable<AppBskyActorDefs.ProfileView['labels']>[number], Label>,
  Fits<AppBskyFeedDefs.GeneratorView, Generator>,
  Fits<AppBskyRichtextFacet.Main['index'], Facet['index']>,
]

// A post's record and embed are open types in the lexicons; the fields around them are held.
type Around<T> = Omit<T, 'record' | 'embed' | 'author'>

export type CheckedPosts = [
  Fits<
    Around<AppBskyFeedDefs.PostView>,
    Omit<Around<import('../src/data/views.ts').Post>, 'viewer'>
  >,
  Fits<AppBskyNotificationListNotifications.Notification['author'], Person>,
]
