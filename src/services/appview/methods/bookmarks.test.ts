import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { createScene, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene()
})
afterEach(() => scene.world.close())

async function send(method: Nsid, input: object, as: Person = scene.alice) {
  const { status, body } = await scene.world.post(method, input, as)
  return status === 200 ? undefined : (JSON.parse(body as string).error as string)
}
const keep = (ref: Ref, as?: Person) => send('app.bsky.bookmark.createBookmark', ref, as)
const drop = (uri: string, as?: Person) => send('app.bsky.bookmark.deleteBookmark', { uri }, as)
const bookmarks = (params: object = {}, as = scene.alice) =>
  scene.world.get('app.bsky.bookmark.getBookmarks', params as never, as)
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
const urisOf = (page: any): string[] => page.bookmarks.map((one: any) => one.subject.uri)
async function view(ref: Ref, as = scene.alice) {
  const { posts } = await scene.world.get('app.bsky.feed.getPosts', { uris: [ref.uri] }, as)
  return posts[0]
}

test('a post put aside is listed, marked and counted, and nobody else is told whose it is', async () => {
  const { world, bob, carol, post, answer } = scene
  assert.equal(await keep(post), undefined)
  assert.equal(await keep(post), undefined, 'twice is once')
  await world.outside.advance(1)
  await keep(answer)
  await keep(post, carol)
  const page = await bookmarks()
  assert.deepEqual(urisOf(page), [answer.uri, post.uri])
  assert.equal(page.bookmarks[1].item.$type, 'app.bsky.feed.defs#postView')
  assert.equal(page.bookmarks[1].item.viewer.bookmarked, true)
  assert.deepEqual(page.bookmarks[1].subject, post)
  const first = await bookmarks({ limit: 1 })
  const rest = await bookmarks({ limit: 1, cursor: first.cursor })
  assert.deepEqual([...urisOf(first), ...urisOf(rest)], urisOf(page))
  const [mine, others] = [await view(post), await view(post, bob)]
  assert.deepEqual([mine.bookmarkCount, mine.viewer.bookmarked], [2, true])
  assert.deepEqual([others.bookmarkCount, others.viewer.bookmarked], [2, false])
  assert.deepEqual(urisOf(await bookmarks({}, bob)), [])
})

test('what is taken out again is neither listed nor counted', async () => {
  const { post } = scene
  await keep(post)
  assert.equal(await drop(post.uri), undefined)
  assert.equal(await drop(post.uri), undefined, 'what is not there can go')
  const seen = await view(post)
  assert.deepEqual([seen.bookmarkCount, seen.viewer.bookmarked], [0, false])
  assert.deepEqual(urisOf(await bookmarks()), [])
})

test('a post that went, is hidden or blocked keeps its place as a stub', async () => {
  const { world, alice, carol, gone, bob, post, answer } = scene
  const later = gone.post('before it left')
  await world.settle()
  for (const ref of [post, answer, later]) {
    await keep(ref)
    await world.outside.advance(1)
  }
  bob.delete(post)
  alice.block(carol)
  await world.settle()
  const { bookmarks: list } = await bookmarks()
  const items: { uri: string; $type: string }[] = list.map((one: { item: object }) => one.item)
  assert.deepEqual(
    items.map((item) => [item.uri, item.$type.split('#')[1]]),
    [
      [later.uri, 'notFoundPost'],
      [answer.uri, 'blockedPost'],
      [post.uri, 'notFoundPost'],
    ],
  )
})

test('a post may be put aside before it is known, under its handle too', async () => {
  const { world, bob, stranger } = scene
  const rkey = stranger.nextRkey()
  const cid = scene.post.cid
  const uri = `at://${stranger.did}/app.bsky.feed.post/${rkey}`
  assert.equal(await keep({ uri, cid }), undefined)
  stranger.create('app.bsky.feed.post', { text: 'late', createdAt: stranger.now }, rkey)
  await world.settle()
  assert.equal((await bookmarks()).bookmarks[0].item.record.text, 'late')
  assert.equal(await drop(`at://stranger.test/app.bsky.feed.post/${rkey}`), undefined)
  assert.deepEqual(urisOf(await bookmarks()), [])
  assert.equal(
    await keep({ uri: `at://${bob.did}/app.bsky.feed.like/x`, cid }),
    'UnsupportedCollection',
  )
  assert.equal(await keep({ uri: 'at://nobody.test/app.bsky.feed.post/x', cid }), 'InvalidRequest')
  assert.equal(await world.refused('app.bsky.bookmark.getBookmarks'), 'AuthMissing')
  assert.equal(
    await world.refused('app.bsky.bookmark.getBookmarks', { cursor: 'x' }, bob),
    'InvalidRequest',
  )
})

test('an account can put aside so many posts, and not one more', async () => {
  const { world, bob, post, answer } = scene
  await keep(answer)
  const { aid } = (await world.sql.get<{ aid: number }>('select aid from bookmark'))!
  await world.sql.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 19999)
     insert into bookmark (aid, subject_aid, subject_rkey, subject_cid, created_us)
     select ?, 0, i, '', i from n`,
    [aid],
  )
  assert.equal(await keep(post), 'TooManyBookmarks')
  assert.equal(await keep(answer), undefined, 'what is there stays')
  assert.equal(await keep(post, bob), undefined, 'others are not concerned')
  assert.equal((await view(post, bob)).bookmarkCount, 1)
})
