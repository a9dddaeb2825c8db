import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createScene, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

const NSID = 'app.bsky.unspecced.getPostThreadV2'
const OTHER = 'app.bsky.unspecced.getPostThreadOtherV2'
let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

type Params = Record<string, string | number | boolean>
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Item = any

/** `depth text`, a mark for what stands in a post's place, `+n` for replies that are not there. */
const lineOf = ({ depth, value }: Item): string => {
  const type = value.$type.split('#threadItem')[1]
  const more = value.moreReplies ? ` +${value.moreReplies}` : ''
  const up = value.moreParents ? ' ^' : ''
  return `${depth} ${type === 'Post' ? value.post.record.text : type}${more}${up}`
}

async function read(anchor: Ref, params: Params = {}, as?: Person) {
  const answer = await scene.world.get(NSID, { anchor: anchor.uri, ...params }, as)
  return { ...answer, lines: answer.thread.map(lineOf) as string[] }
}

async function others(anchor: Ref, as?: Person): Promise<Item[]> {
  return (await scene.world.get(OTHER, { anchor: anchor.uri }, as)).thread
}

async function say(person: Person, text: string, parent?: Ref, root?: Ref): Promise<Ref> {
  await scene.world.outside.advance(1_000)
  return parent ? person.reply(parent, text, root) : person.post(text)
}

test('a thread is a list: parents above, replies below, each with its depth; nobody blocked or gone', async () => {
  const { alice, post, answer } = scene
  const { lines, hasOtherReplies } = await read(post, {}, alice)
  assert.deepEqual(lines, ['0 the post', '1 answer of carol.test', '1 answer of stranger.test'])
  assert.equal(hasOtherReplies, false)
  assert.deepEqual((await read(answer, {}, alice)).lines, ['-1 the post', '0 answer of carol.test'])
  assert.deepEqual((await read(answer, { above: false }, alice)).lines, [
    '0 answer of carol.test ^',
  ])
  assert.deepEqual((await read(post, { below: 0 }, alice)).lines, ['0 the post'])
})

test('the thread that an author wrote comes first and counts its posts, others by the order asked for', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const root = await say(bob, 'one')
  const late = await say(stranger, 'stranger', root)
  const two = await say(bob, 'two', root)
  await say(carol, 'carol', root)
  const aside = await say(bob, 'aside', root)
  const three = await say(bob, 'three', two, root)
  await say(stranger, 'below two', two, root)
  await say(bob, 'to the stranger', late, root)
  const second = await say(carol, 'carol again', root)
  for (const person of [alice, carol]) person.like(late)
  bob.like(second)
  carol.like(second)
  await world.settle()
  const at = async (sort: string, as?: Person) =>
    (await read(root, { sort, below: 1 }, as)).lines.slice(1).map((line: string) => line.slice(2))
  const own = ['two +2', 'aside']
  assert.deepEqual(await at('oldest'), [...own, 'stranger +1', 'carol', 'carol again'])
  assert.deepEqual(await at('newest'), [...own, 'carol again', 'carol', 'stranger +1'])
  assert.deepEqual(await at('top'), [...own, 'carol again', 'stranger +1', 'carol'])
  assert.deepEqual(await at('oldest', stranger), [...own, 'stranger +1', 'carol', 'carol again'])
  assert.deepEqual(await at('newest', alice), [...own, 'carol again', 'carol', 'stranger +1'])
  const { thread } = await read(root, { sort: 'newest' })
  const inOwn = thread
    .filter((item: Item) => item.value.opThread)
    .map(({ value }: Item) => [
      value.post.record.text,
      value.opThreadPostIndex,
      value.opThreadPostCount,
    ])
  assert.deepEqual(inOwn, [
    ['one', 1, 3],
    ['two', 2, 3],
    ['three', 3, 3],
  ])
  assert.deepEqual((await read(three)).lines, ['-2 one', '-1 two', '0 three'])
  assert.equal((await read(aside)).thread.at(-1).value.opThread, false)
})

test('below the direct replies no more branches are shown than asked for, and the rest is counted', async () => {
  const { world, bob, carol } = scene
  const root = await say(bob, 'root')
  const branch = await say(carol, 'branch', root)
  for (const text of ['a', 'b', 'c']) await say(carol, text, branch, root)
  await say(carol, 'second', root)
  await world.settle()
  assert.deepEqual((await read(root, { branchingFactor: 1 })).lines, [
    '0 root',
    '1 branch +2',
    '2 a',
    '1 second',
  ])
  assert.deepEqual((await read(root, { branchingFactor: 0 })).lines, [
    '0 root',
    '1 branch +3',
    '1 second',
  ])
})

test('replies hidden by the author of the thread, or by muted people, are kept apart', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const root = await say(bob, 'mine')
  const hidden = await say(stranger, 'rude', root)
  const nested = await say(carol, 'seen', root)
  const deep = await say(stranger, 'rude below', nested, root)
  await say(carol, '📌', root)
  const rkey = root.uri.split('/').pop()!
  const gate = { post: root.uri, createdAt: bob.now, hiddenReplies: [hidden.uri, deep.uri] }
  bob.create('app.bsky.feed.threadgate', gate, rkey)
  await world.settle()
  const { lines, hasOtherReplies, threadgate } = await read(root, {}, alice)
  assert.deepEqual(lines, ['0 mine', '1 seen'])
  assert.equal(hasOtherReplies, true)
  assert.deepEqual(threadgate.record.hiddenReplies, [hidden.uri, deep.uri])
  const apart = await others(root, alice)
  assert.deepEqual(apart.map(lineOf), ['1 📌', '1 rude'])
  assert.deepEqual(
    apart.map(({ value }) => [value.hiddenByThreadgate, value.mutedByViewer]),
    [
      [false, false],
      [true, false],
    ],
  )
  assert.equal((await read(nested, {}, alice)).hasOtherReplies, true, 'also under another anchor')
  assert.deepEqual(
    (await read(root, {}, stranger)).lines,
    ['0 mine', '1 rude', '1 seen', '2 rude below'],
    'whoever wrote it sees it in its place',
  )
  await world.post('app.bsky.graph.muteActor', { actor: carol.did }, alice)
  assert.deepEqual((await read(root, {}, alice)).lines, ['0 mine'])
  const muted = (await others(root, alice)).map(({ value }) => value.mutedByViewer)
  assert.deepEqual(muted, [false, true, true])
  await world.post('app.bsky.graph.unmuteActor', { actor: carol.did }, alice)
})

test('what is gone, blocked or elsewhere leaves a mark where it stood', async () => {
  const { world, alice, bob, blake, brook, carol, gone, stranger } = scene
  const base = await say(bob, 'base')
  const deleted = await say(bob, 'deleted', base)
  const orphan = await say(carol, 'orphan', deleted, base)
  const rude = await say(blake, 'rude', base)
  const below = await say(carol, 'below rude', rude, base)
  const away = await say(gone, 'away', base)
  const toAway = await say(carol, 'to one away', away, base)
  const quarrel = await say(stranger, 'quarrel', base)
  const answered = await say(brook, 'answered', quarrel, base)
  stranger.block(brook)
  bob.delete(deleted)
  await world.settle()
  assert.deepEqual((await read(orphan, {}, alice)).lines, ['-1 NotFound', '0 orphan'])
  assert.deepEqual((await read(toAway, {}, alice)).lines, ['-1 NotFound', '0 to one away'])
  const { lines, thread } = await read(below, {}, alice)
  assert.deepEqual(lines, ['-1 Blocked', '0 below rude'])
  assert.match(thread[0].value.author.viewer.blocking, /app\.bsky\.graph\.block/)
  assert.deepEqual((await read(rude, {}, alice)).lines, ['0 Blocked'])
  assert.deepEqual((await read(answered)).lines, ['-1 Blocked', '0 answered'], 'by two others')
  assert.deepEqual((await read(base)).lines.slice(1), ['1 rude', '2 below rude', '1 quarrel'])
  assert.deepEqual((await read(deleted)).lines, ['0 NotFound'])
  const nobody = { uri: 'at://did:plc:nobodynobodynobodynobody/app.bsky.feed.post/a', cid: '' }
  assert.deepEqual((await read(nobody)).lines, ['0 NotFound'])
  assert.deepEqual(await others(deleted), [])
})

test('who asks not to be shown to strangers leaves a mark for those who are not signed in', async () => {
  const { world, alice, bob, carol } = scene
  const shy = await world.member('shy')
  shy.update('app.bsky.actor.profile', 'self', {
    labels: {
      $type: 'com.atproto.label.defs#selfLabels',
      values: [{ val: '!no-unauthenticated' }],
    },
  })
  const root = await say(bob, 'open')
  const secret = await say(shy, 'for members', root)
  const answer = await say(carol, 'to the shy', secret, root)
  const quoting = carol.quote(secret, 'quoting')
  await world.settle()
  assert.deepEqual((await read(root)).lines, ['0 open'])
  assert.deepEqual((await read(secret)).lines, ['-1 open', '0 NoUnauthenticated'])
  assert.deepEqual((await read(answer)).lines, ['-2 open', '-1 NoUnauthenticated', '0 to the shy'])
  assert.deepEqual((await read(answer, {}, alice)).lines, [
    '-2 open',
    '-1 for members',
    '0 to the shy',
  ])
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [secret.uri, quoting.uri] })
  assert.deepEqual(
    posts.map((post: Item) => [post.record.text, post.embed.record.$type]),
    [['quoting', 'app.bsky.embed.record#viewNotFound']],
  )
  const feed = async (as?: Person) =>
    (await world.get('app.bsky.feed.getAuthorFeed', { actor: shy.did }, as)).feed.length
  assert.deepEqual([await feed(), await feed(alice)], [0, 1])
  const profile = await world.get('app.bsky.actor.getProfile', { actor: shy.did })
  assert.equal(
    profile.labels[0].val,
    '!no-unauthenticated',
    'the account itself is shown with its wish',
  )
})

test('a thread for followers, for those followed, for those on a list', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const root = await say(bob, 'gated')
  const answer = await say(carol, 'of carol', root)
  await say(stranger, 'of the stranger', root)
  const list = bob.create('app.bsky.graph.list', {
    name: 'close',
    purpose: 'app.bsky.graph.defs#curatelist',
    createdAt: bob.now,
  })
  const rkey = root.uri.split('/').pop()!
  const allow = (rule: string, more: object = {}) => ({
    post: root.uri,
    createdAt: bob.now,
    allow: [{ $type: `app.bsky.feed.threadgate#${rule}`, ...more }],
  })
  bob.create('app.bsky.feed.threadgate', allow('listRule', { list: list.uri }), rkey)
  await world.settle()
  assert.deepEqual((await read(root)).lines, ['0 gated'], 'nobody is on the list yet')
  const item = bob.create('app.bsky.graph.listitem', {
    list: list.uri,
    subject: carol.did,
    createdAt: bob.now,
  })
  await world.settle()
  const listed = await read(root, {}, carol)
  assert.deepEqual(listed.lines, ['0 gated', '1 of carol'])
  assert.equal(listed.thread[0].value.post.viewer.replyDisabled, undefined)
  assert.equal((await read(root, {}, alice)).thread[0].value.post.viewer.replyDisabled, true)
  const [named] = listed.threadgate.lists
  assert.deepEqual([named.uri, named.name, named.listItemCount], [list.uri, 'close', 1])
  assert.deepEqual(listed.thread[0].value.post.threadgate.lists, [named])
  bob.delete(item)
  await world.settle()
  assert.deepEqual((await read(root, {}, carol)).lines, ['0 gated'])
  assert.deepEqual((await read(answer)).lines, ['0 of carol'], 'a reply shut out is shown alone')
  bob.update('app.bsky.feed.threadgate', rkey, allow('followerRule'))
  await world.settle()
  assert.deepEqual((await read(root)).lines, ['0 gated', '1 of carol', '1 of the stranger'])
  bob.update('app.bsky.feed.threadgate', rkey, allow('followingRule'))
  await world.settle()
  assert.deepEqual((await read(root)).lines, ['0 gated'])
  bob.follow(stranger)
  await world.settle()
  assert.deepEqual((await read(root)).lines, ['0 gated', '1 of the stranger'])
  bob.update('app.bsky.feed.threadgate', rkey, allow('someRuleOfTheFuture'))
  await world.settle()
  assert.deepEqual((await read(root)).lines, ['0 gated'], 'a rule nobody knows lets nobody in')
})
