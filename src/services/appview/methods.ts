import type { Method } from '#protocol/xrpc'
import { getProfile } from './methods/app.bsky.actor.getProfile.ts'
import { getProfiles } from './methods/app.bsky.actor.getProfiles.ts'
import { getSuggestions } from './methods/app.bsky.actor.getSuggestions.ts'
import { searchActors } from './methods/app.bsky.actor.searchActors.ts'
import { searchActorsTypeahead } from './methods/app.bsky.actor.searchActorsTypeahead.ts'
import { begin as beginAgeAssurance } from './methods/app.bsky.ageassurance.begin.ts'
import { getConfig as getAgeConfig } from './methods/app.bsky.ageassurance.getConfig.ts'
import { getState as getAgeState } from './methods/app.bsky.ageassurance.getState.ts'
import { createBookmark } from './methods/app.bsky.bookmark.createBookmark.ts'
import { deleteBookmark } from './methods/app.bsky.bookmark.deleteBookmark.ts'
import { getBookmarks } from './methods/app.bsky.bookmark.getBookmarks.ts'
import { createDraft } from './methods/app.bsky.draft.createDraft.ts'
import { deleteDraft } from './methods/app.bsky.draft.deleteDraft.ts'
import { getDrafts } from './methods/app.bsky.draft.getDrafts.ts'
import { updateDraft } from './methods/app.bsky.draft.updateDraft.ts'
import { getActorFeeds } from './methods/app.bsky.feed.getActorFeeds.ts'
import { getActorLikes } from './methods/app.bsky.feed.getActorLikes.ts'
import { getAuthorFeed } from './methods/app.bsky.feed.getAuthorFeed.ts'
import { getFeed } from './methods/app.bsky.feed.getFeed.ts'
import { getFeedGenerator } from './methods/app.bsky.feed.getFeedGenerator.ts'
import { getFeedGenerators } from './methods/app.bsky.feed.getFeedGenerators.ts'
import { getLikes } from './methods/app.bsky.feed.getLikes.ts'
import { getListFeed } from './methods/app.bsky.feed.getListFeed.ts'
import { getPosts } from './methods/app.bsky.feed.getPosts.ts'
import { getPostThread } from './methods/app.bsky.feed.getPostThread.ts'
import { getQuotes } from './methods/app.bsky.feed.getQuotes.ts'
import { getRepostedBy } from './methods/app.bsky.feed.getRepostedBy.ts'
import { getSuggestedFeeds } from './methods/app.bsky.feed.getSuggestedFeeds.ts'
import { getTimeline } from './methods/app.bsky.feed.getTimeline.ts'
import { searchPosts } from './methods/app.bsky.feed.searchPosts.ts'
import { searchPostsV2 } from './methods/app.bsky.feed.searchPostsV2.ts'
import { getActorStarterPacks } from './methods/app.bsky.graph.getActorStarterPacks.ts'
import { getBlocks } from './methods/app.bsky.graph.getBlocks.ts'
import { getFollowers } from './methods/app.bsky.graph.getFollowers.ts'
import { getFollows } from './methods/app.bsky.graph.getFollows.ts'
import { getKnownFollowers } from './methods/app.bsky.graph.getKnownFollowers.ts'
import { getList } from './methods/app.bsky.graph.getList.ts'
import { getListBlocks } from './methods/app.bsky.graph.getListBlocks.ts'
import { getListMutes } from './methods/app.bsky.graph.getListMutes.ts'
import { getLists } from './methods/app.bsky.graph.getLists.ts'
import { getListsWithMembership } from './methods/app.bsky.graph.getListsWithMembership.ts'
import { getMutes } from './methods/app.bsky.graph.getMutes.ts'
import { getRelationships } from './methods/app.bsky.graph.getRelationships.ts'
import { getStarterPack } from './methods/app.bsky.graph.getStarterPack.ts'
import { getStarterPacks } from './methods/app.bsky.graph.getStarterPacks.ts'
import { getStarterPacksWithMembership } from './methods/app.bsky.graph.getStarterPacksWithMembership.ts'
import { getSuggestedFollowsByActor } from './methods/app.bsky.graph.getSuggestedFollowsByActor.ts'
import { muteActor } from './methods/app.bsky.graph.muteActor.ts'
import { muteActorList } from './methods/app.bsky.graph.muteActorList.ts'
import { muteThread } from './methods/app.bsky.graph.muteThread.ts'
import { searchStarterPacks } from './methods/app.bsky.graph.searchStarterPacks.ts'
import { searchStarterPacksV2 } from './methods/app.bsky.graph.searchStarterPacksV2.ts'
import { unmuteActor } from './methods/app.bsky.graph.unmuteActor.ts'
import { unmuteActorList } from './methods/app.bsky.graph.unmuteActorList.ts'
import { unmuteThread } from './methods/app.bsky.graph.unmuteThread.ts'
import { getServices } from './methods/app.bsky.labeler.getServices.ts'
import { getPreferences } from './methods/app.bsky.notification.getPreferences.ts'
import { getUnreadCount } from './methods/app.bsky.notification.getUnreadCount.ts'
import { listActivitySubscriptions } from './methods/app.bsky.notification.listActivitySubscriptions.ts'
import { listNotifications } from './methods/app.bsky.notification.listNotifications.ts'
import { putActivitySubscription } from './methods/app.bsky.notification.putActivitySubscription.ts'
import { putPreferences } from './methods/app.bsky.notification.putPreferences.ts'
import { putPreferencesV2 } from './methods/app.bsky.notification.putPreferencesV2.ts'
import { registerPush } from './methods/app.bsky.notification.registerPush.ts'
import { unregisterPush } from './methods/app.bsky.notification.unregisterPush.ts'
import { updateSeen } from './methods/app.bsky.notification.updateSeen.ts'
import { getAgeAssuranceState } from './methods/app.bsky.unspecced.getAgeAssuranceState.ts'
import { getConfig } from './methods/app.bsky.unspecced.getConfig.ts'
import { getOnboardingSuggestedStarterPacks } from './methods/app.bsky.unspecced.getOnboardingSuggestedStarterPacks.ts'
import { getPopularFeedGenerators } from './methods/app.bsky.unspecced.getPopularFeedGenerators.ts'
import { getPostThreadOtherV2 } from './methods/app.bsky.unspecced.getPostThreadOtherV2.ts'
import { getPostThreadV2 } from './methods/app.bsky.unspecced.getPostThreadV2.ts'
import { getSuggestedFeeds as getPopularSuggestedFeeds } from './methods/app.bsky.unspecced.getSuggestedFeeds.ts'
import { getSuggestedOnboardingUsers } from './methods/app.bsky.unspecced.getSuggestedOnboardingUsers.ts'
import { getSuggestedStarterPacks } from './methods/app.bsky.unspecced.getSuggestedStarterPacks.ts'
import { getSuggestedUsers } from './methods/app.bsky.unspecced.getSuggestedUsers.ts'
import { getSuggestedUsersForDiscover } from './methods/app.bsky.unspecced.getSuggestedUsersForDiscover.ts'
import { getSuggestedUsersForExplore } from './methods/app.bsky.unspecced.getSuggestedUsersForExplore.ts'
import { getSuggestedUsersForSeeMore } from './methods/app.bsky.unspecced.getSuggestedUsersForSeeMore.ts'
import { getTaggedSuggestions } from './methods/app.bsky.unspecced.getTaggedSuggestions.ts'
import { getTrendingTopics } from './methods/app.bsky.unspecced.getTrendingTopics.ts'
import { getTrends } from './methods/app.bsky.unspecced.getTrends.ts'
import { initAgeAssurance } from './methods/app.bsky.unspecced.initAgeAssurance.ts'
import { exportPrivate } from './methods/app.falaj.appview.exportPrivate.ts'
import { getRebuild } from './methods/app.falaj.appview.getRebuild.ts'
import { importPrivate } from './methods/app.falaj.appview.importPrivate.ts'
import { listRefused } from './methods/app.falaj.appview.listRefused.ts'
import { rebuild } from './methods/app.falaj.appview.rebuild.ts'
import { resolveHandle } from './methods/com.atproto.identity.resolveHandle.ts'
import type { ReadParts } from './parts.ts'

/** Every method an app view answers. */
export function methods(parts: ReadParts): Method[] {
  return [
    getProfile(parts),
    getProfiles(parts),
    searchActors(parts),
    searchActorsTypeahead(parts),
    beginAgeAssurance(parts),
    getAgeConfig(parts),
    getAgeState(parts),
    createBookmark(parts),
    deleteBookmark(parts),
    getBookmarks(parts),
    createDraft(parts),
    deleteDraft(parts),
    getDrafts(parts),
    updateDraft(parts),
    getActorFeeds(parts),
    getActorLikes(parts),
    getAuthorFeed(parts),
    getFeed(parts),
    getFeedGenerator(parts),
    getFeedGenerators(parts),
    getLikes(parts),
    getListFeed(parts),
    getPosts(parts),
    getPostThread(parts),
    getQuotes(parts),
    getRepostedBy(parts),
    getSuggestedFeeds(parts),
    getTimeline(parts),
    searchPosts(parts),
    searchPostsV2(parts),
    getBlocks(parts),
    getFollowers(parts),
    getFollows(parts),
    getList(parts),
    getListBlocks(parts),
    getListMutes(parts),
    getLists(parts),
    getListsWithMembership(parts),
    getMutes(parts),
    getRelationships(parts),
    getStarterPacksWithMembership(parts),
    getStarterPacks(parts),
    getStarterPack(parts),
    getKnownFollowers(parts),
    getActorStarterPacks(parts),
    muteActor(parts),
    muteActorList(parts),
    muteThread(parts),
    unmuteActorList(parts),
    unmuteActor(parts),
    unmuteThread(parts),
    getServices(parts),
    getPreferences(parts),
    getUnreadCount(parts),
    listActivitySubscriptions(parts),
    listNotifications(parts),
    putActivitySubscription(parts),
    putPreferences(parts),
    putPreferencesV2(parts),
    registerPush(parts),
    unregisterPush(parts),
    updateSeen(parts),
    searchStarterPacksV2(parts),
    searchStarterPacks(parts),
    getRebuild(parts),
    listRefused(parts),
    rebuild(parts),
    getAgeAssuranceState(parts),
    initAgeAssurance(parts),
    getTrends(parts),
    getTrendingTopics(parts),
    getTaggedSuggestions(parts),
    getSuggestedUsersForSeeMore(parts),
    getSuggestedUsersForExplore(parts),
    getSuggestedUsersForDiscover(parts),
    getSuggestedUsers(parts),
    getSuggestedStarterPacks(parts),
    getSuggestedOnboardingUsers(parts),
    getPopularSuggestedFeeds(parts),
    getPopularFeedGenerators(parts),
    getOnboardingSuggestedStarterPacks(parts),
    getConfig(),
    getSuggestedFollowsByActor(parts),
    getSuggestions(parts),
    getPostThreadOtherV2(parts),
    getPostThreadV2(parts),
    exportPrivate(parts),
    importPrivate(parts),
    resolveHandle(parts),
  ]
}
