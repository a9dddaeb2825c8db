import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { textsOf } from '../scene.test-support.ts'
import { type Person, type Ref, World } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.getAuthorFeed'
let world: World
let ann: Person
let ben: Person
let root: Ref
const image = (blob: object) => ({
  $type: 'app.bsky.embed.images',
  images: [{ image: blob, alt: '' }],
})

before(async () => {
  world = await new World().start()
  ann = await world.member('ann')
  ben = await world.member('ben')
  const tick = () => world.outside.advance(1_000)
  root = ann.post('root')
  await tick()
  ann.reply(root, 'own thread')
  await tick()
  const bens = ben.post('of ben')
  ann.reply(bens, 'to ben')
  await tick()
  ann.repost(bens)
  await tick()
  ann.post('with a picture', { embed: image(world.addBlob(new Uint8Array(5))) })
  await tick()
  const video = { ...world.addBlob(new Uint8Array(6), 'video/mp4') }
  ann.post('with a film', { embed: { $type: 'app.bsky.embed.video', video } })
  await tick()
  const inBens = ben.reply(root, 'ben in the thread')
  await tick()
  ann.reply(inBens, 'to ben in own thread', root)
  await world.settle()
})
after(() => world.close())

const FEEDS: Record<string, string[]> = {
  posts_with_replies: [
    'to ben in own thread',
    'with a film',
    'with a picture',
    'of ben',
    'to ben',
    'own thread',
    'root',
  ],
  posts_no_replies: ['with a film', 'with a picture', 'of ben', 'root'],
  posts_with_media: ['with a picture'],
  posts_with_video: ['with a film'],
  posts_and_author_threads: ['with a film', 'with a picture', 'of ben', 'own thread', 'root'],
}

for (const [filter, expected] of Object.entries(FEEDS))
  test(`the filter ${filter} picks what its name says`, async () => {
    const { feed } = await world.get(NSID, { actor: ann.did, filter })
    assert.deepEqual(textsOf(feed), expected)
    const read: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page = await world.get(NSID, {
        actor: ann.did,
        filter,
        limit: 2,
        ...(cursor && { cursor }),
      })
      read.push(...textsOf(page.feed))
      cursor = page.cursor
    }
    assert.deepEqual(read, expected)
  })

test('a pinned post comes first, once, when asked for', async () => {
  ann.update('app.bsky.actor.profile', 'self', { pinnedPost: root })
  await world.settle()
  const { feed } = await world.get(NSID, {
    actor: ann.did,
    includePins: true,
    filter: 'posts_no_replies',
  })
  assert.deepEqual(textsOf(feed), ['root', 'with a film', 'with a picture', 'of ben'])
  assert.equal(feed[0].reason.$type, 'app.bsky.feed.defs#reasonPin')
  const plain = await world.get(NSID, { actor: ann.did, filter: 'posts_no_replies' })
  assert.equal(textsOf(plain.feed)[0], 'with a film')
})

test('blocks refuse the whole feed, each side by its name', async () => {
  const eve = await world.member('eve')
  const block = eve.block(ann)
  await world.settle()
  assert.equal(await world.refused(NSID, { actor: ann.did }, eve), 'BlockedActor')
  assert.equal(await world.refused(NSID, { actor: eve.did }, ann), 'BlockedByActor')
  assert.equal((await world.get(NSID, { actor: ann.did })).feed.length > 0, true)
  eve.delete(block)
  await world.settle()
  assert.equal((await world.get(NSID, { actor: ann.did }, eve)).feed.length > 0, true)
})

test('a repost of somebody the viewer has a block with is left out', async () => {
  const eve = await world.member('eva')
  eve.block(ben)
  await world.settle()
  const { feed } = await world.get(NSID, { actor: ann.did, filter: 'posts_no_replies' }, eve)
  assert.ok(!textsOf(feed).includes('of ben'))
})

test('an unknown account is refused, a hidden one has an empty feed', async () => {
  assert.equal(await world.refused(NSID, { actor: 'did:plc:nobody' }), 'InvalidRequest')
  assert.equal(await world.refused(NSID, { actor: 'nobody.test' }), 'InvalidRequest')
  const off = await world.member('off')
  off.post('hidden')
  off.account('deactivated')
  await world.settle()
  assert.deepEqual((await world.get(NSID, { actor: off.did })).feed, [])
  off.account()
  await world.settle()
  assert.deepEqual(textsOf((await world.get(NSID, { actor: 'off.test' })).feed), ['hidden'])
})

test('a page that was asked for before has what came since, and not what went', async () => {
  const dee = await world.member('dee')
  const texts = async (filter = 'posts_with_replies') =>
    textsOf((await world.get(NSID, { actor: dee.did, filter, limit: 3 })).feed)
  assert.deepEqual(await texts(), [])
  const first = dee.post('first')
  await world.settle()
  assert.deepEqual(await texts(), ['first'])
  assert.deepEqual(await texts('posts_no_replies'), ['first'])
  await world.outside.advance(1_000)
  dee.reply(first, 'second')
  await world.settle()
  assert.deepEqual(await texts(), ['second', 'first'])
  assert.deepEqual(await texts('posts_no_replies'), ['first'])
  dee.delete(first)
  await world.settle()
  assert.deepEqual(await texts(), ['second'])
  assert.deepEqual(await texts('posts_no_replies'), [])
})
