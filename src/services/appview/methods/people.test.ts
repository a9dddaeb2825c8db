import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { createScene, handlesOf, type Scene } from '../scene.test-support.ts'
import type { Person } from '../world.test-support.ts'

let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

interface Row {
  nsid: Nsid
  params(): Record<string, string>
  list(answer: Record<string, unknown>): string[]
  /** To nobody in particular, to Alice. */
  all: string[]
  alices: string[]
}

const handle = (one: { actor: { handle: string } }) => one.actor.handle
const EVERYBODY = ['stranger.test', 'brook.test', 'blake.test', 'carol.test']
const VISIBLE = ['stranger.test', 'carol.test']

const ROWS: Row[] = [
  {
    nsid: 'app.bsky.feed.getLikes',
    params: () => ({ uri: scene.post.uri }),
    list: (answer) => (answer.likes as never[]).map(handle),
    all: EVERYBODY,
    alices: VISIBLE,
  },
  {
    nsid: 'app.bsky.feed.getRepostedBy',
    params: () => ({ uri: scene.post.uri, cid: scene.post.cid }),
    list: (answer) => handlesOf(answer.repostedBy as never[]),
    all: EVERYBODY,
    alices: VISIBLE,
  },
  {
    nsid: 'app.bsky.graph.getFollowers',
    params: () => ({ actor: 'bob.test' }),
    list: (answer) => handlesOf(answer.followers as never[]),
    all: [...EVERYBODY, 'alice.test'],
    alices: [...VISIBLE, 'alice.test'],
  },
  {
    nsid: 'app.bsky.graph.getFollows',
    params: () => ({ actor: scene.alice.did }),
    list: (answer) => handlesOf(answer.follows as never[]),
    all: ['carol.test', 'bob.test'],
    alices: ['carol.test', 'bob.test'],
  },
]

for (const { nsid, params, list, all, alices } of ROWS) {
  test(`${nsid} leaves out who is hidden, and who has a block with the viewer`, async () => {
    const { world, alice } = scene
    assert.deepEqual(list(await world.get(nsid, params())), all)
    assert.deepEqual(list(await world.get(nsid, params(), alice)), alices)
  })

  test(`${nsid} gives the same list page by page`, async () => {
    const { world } = scene
    const read: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page = { limit: 1, ...(cursor && { cursor }) }
      const answer = await world.get(nsid, { ...params(), ...page })
      read.push(...list(answer))
      cursor = answer.cursor
    }
    assert.deepEqual(read, all)
  })

  test(`${nsid} leaves out who has a block with its subject`, async () => {
    const { world, bob, alice, carol } = scene
    const [subject, other] = nsid.endsWith('getFollows') ? [alice, carol] : [bob, carol]
    const block = subject.block(other)
    await world.settle()
    assert.ok(!list(await world.get(nsid, params())).includes('carol.test'))
    subject.delete(block)
    await world.settle()
    assert.ok(list(await world.get(nsid, params())).includes('carol.test'))
  })
}

test('likes and reposts of a post nobody knows are an empty list', async () => {
  const { world } = scene
  const uri = 'at://did:plc:nobody/app.bsky.feed.post/x'
  assert.deepEqual(await world.get('app.bsky.feed.getLikes', { uri }), { uri, likes: [] })
  assert.deepEqual(await world.get('app.bsky.feed.getRepostedBy', { uri }), { uri, repostedBy: [] })
})

test('follows and followers of nobody, or of a hidden account, are refused', async () => {
  const { world, gone } = scene
  for (const nsid of ['app.bsky.graph.getFollows', 'app.bsky.graph.getFollowers'] as const)
    for (const actor of ['nobody.test', 'did:plc:nobody', gone.did])
      assert.equal(await world.refused(nsid, { actor }), 'InvalidRequest')
})

test('getBlocks shows the viewer whom it blocks, and nobody else', async () => {
  const { world, alice, bob } = scene
  const { blocks } = await world.get('app.bsky.graph.getBlocks', {}, alice)
  assert.deepEqual(handlesOf(blocks), ['blake.test'])
  assert.match(blocks[0].viewer.blocking, /app\.bsky\.graph\.block/)
  assert.deepEqual((await world.get('app.bsky.graph.getBlocks', {}, bob)).blocks, [])
  assert.equal(await world.refused('app.bsky.graph.getBlocks'), 'AuthMissing')
})

test('getRelationships tells how one account stands to others', async () => {
  const { world, alice, bob, blake, brook, carol } = scene
  const others = ['bob.test', blake.did, brook.did, 'nobody.test', carol.did]
  const { actor, relationships } = await world.get('app.bsky.graph.getRelationships', {
    actor: 'alice.test',
    others,
  })
  assert.equal(actor, alice.did)
  const [toBob, toBlake, toBrook, toNobody, toCarol] = relationships
  assert.ok(toBob.following && !toBob.followedBy && toBob.did === bob.did)
  assert.ok(toBlake.blocking && !toBlake.blockedBy)
  assert.ok(toBrook.blockedBy && !toBrook.blocking)
  assert.deepEqual(toNobody, {
    $type: 'app.bsky.graph.defs#notFoundActor',
    actor: 'nobody.test',
    notFound: true,
  })
  assert.ok(toCarol.following)
  const back = await world.get('app.bsky.graph.getRelationships', {
    actor: bob.did,
    others: [alice.did],
  })
  assert.equal(back.relationships[0].followedBy, toBob.following)
  assert.equal(
    await world.refused('app.bsky.graph.getRelationships', { actor: 'no.test' }),
    'ActorNotFound',
  )
})

test('getProfile tells counts, pictures and how the viewer stands to the account', async () => {
  const { world, alice, bob, post } = scene
  const [avatar, banner] = [1, 2].map((byte) => world.addBlob(new Uint8Array([byte])))
  bob.update('app.bsky.actor.profile', 'self', {
    displayName: 'Bob "B"',
    description: 'line\nline',
    website: 'https://bob.test',
    pronouns: 'he',
    avatar,
    banner,
    pinnedPost: post,
    createdAt: '2024-01-01T00:00:00.000Z',
    labels: {
      $type: 'com.atproto.label.defs#selfLabels',
      values: [{ val: '!no-unauthenticated' }],
    },
  })
  await world.settle()
  const profile = await world.get('app.bsky.actor.getProfile', { actor: bob.did }, alice)
  assert.equal(profile.displayName, 'Bob "B"')
  assert.equal(profile.description, 'line\nline')
  assert.equal(profile.website, 'https://bob.test')
  assert.match(profile.avatar, /^http:\/\/appview\.test\/img\/avatar\/plain\//)
  assert.match(profile.banner, /\/img\/banner\//)
  assert.deepEqual(profile.pinnedPost, post)
  assert.deepEqual([profile.followersCount, profile.followsCount, profile.postsCount], [6, 0, 1])
  assert.equal(profile.labels[0].val, '!no-unauthenticated')
  assert.equal(profile.createdAt, '2024-01-01T00:00:00.000Z')
  assert.deepEqual(Object.keys(profile.viewer), [
    'muted',
    'blockedBy',
    'following',
    'knownFollowers',
  ])
})

test('a website that could run script is not shown', async () => {
  const { world, bob } = scene
  bob.update('app.bsky.actor.profile', 'self', { website: 'javascript:alert(1)' })
  await world.settle()
  const profile = await world.get('app.bsky.actor.getProfile', { actor: bob.did })
  assert.equal(profile.website, undefined)
})

test('a block shows on the profile, and hides that there was a follow', async () => {
  const { world, alice, blake } = scene
  alice.follow(blake)
  await world.settle()
  const viewer = async (as: Person, actor: Person) =>
    (await world.get('app.bsky.actor.getProfile', { actor: actor.did }, as)).viewer
  const alices = await viewer(alice, blake)
  assert.ok(alices.blocking && !alices.blockedBy && !alices.following)
  assert.deepEqual(await viewer(blake, alice), { muted: false, blockedBy: true })
})

test('a hidden account is named as such', async () => {
  const { world } = scene
  const nsid = 'app.bsky.actor.getProfile'
  const off = await world.member('off')
  for (const [status, error] of [
    ['deactivated', 'AccountDeactivated'],
    ['takendown', 'AccountTakedown'],
    ['suspended', 'AccountTakedown'],
    ['anything', 'InvalidRequest'],
  ] as const) {
    off.account(status)
    await world.settle()
    assert.equal(await world.refused(nsid, { actor: off.did }), error)
  }
  off.account()
  await world.settle()
  assert.equal((await world.get(nsid, { actor: off.did })).displayName, 'OFF')
})

test('getProfiles leaves out who is not there, and names nobody twice', async () => {
  const { world, alice, bob, gone } = scene
  const actors = ['bob.test', 'alice.test', gone.did, 'nobody.test', bob.did]
  const { profiles } = await world.get('app.bsky.actor.getProfiles', { actors })
  assert.deepEqual(handlesOf(profiles), ['bob.test', 'alice.test'])
  assert.equal(profiles[1].did, alice.did)
})

test('an account without a profile is shown by its handle alone', async () => {
  const { world } = scene
  const bare = world.person('bare')
  bare.post('hello')
  await world.settle()
  const profile = await world.get('app.bsky.actor.getProfile', { actor: bare.did })
  assert.deepEqual([profile.handle, profile.displayName], ['bare.test', undefined])
})

test('the viewer sees what it liked, nobody else does', async () => {
  const { world, carol, alice } = scene
  const nsid = 'app.bsky.feed.getActorLikes'
  const { feed } = await world.get(nsid, { actor: 'carol.test' }, carol)
  assert.deepEqual(
    feed.map((item: { post: { uri: string } }) => item.post.uri),
    [scene.post.uri],
  )
  assert.equal(await world.refused(nsid, { actor: carol.did }, alice), 'InvalidRequest')
})

test('resolveHandle answers from the index, then from the network, and never asks in a circle', async () => {
  const { world, bob } = scene
  const nsid = 'com.atproto.identity.resolveHandle'
  assert.deepEqual(await world.get(nsid, { handle: 'BOB.test' }), { did: bob.did })
  const silent = world.person('silent')
  assert.deepEqual(await world.get(nsid, { handle: 'silent.test' }), { did: silent.did })
  assert.equal(await world.refused(nsid, { handle: 'nobody.test' }), 'HandleNotFound')
  const asked = await world.fetch(`/xrpc/${nsid}`, {
    query: 'handle=silent.test',
    headers: { 'x-local-handle-lookup': '1' },
  })
  assert.equal(asked.status, 400)
})
