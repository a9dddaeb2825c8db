/** What people may expect of each other's decisions, told on one small world. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Tree } from '#protocol/repo'
import { createScene, handlesOf, type Scene, textsOf } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Answer = any
const get = (nsid: string, params: Record<string, string>, as?: Person): Promise<Answer> =>
  scene.world.get(nsid as 'app.bsky.feed.getPosts', params, as)

const timeline = async (as: Person) =>
  textsOf((await get('app.bsky.feed.getTimeline', {}, as)).feed)
const told = async (as: Person): Promise<string[]> =>
  (await get('app.bsky.notification.listNotifications', {}, as)).notifications.map(
    (one: Answer) => `${one.reason} by ${one.author.handle}`,
  )

/** Texts of a flat thread, with what stands in the place of others. */
async function thread(anchor: Ref, as?: Person): Promise<string[]> {
  const answer = await get('app.bsky.unspecced.getPostThreadV2', { anchor: anchor.uri }, as)
  return answer.thread.map(
    ({ value }: Answer) => value.post?.record.text ?? value.$type.split('#threadItem')[1],
  )
}

async function say(person: Person, text: string, parent?: Ref, root?: Ref): Promise<Ref> {
  await scene.world.outside.advance(1_000)
  return parent ? person.reply(parent, text, root) : person.post(text)
}

test('a block goes both ways: in timelines, feeds, notifications, likes and followers', async () => {
  const { world } = scene
  const [ines, jan, kim] = await Promise.all([
    world.member('ines'),
    world.member('jan'),
    world.member('kim'),
  ])
  for (const [one, other] of [
    [ines, jan],
    [jan, ines],
    [kim, ines],
    [kim, jan],
  ] as const)
    one.follow(other)
  const post = await say(ines, 'of ines')
  const answer = await say(jan, 'jan answers', post)
  jan.like(post)
  kim.like(post)
  kim.repost(answer)
  await world.settle()
  assert.deepEqual(await timeline(ines), ['jan answers', 'of ines'])
  ines.block(jan)
  await world.settle()
  assert.deepEqual(await timeline(ines), ['of ines'])
  assert.deepEqual(await timeline(jan), [], 'nor who is blocked')
  assert.deepEqual(await thread(post, ines), ['of ines'])
  assert.deepEqual(await thread(post, jan), ['Blocked'])
  assert.deepEqual(
    await thread(post, kim),
    ['of ines'],
    'others do not see the one under the other',
  )
  assert.deepEqual(await thread(answer, kim), ['Blocked', 'jan answers'])
  assert.deepEqual(await told(ines), ['like by kim.test', 'follow by kim.test'])
  assert.ok(!(await told(jan)).some((one) => one.includes('ines')))
  for (const as of [ines, kim]) {
    const { likes } = await get('app.bsky.feed.getLikes', { uri: post.uri }, as)
    assert.deepEqual(handlesOf(likes.map((like: Answer) => like.actor)), ['kim.test'])
    const { followers } = await get('app.bsky.graph.getFollowers', { actor: ines.did }, as)
    assert.deepEqual(handlesOf(followers), ['kim.test'])
  }
  const refused = (as: Person, { did }: Person) =>
    world.refused('app.bsky.feed.getAuthorFeed', { actor: did }, as)
  assert.equal(await refused(ines, jan), 'BlockedActor')
  assert.equal(await refused(jan, ines), 'BlockedByActor')
})

test('members of a muted list are heard of no more, and are told nothing of it', async () => {
  const { world, bob } = scene
  const [lou, max] = await Promise.all([world.member('lou'), world.member('max')])
  lou.follow(max)
  const createdAt = bob.now
  const purpose = 'app.bsky.graph.defs#modlist'
  const list = bob.create('app.bsky.graph.list', { name: 'loud', purpose, createdAt })
  const post = await say(lou, 'of lou')
  await say(max, 'of max')
  max.like(post)
  const answer = await say(max, 'max answers', post)
  await world.settle()
  await world.post('app.bsky.graph.muteActorList', { list: list.uri }, lou)
  assert.equal((await timeline(lou)).length, 3, 'nobody is on it yet')
  const subject = max.did
  const item = bob.create('app.bsky.graph.listitem', { list: list.uri, subject, createdAt })
  await world.settle()
  assert.deepEqual(await timeline(lou), ['of lou'])
  assert.deepEqual(await told(lou), [])
  const seen = await get('app.bsky.actor.getProfile', { actor: max.did }, lou)
  assert.equal(seen.viewer.muted, true)
  assert.equal(seen.viewer.mutedByList.uri, list.uri)
  assert.equal(
    (await get('app.bsky.actor.getProfile', { actor: lou.did }, max)).viewer.muted,
    false,
  )
  assert.deepEqual(await thread(post, max), ['of lou', 'max answers'])
  const apart = await get('app.bsky.unspecced.getPostThreadOtherV2', { anchor: post.uri }, lou)
  assert.deepEqual(
    apart.thread.map((one: Answer) => one.uri),
    [answer.uri],
  )
  bob.delete(item)
  await world.settle()
  assert.equal((await timeline(lou)).length, 3)
})

test('a takedown in the middle of a thread leaves a gap, and what is below can be read by itself', async () => {
  const { world, bob, carol, stranger } = scene
  const top = await say(bob, 'top')
  const middle = await say(stranger, 'middle', top)
  const end = await say(carol, 'end', middle, top)
  await world.settle()
  assert.deepEqual(await thread(top), ['top', 'middle', 'end'])
  stranger.account('takendown')
  await world.settle()
  assert.deepEqual(await thread(top), ['top'])
  assert.deepEqual(await thread(end), ['NotFound', 'end'])
  assert.equal(
    await world.refused('app.bsky.actor.getProfile', { actor: stranger.did }),
    'AccountTakedown',
  )
  stranger.account()
  await world.settle()
  assert.deepEqual(await thread(top), ['top', 'middle', 'end'])
})

test('whoever deactivates an account is gone everywhere, and comes back with everything', async () => {
  const { world } = scene
  const [nia, oto] = await Promise.all([world.member('nia'), world.member('oto')])
  nia.follow(oto)
  oto.follow(nia)
  const post = await say(nia, 'of nia')
  await say(oto, 'of oto', post)
  oto.like(post)
  await world.settle()
  const before = [await timeline(nia), await told(nia)]
  oto.account('deactivated')
  await world.settle()
  assert.deepEqual(await timeline(nia), ['of nia'])
  assert.deepEqual(await told(nia), [])
  assert.equal(
    await world.refused('app.bsky.actor.getProfile', { actor: oto.did }),
    'AccountDeactivated',
  )
  const { likes } = await get('app.bsky.feed.getLikes', { uri: post.uri })
  assert.deepEqual(likes, [])
  oto.account()
  await world.settle()
  assert.deepEqual([await timeline(nia), await told(nia)], before)
})

test('a new name is shown everywhere, and the old one names nobody until somebody else takes it', async () => {
  const { world, alice } = scene
  const pia = await world.member('pia')
  const post = await say(pia, 'of pia')
  await world.settle()
  pia.handle = 'renamed.test'
  pia.identity()
  await world.settle()
  const { posts } = await get('app.bsky.feed.getPosts', { uris: post.uri }, alice)
  assert.equal(posts[0].author.handle, 'renamed.test')
  const profile = await get('app.bsky.actor.getProfile', { actor: 'renamed.test' })
  assert.equal(profile.did, pia.did)
  await world.refused('app.bsky.actor.getProfile', { actor: 'pia.test' })
  const heir = world.person('heir')
  heir.handle = 'pia.test'
  heir.profile({ displayName: 'heir' })
  await world.settle()
  assert.equal((await get('app.bsky.actor.getProfile', { actor: 'pia.test' })).did, heir.did)
})

test('a deleted account leaves nothing of its own; made anew it begins with nothing but what others did', async () => {
  const { world, alice } = scene
  const [ria, sol] = await Promise.all([world.member('ria'), world.member('sol')])
  sol.follow(ria)
  const post = await say(ria, 'before')
  const liked = await say(sol, 'of sol')
  ria.like(liked)
  ria.follow(sol)
  await world.settle()
  ria.account('deleted')
  await world.settle()
  assert.deepEqual(await thread(post), ['NotFound'])
  const { posts } = await get('app.bsky.feed.getPosts', { uris: liked.uri }, alice)
  assert.equal(posts[0].likeCount, 0)
  assert.deepEqual(await told(sol), [])
  ria.tree = Tree.empty()
  ria.head = undefined
  ria.account()
  ria.profile({ displayName: 'again' })
  await say(ria, 'after')
  await world.settle()
  const seen = await get('app.bsky.actor.getProfile', { actor: ria.did }, sol)
  assert.deepEqual(
    [seen.displayName, seen.postsCount, seen.followsCount, seen.followersCount],
    ['again', 1, 0, 1],
  )
  assert.deepEqual(await timeline(sol), ['after', 'of sol'])
})
