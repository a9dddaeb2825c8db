import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { eventually, type Network, startNetwork } from '../rig.ts'

/** The stories of product.md, with the official client, everything in one process. */
describe('people on two hosts', () => {
  let network: Network
  let alice: AtpAgent
  let bob: AtpAgent

  before(async () => {
    network = await startNetwork('--pds', '2')
    alice = new AtpAgent({ service: network.pds[0]!.url })
    bob = new AtpAgent({ service: network.pds[1]!.url })
  })
  after(() => network?.stop())

  const viewOf = (agent: AtpAgent) => agent.app.bsky.feed

  test('alice signs up at the first host and bob at the second', async () => {
    const one = await alice.createAccount({
      handle: 'alice.test',
      email: 'alice@example.com',
      password: 'alice-password',
    })
    const two = await bob.createAccount({
      handle: 'bob.two.test',
      email: 'bob@example.com',
      password: 'bob-password',
    })
    assert.equal(one.data.handle, 'alice.test')
    assert.notEqual(one.data.did, two.data.did)
  })

  test('alice posts with a picture, and bob sees it in his timeline through his own host', async () => {
    const picture = await alice.uploadBlob(new Uint8Array([137, 80, 78, 71]), {
      encoding: 'image/png',
    })
    await alice.upsertProfile(() => ({ displayName: 'Alice of Nizwa' }))
    const post = await alice.post({
      text: 'الماء في الفلج للجميع',
      langs: ['ar'],
      embed: {
        $type: 'app.bsky.embed.images',
        images: [{ image: picture.data.blob, alt: 'a channel' }],
      },
    })
    await bob.follow(alice.assertDid)
    const item = await eventually('the post in the timeline', async () => {
      const { data } = await viewOf(bob).getTimeline({ limit: 10 })
      return data.feed.find((one) => one.post.uri === post.uri)
    })
    assert.equal(item.post.author.handle, 'alice.test')
    assert.equal(item.post.author.displayName, 'Alice of Nizwa')
    assert.equal((item.post.record as { text: string }).text, 'الماء في الفلج للجميع')
    assert.match(JSON.stringify(item.post.embed), /fullsize/)
  })

  test('bob likes and answers, and alice is told', async () => {
    const { data } = await viewOf(bob).getTimeline({ limit: 10 })
    const { uri, cid } = data.feed[0]!.post
    await bob.like(uri, cid)
    const reply = { root: { uri, cid }, parent: { uri, cid } }
    await bob.post({ text: 'and for those who come after us', reply })
    const thread = await eventually('like and reply at the post', async () => {
      const { data } = await viewOf(alice).getPostThread({ uri })
      const { post, replies } = data.thread as {
        post: { likeCount: number; replyCount: number }
        replies: unknown[]
      }
      return post.likeCount === 1 && post.replyCount === 1 && replies.length === 1
    })
    assert.ok(thread)
    const { data: told } = await alice.listNotifications()
    assert.deepEqual(told.notifications.map((one) => one.reason).sort(), [
      'follow',
      'like',
      'reply',
    ])
    const unread = await alice.countUnreadNotifications()
    assert.equal(unread.data.count, 3)
  })

  test('what bob keeps for himself is his through his own host', async () => {
    const { bsky } = bob.app
    const { data } = await viewOf(bob).getAuthorFeed({ actor: alice.assertDid })
    const { uri, cid } = data.feed[0]!.post
    await bsky.bookmark.createBookmark({ uri, cid })
    await bsky.draft.createDraft({ draft: { posts: [{ text: 'begun' }] } })
    await bsky.graph.muteThread({ root: uri })
    await bsky.notification.putActivitySubscription({
      subject: alice.assertDid,
      activitySubscription: { post: true, reply: false },
    })
    await bsky.notification.putPreferencesV2({
      follow: { include: 'follows', list: true, push: false },
    })
    await bsky.notification.registerPush({
      serviceDid: network.appview.did!,
      token: 'token',
      platform: 'web',
      appId: 'app.example',
    })
    const { bookmarks } = (await bsky.bookmark.getBookmarks()).data
    assert.equal(bookmarks[0]!.subject.uri, uri)
    assert.equal((await bsky.draft.getDrafts()).data.drafts[0]!.draft.posts[0]!.text, 'begun')
    const [post] = (await viewOf(bob).getPosts({ uris: [uri] })).data.posts
    assert.deepEqual([post!.viewer?.bookmarked, post!.viewer?.threadMuted], [true, true])
    assert.equal(post!.bookmarkCount, 1)
    const { preferences } = (await bsky.notification.getPreferences()).data
    assert.equal(preferences.follow.include, 'follows')
    const next = await alice.post({ text: 'and bob is told' })
    const told = await eventually('the post among the notifications', async () => {
      const { notifications } = (await bob.listNotifications()).data
      return notifications.find((one) => one.uri === next.uri)
    })
    assert.equal(told.reason, 'subscribed-post')
    await alice.deletePost(next.uri)
    await bsky.graph.unmuteThread({ root: uri })
  })

  test('a deleted post is gone from every view', async () => {
    const post = await alice.post({ text: 'written in haste' })
    const seen = () => viewOf(bob).getPosts({ uris: [post.uri] })
    await eventually('the post', async () => (await seen()).data.posts.length === 1)
    await alice.deletePost(post.uri)
    await eventually('its absence', async () => (await seen()).data.posts.length === 0)
  })

  test('the followers of alice and those she is followed by are listed', async () => {
    const { data } = await bob.getFollowers({ actor: alice.assertDid })
    assert.deepEqual(
      data.followers.map((one) => one.did),
      [bob.assertDid],
    )
    const profile = await bob.getProfile({ actor: 'alice.test' })
    assert.equal(profile.data.followersCount, 1)
    assert.equal(profile.data.viewer?.following?.startsWith(`at://${bob.assertDid}/`), true)
  })
})
