import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { textsOf } from '../scene.test-support.ts'
import { PDS, type Person, type Ref, World } from '../world.test-support.ts'
import { scopeRule } from './scope.ts'

const DAY_MS = 86_400_000
const idOf = (name: string) => `did:plc:${name.padEnd(24, '2')}`
let world: World
afterEach(async () => {
  await world?.close()
  world = undefined as never
})

/** A world of some people that indexes some of them; all have profiles and one post each. */
async function open(config: { scope: 'members' | 'neighbourhood'; members: string[] }) {
  world = new World({ config: { ...config, scopeRetentionDays: 30 } })
  const people = {} as Record<'ann' | 'bob' | 'cat' | 'dan', Person>
  const posts = {} as Record<'ann' | 'bob' | 'cat' | 'dan', Ref>
  for (const name of ['ann', 'bob', 'cat', 'dan'] as const) {
    people[name] = world.person(name)
    people[name].profile({ displayName: name })
    await world.outside.advance(1_000)
    posts[name] = people[name].post(`of ${name}`)
  }
  return { ...people, posts }
}

async function indexed(): Promise<string[]> {
  const rows = await world.sql.all<{ body: string }>('select body from post order by sort_us')
  return rows.map(({ body }) => JSON.parse(body).text)
}

const outside = () => world.metrics.value('appview_events', 'commit', 'out-of-scope')
const profile = ({ did }: Person) => world.get('app.bsky.actor.getProfile', { actor: did })
const feed = async (as: Person) =>
  textsOf((await world.get('app.bsky.feed.getTimeline', {}, as)).feed)

test('of members only is anything kept; the rest is passed over', async () => {
  await open({ scope: 'members', members: [idOf('ann')] })
  await (await world.start()).settle()
  assert.deepEqual(await indexed(), ['of ann'])
  assert.equal(outside(), 6)
  const actors = await world.sql.get<{ count: number }>('select count(*) as count from actor')
  assert.equal(actors?.count, 1, 'others leave no trace at all')
})

test('members are everybody at a host, or on a list', async () => {
  const { ann, posts } = await open({ scope: 'members', members: [PDS] })
  await (await world.start()).settle()
  assert.deepEqual(await indexed(), ['of ann', 'of bob', 'of cat', 'of dan'])
  await world.close()

  const list = `at://${ann.did}/app.bsky.graph.list/3kaaaaaaaaa22`
  const other = await open({ scope: 'members', members: [list] })
  await (await world.start()).settle()
  assert.deepEqual(await indexed(), ['of ann'], 'whose list it is')
  const subject = other.cat.did
  other.ann.create('app.bsky.graph.listitem', { list, subject, createdAt: other.ann.now })
  await world.settle()
  assert.deepEqual(await indexed(), ['of ann', 'of cat'], 'fetched when it came onto the list')
  assert.equal(posts.ann.uri, other.posts.ann.uri)
})

test('a neighbourhood has whom members follow and answer, fetched whole and followed from then on', async () => {
  const { ann, bob, cat, dan, posts } = await open({
    scope: 'neighbourhood',
    members: [idOf('ann')],
  })
  await (await world.start()).settle()
  assert.deepEqual(await indexed(), ['of ann'])
  ann.follow(bob)
  ann.reply(posts.cat, 'answer')
  await world.settle()
  assert.deepEqual(await indexed(), ['of ann', 'of bob', 'of cat', 'answer'])
  bob.post('later')
  // Whom neighbours follow are no neighbours.
  bob.follow(dan)
  dan.like(posts.ann)
  cat.like(posts.ann)
  await world.settle()
  assert.deepEqual(await feed(ann), ['later', 'answer', 'of bob', 'of ann'])
  const { likes } = await world.get('app.bsky.feed.getLikes', { uri: posts.ann.uri })
  assert.equal(likes.length, 1, 'likes of those outside are not kept')
})

test('who is followed no more and answered no more is forgotten, and comes back when needed', async () => {
  const { ann, bob, cat, posts } = await open({ scope: 'neighbourhood', members: [idOf('ann')] })
  await (await world.start()).settle()
  const follow = ann.follow(bob)
  ann.follow(cat)
  await world.settle()
  ann.delete(follow)
  await world.settle()
  assert.ok((await indexed()).includes('of bob'), 'not at once')
  for (let day = 0; day < 32; day++) await world.outside.advance(DAY_MS)
  await world.settle()
  assert.deepEqual(await indexed(), ['of ann', 'of cat'])
  ann.reply(posts.bob, 'again')
  await world.settle()
  assert.ok((await indexed()).includes('of bob'))
})

test('profiles and threads outside are read from their hosts when somebody asks, and marked', async () => {
  const { ann, bob, cat, posts } = await open({ scope: 'members', members: [idOf('ann')] })
  const answer = bob.reply(posts.cat, 'to cat')
  const deep = ann.reply(answer, 'to bob', posts.cat)
  await (await world.start()).settle()
  const seen = await profile(bob)
  assert.deepEqual([seen.displayName, seen.isOutsideScope], ['bob', true])
  assert.equal((await profile(ann)).isOutsideScope, undefined)
  const { thread } = await world.get('app.bsky.feed.getPostThread', { uri: deep.uri })
  assert.equal(thread.parent.post.record.text, 'to cat')
  assert.equal(thread.parent.parent.post.record.text, 'of cat')
  assert.deepEqual(
    [thread.post, thread.parent.post, thread.parent.parent.post].map(
      (post) => post.author.isOutsideScope,
    ),
    [undefined, true, true],
  )
  const flat = await world.get('app.bsky.unspecced.getPostThreadV2', { anchor: posts.dan.uri })
  assert.equal(flat.thread[0].value.post.record.text, 'of dan')
  const calls = world.calls.length
  await profile(bob)
  await world.get('app.bsky.feed.getPostThread', { uri: deep.uri })
  assert.equal(world.calls.length, calls, 'once asked, the host is left alone for a while')
  cat.delete(posts.cat)
  cat.update('app.bsky.actor.profile', 'self', { displayName: 'new name' })
  cat.post('not kept')
  await world.settle()
  assert.equal((await profile(cat)).displayName, 'new name', 'what is here follows its author')
  assert.ok(!(await indexed()).includes('of cat') && !(await indexed()).includes('not kept'))
  for (let day = 0; day < 32; day++) await world.outside.advance(DAY_MS)
  await world.settle()
  assert.deepEqual(await indexed(), ['of ann', 'to bob'], 'visitors go when nobody asks for them')
})

test('what is named, quoted or embedded outside is looked up too; in feeds for who reads next', async () => {
  const { ann, bob, cat, dan, posts } = await open({ scope: 'members', members: [idOf('ann')] })
  const feed = { did: idOf('feeds'), displayName: 'of dan', createdAt: dan.now }
  const generator = dan.create('app.bsky.feed.generator', feed)
  const quoting = bob.quote(posts.cat, 'bob quotes cat')
  const own = ann.quote(quoting, 'ann quotes bob')
  const embedding = ann.quote(generator, 'ann shows a feed')
  await (await world.start()).settle()
  const named = async (uri: string) =>
    (await world.get('app.bsky.feed.getPosts', { uris: [uri] })).posts[0]
  const seen = await named(quoting.uri)
  assert.deepEqual([seen.record.text, seen.author.isOutsideScope], ['bob quotes cat', true])
  assert.equal(seen.embed.record.value.text, 'of cat')
  const { posts: quotes } = await world.get('app.bsky.feed.getQuotes', { uri: quoting.uri })
  assert.deepEqual(
    quotes.map((one: { uri: string }) => one.uri),
    [own.uri],
  )
  const shown = async () => {
    const { feed: items } = await world.get('app.bsky.feed.getAuthorFeed', { actor: ann.did })
    return items.find((item: { post: { uri: string } }) => item.post.uri === embedding.uri).post
      .embed.record
  }
  assert.equal((await shown()).notFound, true, 'nobody waits')
  await world.settle()
  assert.equal((await shown()).displayName, 'of dan')
  assert.equal((await named(posts.dan.uri)).record.text, 'of dan')
  assert.equal(cat.handle, 'cat.test')
})

test('what a host says that its account did not sign is not believed, nor that something is gone', async () => {
  const { bob, cat, posts } = await open({ scope: 'members', members: [idOf('ann')] })
  await (await world.start()).settle()
  const text = async (uri: string) =>
    (await world.get('app.bsky.feed.getPosts', { uris: [uri] })).posts[0]?.record.text
  const { key } = bob
  bob.key = cat.key
  const forged = bob.post('forged')
  bob.key = key
  assert.equal(await text(forged.uri), undefined)
  assert.equal(await text(posts.cat.uri), 'of cat')
  await world.outside.advance(DAY_MS)
  world.isHostDown = true
  assert.equal(await text(posts.cat.uri), 'of cat')
  world.isHostDown = false
  cat.key = generateKey('k256', world.outside.random)
  cat.identity()
  const signed = cat.post('by a new key')
  await world.settle()
  assert.equal(await text(signed.uri), 'by a new key')
})

test('a host that is away, or answers nonsense, makes nobody wait and nothing known', async () => {
  const { ann, bob, posts } = await open({ scope: 'members', members: [idOf('ann')] })
  await (await world.start()).settle()
  world.isHostDown = true
  assert.equal(
    await world.refused('app.bsky.feed.getPostThread', { uri: posts.bob.uri }),
    'NotFound',
  )
  assert.equal(
    await world.refused('app.bsky.actor.getProfile', { actor: bob.did }),
    'InvalidRequest',
  )
  assert.equal((await profile(ann)).displayName, 'ann')
})

test('an operator who names no member is told so', () => {
  for (const member of ['ann', 'at://ann.test', 'did:plc', 'ftp://host.test'])
    assert.throws(() => scopeRule([member]), /is no DID/)
})
