/** Every text of SQL that reads ask, once each, with parameters that find something. */
import type { Sql, SqlParams } from '#platform/storage'
import type { Nsid } from '#protocol/syntax'
import { createScene } from '../scene.test-support.ts'
import type { World, WorldOptions } from '../world.test-support.ts'

export interface EveryRead {
  world: World
  asked: ReadonlyMap<string, SqlParams>
  /** Asks the index itself, unnoticed. */
  all: Sql['all']
}

/** The loops are stopped; the index is open, and is the caller's to close. */
export async function everyRead(options: WorldOptions = {}): Promise<EveryRead> {
  const { world, alice, bob, carol, stranger, post, answer } = await createScene(options)
  const { now: createdAt } = bob
  const purpose = 'app.bsky.graph.defs#modlist'
  const list = bob.create('app.bsky.graph.list', { name: 'some', purpose, createdAt }).uri
  bob.create('app.bsky.graph.listitem', { list, subject: alice.did, createdAt })
  const pack = { name: 'begin here', list, createdAt }
  const starterPack = bob.create('app.bsky.graph.starterpack', pack).uri
  const blocked = bob.create('app.bsky.graph.list', { name: 'others', purpose, createdAt }).uri
  bob.create('app.bsky.graph.listitem', { list: blocked, subject: stranger.did, createdAt })
  bob.create('app.bsky.graph.listblock', { subject: blocked, createdAt })
  await world.settle()
  const asked = new Map<string, SqlParams>()
  const { all, get } = world.sql
  world.sql.all = (sql, params = []) => {
    asked.set(sql, params)
    return all.call(world.sql, sql, params) as never
  }
  world.sql.get = (sql, params = []) => {
    asked.set(sql, params)
    return get.call(world.sql, sql, params) as never
  }
  const actor = bob.did
  for (const [as, other] of [
    [alice, bob],
    [bob, alice],
  ] as const)
    await world.post(
      'app.bsky.notification.putActivitySubscription',
      { subject: other.did, activitySubscription: { post: true, reply: true } },
      as,
    )
  const reads: [Nsid, Record<string, string | boolean | string[]>][] = [
    ['app.bsky.actor.getProfile', { actor: 'bob.test' }],
    ['app.bsky.actor.getProfiles', { actors: [actor, alice.did] }],
    ['app.bsky.bookmark.getBookmarks', {}],
    ['app.bsky.bookmark.getBookmarks', { cursor: '9000000000000000:1:z' }],
    ['app.bsky.draft.getDrafts', { cursor: '9000000000000:z' }],
    ['app.bsky.feed.getActorLikes', { actor: alice.did }],
    ['app.bsky.feed.getAuthorFeed', { actor }],
    [
      'app.bsky.feed.getAuthorFeed',
      { actor, filter: 'posts_with_media', cursor: '9000000000000000:1:z' },
    ],
    ['app.bsky.feed.getLikes', { uri: post.uri }],
    ['app.bsky.feed.getLikes', { uri: post.uri, cursor: '9000000000000000:1:z' }],
    ['app.bsky.feed.getPosts', { uris: [post.uri, answer.uri] }],
    ['app.bsky.feed.getQuotes', { uri: post.uri }],
    ['app.bsky.feed.getPostThread', { uri: answer.uri }],
    ['app.bsky.feed.getPostThread', { uri: post.uri }],
    ['app.bsky.feed.getRepostedBy', { uri: post.uri }],
    ['app.bsky.feed.getTimeline', {}],
    ['app.bsky.feed.getTimeline', { cursor: '1:1:1:z' }],
    ['app.bsky.graph.getBlocks', {}],
    ['app.bsky.graph.getMutes', {}],
    ['app.bsky.graph.getMutes', { cursor: '9000000000000:9:' }],
    ['app.bsky.graph.getListMutes', {}],
    ['app.bsky.graph.getListBlocks', {}],
    ['app.bsky.actor.getSuggestions', {}],
    ['app.bsky.graph.getSuggestedFollowsByActor', { actor: carol.did }],
    ['app.bsky.unspecced.getPopularFeedGenerators', { query: 'some' }],
    ['app.bsky.unspecced.getSuggestedStarterPacks', {}],
    ['app.bsky.unspecced.getTrends', {}],
    ['app.bsky.graph.getKnownFollowers', { actor: carol.did }],
    ['app.bsky.graph.getActorStarterPacks', { actor }],
    ['app.bsky.graph.getStarterPack', { starterPack }],
    ['app.bsky.graph.getStarterPacks', { uris: [starterPack] }],
    ['app.bsky.graph.getStarterPacksWithMembership', { actor }],
    ['app.bsky.graph.getList', { list }],
    ['app.bsky.graph.getListsWithMembership', { actor }],
    ['app.bsky.feed.getListFeed', { list }],
    ['app.bsky.feed.getListFeed', { list, cursor: '1:1:1:z' }],
    ['app.bsky.graph.getLists', { actor }],
    ['app.bsky.labeler.getServices', { dids: [actor] }],
    ['app.bsky.graph.getFollowers', { actor, cursor: '9000000000000000:1:z' }],
    ['app.bsky.graph.getFollows', { actor }],
    ['app.bsky.graph.getRelationships', { actor, others: [alice.did] }],
    ['app.bsky.notification.getPreferences', {}],
    ['app.bsky.notification.listActivitySubscriptions', { cursor: '9000000000000000:9:' }],
    ['app.bsky.notification.getUnreadCount', {}],
    ['app.bsky.notification.listNotifications', { cursor: '9000000000000000:1:1:z' }],
    ['com.atproto.identity.resolveHandle', { handle: 'bob.test' }],
  ]
  for (const [nsid, params] of reads)
    for (const as of [alice, bob])
      await world.get(
        nsid,
        nsid.endsWith('Likes') ? { ...params, ...(params.actor && { actor: as.did }) } : params,
        as,
      )
  await world.stop()
  return { world, asked, all: (sql, params) => all.call(world.sql, sql, params) as never }
}
