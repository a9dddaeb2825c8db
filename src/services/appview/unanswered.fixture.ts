/**
 * Every method of app.bsky that this app view does not answer, and why. unanswered.test.ts compares
 * it with the lexicons and the method table, so a method is either answered or has a line here.
 */
import type { Nsid } from '#protocol/syntax'

type Reasons = Partial<Record<Nsid, string>>

const MAKERS = 'asked of the services that make feeds; an app view asks it, and answers getFeed'
const SEARCH = 'asked of the search service by this one, and answered there'
const PREFERENCES = "kept at the account's host, which answers without asking an app view"
const RECOMMENDER =
  'of a service that recommends, asked by an app view that has none of its own; ours works out what it suggests from its index'
const CONTACTS =
  'matches telephone numbers, which nobody of this stack collects; clients offer it only where a host says so'
const VIDEO = 'of a service that takes films in; a record with a film passes through'

/** Answered by another service of the stack, or by somebody else's. */
export const elsewhere: Reasons = {
  'app.bsky.actor.getPreferences': PREFERENCES,
  'app.bsky.actor.putPreferences': PREFERENCES,
  'app.bsky.feed.describeFeedGenerator': MAKERS,
  'app.bsky.feed.getFeedSkeleton': MAKERS,
  'app.bsky.feed.sendInteractions': 'sent by clients to the maker of the feed, past the app view',
  'app.bsky.unspecced.searchActorsSkeleton': SEARCH,
  'app.bsky.unspecced.searchPostsSkeleton': SEARCH,
  'app.bsky.video.abortUpload': VIDEO,
  'app.bsky.video.finishUpload': VIDEO,
  'app.bsky.video.getJobStatus': VIDEO,
  'app.bsky.video.getUploadLimits': VIDEO,
  'app.bsky.video.getUploadStatus': VIDEO,
  'app.bsky.video.startUpload': VIDEO,
  'app.bsky.video.uploadPart': VIDEO,
  'app.bsky.video.uploadVideo': VIDEO,
}

/** Answered by nobody here: what they are about does not exist in this stack. */
export const notApplicable: Reasons = {
  'app.bsky.contact.dismissMatch': CONTACTS,
  'app.bsky.contact.getMatches': CONTACTS,
  'app.bsky.contact.getSyncStatus': CONTACTS,
  'app.bsky.contact.importContacts': CONTACTS,
  'app.bsky.contact.removeData': CONTACTS,
  'app.bsky.contact.sendNotification': CONTACTS,
  'app.bsky.contact.startPhoneVerification': CONTACTS,
  'app.bsky.contact.verifyPhone': CONTACTS,
  'app.bsky.embed.getEmbedExternalView':
    'builds previews from records of other applications, whose lexicons nobody here has',
  'app.bsky.unspecced.getOnboardingSuggestedStarterPacksSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getOnboardingSuggestedUsersSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestedFeedsSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestedStarterPacksSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestedUsersForDiscoverSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestedUsersForExploreSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestedUsersForSeeMoreSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestedUsersSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getSuggestionsSkeleton': RECOMMENDER,
  'app.bsky.unspecced.getTrendsSkeleton': RECOMMENDER,
  'app.bsky.unspecced.searchStarterPacksSkeleton': RECOMMENDER,
}

/** Meant to be answered here, and not yet. Whoever adds the method takes its line out. */
export const toCome: Reasons = {}
