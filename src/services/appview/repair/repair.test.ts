import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dumpIndex } from '../index/dump.test-support.ts'
import { type Person, World } from '../world.test-support.ts'

const texts = async (world: World, person: Person) => {
  const { feed } = await world.get('app.bsky.feed.getAuthorFeed', { actor: person.did })
  return feed.map((item: { post: { record: { text: string } } }) => item.post.record.text).sort()
}
const fetches = (world: World) => world.calls.filter((path) => path.endsWith('getRepo')).length

function lost(person: Person, text: string): void {
  const path = `app.bsky.feed.post/${person.nextRkey()}`
  const value = { $type: 'app.bsky.feed.post', text, createdAt: person.now }
  person.commit([{ action: 'create', path, value }], { isLost: true })
}

test('a repo that had a life before it was seen is fetched whole', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  lost(ann, 'long ago')
  lost(ann, 'later')
  ann.post('seen')
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['later', 'long ago', 'seen'])
  assert.equal(fetches(world), 1)
  assert.equal(world.metrics.value('jobs', 'repair', 'done'), 1)
  await world.close()
})

test('a new account is not fetched: its first commit is all there is', async () => {
  const world = await new World().start()
  world.person('ann').post('hello')
  await world.settle()
  assert.equal(fetches(world), 0)
  await world.close()
})

test('commits that passed by are found by the gap they leave, deletes among them', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  const gone = ann.post('will be gone')
  ann.post('stays')
  await world.settle()
  ann.commit([{ action: 'delete', path: gone.uri.split('/').slice(-2).join('/') }], {
    isLost: true,
  })
  lost(ann, 'missed')
  ann.post('seen')
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['missed', 'seen', 'stays'])
  assert.equal(world.metrics.value('appview_events', 'commit', 'applied-repair'), 1)
  ann.post('in step again')
  await world.settle()
  assert.equal(fetches(world), 1)
  await world.close()
})

test('a repaired index is the same as one that saw everything', async () => {
  const saw = await new World().start()
  const missed = await new World().start()
  for (const world of [saw, missed]) {
    const isLost = world === missed
    const ann = world.person('ann')
    const ben = world.person('ben')
    ann.follow(ben)
    const post = ben.post('hello')
    await world.settle()
    const path = (collection: string) => `${collection}/${ann.nextRkey()}`
    const subject = post
    const at = { createdAt: ann.now }
    ann.commit(
      [
        {
          action: 'create',
          path: path('app.bsky.feed.like'),
          value: { $type: 'app.bsky.feed.like', subject, ...at },
        },
        {
          action: 'create',
          path: path('app.bsky.feed.repost'),
          value: { $type: 'app.bsky.feed.repost', subject, ...at },
        },
        {
          action: 'create',
          path: path('app.bsky.graph.block'),
          value: { $type: 'app.bsky.graph.block', subject: ben.did, ...at },
        },
      ],
      { isLost },
    )
    ann.reply(post, 'hi')
    await world.settle()
  }
  assert.equal(await dumpIndex(missed.sql), await dumpIndex(saw.sql))
  await Promise.all([saw.close(), missed.close()])
})

test('a sync event makes the index equal to the repo', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  ann.post('one')
  await world.settle()
  lost(ann, 'two')
  ann.sync()
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['one', 'two'])
  ann.sync()
  await world.settle()
  assert.equal(fetches(world), 1, 'a sync to what is known asks for nothing')
  await world.close()
})

test('what the stream says during the fetch is not undone by an older copy', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  const old = ann.post('will be deleted meanwhile')
  await world.settle()
  lost(ann, 'missed')
  world.isHostDown = true
  ann.post('asks for the fetch')
  await world.settle()
  const copy = ann.car()
  ann.car = () => copy
  ann.delete(old)
  const fresh = ann.post('written meanwhile')
  await world.settle()
  world.isHostDown = false
  await world.outside.advance(60_000)
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['asks for the fetch', 'missed', 'written meanwhile'])
  assert.ok(fresh)
  assert.equal(await world.sql.get('select 1 from fresh_path'), undefined)
  await world.close()
})

test('a host that is down is asked again, a few times; then the next gap asks', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  lost(ann, 'before')
  world.isHostDown = true
  ann.post('shown at once')
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['shown at once'])
  for (let i = 0; i < 20; i++) {
    await world.outside.advance(60_000)
    await world.settle()
  }
  assert.equal(world.metrics.value('jobs', 'repair', 'failed'), 1)
  assert.deepEqual(await world.sql.get('select repair from actor where did = ?', [ann.did]), {
    repair: null,
  })
  world.isHostDown = false
  lost(ann, 'between')
  ann.post('after')
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['after', 'before', 'between', 'shown at once'])
  await world.close()
})

test('a copy that is older than what was announced is refused, and asked for again', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  ann.post('one')
  await world.settle()
  const stale = ann.car()
  const car = ann.car.bind(ann)
  lost(ann, 'two')
  ann.car = () => stale
  ann.sync()
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['one'])
  ann.car = car
  await world.outside.advance(60_000)
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['one', 'two'])
  await world.close()
})

test('a copy signed by somebody else, or of somebody else, changes nothing', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  const ben = world.person('ben')
  ben.post('of ben')
  ann.post('of ann')
  await world.settle()
  lost(ann, 'missed')
  ann.car = () => ben.car()
  ann.sync()
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['of ann'])
  assert.equal(world.metrics.value('jobs', 'repair', 'retried'), 1)
  await world.close()
})

test('a host that says the repo is gone ends the matter', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  ann.post('one')
  await world.settle()
  lost(ann, 'two')
  world.repoError = 'RepoDeactivated'
  ann.sync()
  await world.settle()
  assert.equal(world.metrics.value('jobs', 'repair', 'done'), 1)
  assert.deepEqual(await texts(world, ann), ['one'])
  await world.close()
})

test('a repair survives a stop', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  lost(ann, 'before')
  world.isHostDown = true
  ann.post('seen')
  await world.settle()
  await world.stop()
  world.isHostDown = false
  await world.start()
  await world.outside.advance(60_000)
  await world.settle()
  assert.deepEqual(await texts(world, ann), ['before', 'seen'])
  await world.close()
})

test('many records are taken in several transactions, and left-overs of every collection go', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  const ben = await world.member('ben')
  const follow = ann.follow(ben)
  ann.profile({ displayName: 'Ann' })
  await world.settle()
  for (let i = 0; i < 5; i++) {
    const writes = Array.from({ length: 150 }, (_, n) => ({
      action: 'create' as const,
      path: `app.bsky.feed.post/${ann.nextRkey()}`,
      value: { $type: 'app.bsky.feed.post', text: `post ${i} ${n}`, createdAt: ann.now },
    }))
    ann.commit(writes, { isLost: true })
  }
  ann.commit(
    [
      { action: 'delete', path: follow.uri.split('/').slice(-2).join('/') },
      { action: 'delete', path: 'app.bsky.actor.profile/self' },
    ],
    { isLost: true },
  )
  ann.sync()
  await world.settle()
  const profile = await world.get('app.bsky.actor.getProfile', { actor: ann.did })
  assert.deepEqual(
    [profile.postsCount, profile.followsCount, profile.displayName],
    [750, 0, undefined],
  )
  assert.equal((await world.get('app.bsky.actor.getProfile', { actor: ben.did })).followersCount, 0)
  await world.close()
})

test('everything of a deleted account goes, but not what others did to it', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const ben = await world.member('ben')
  const post = ann.post('hello')
  ann.follow(ben)
  ben.like(post)
  await world.settle()
  ann.account('deleted')
  await world.settle()
  assert.equal(await world.sql.get('select 1 from post'), undefined)
  assert.equal(await world.sql.get('select 1 from follow'), undefined)
  assert.equal((await world.get('app.bsky.actor.getProfile', { actor: ben.did })).followersCount, 0)
  assert.equal(
    await world.refused('app.bsky.actor.getProfile', { actor: ann.did }),
    'InvalidRequest',
  )
  assert.notEqual(await world.sql.get('select 1 from feed_like'), undefined)
  await world.close()
})
