import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpRequest, HttpResponse } from '#platform/runtime'
import { dumpIndex } from '../index/dump.test-support.ts'
import { RELAY, World } from '../world.test-support.ts'

const NAMES = ['ann', 'bob', 'cat']

test('an index that begins with nothing fetches what the stream does not tell any more, once', async () => {
  const world = new World({ config: { backfill: true } })
  const people = NAMES.map((name) => world.person(name))
  const asked: string[] = []
  let failures = 1
  world.serve(
    RELAY,
    ({ query }: HttpRequest): HttpResponse => {
      const cursor = new URLSearchParams(query).get('cursor') ?? '0'
      asked.push(cursor)
      if (cursor === '2' && failures-- > 0) return { status: 503 }
      const at = Number(cursor)
      const repos = people.slice(at, at + 1).map(({ did }) => ({ did, active: true }))
      const body = { repos, ...(repos.length > 0 && { cursor: String(at + 1) }) }
      return { status: 200, body: JSON.stringify(body) }
    },
    (request) => world.relay.subscribe(request),
  )
  const [ann, bob, cat] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]]
  for (const person of people) person.profile({ displayName: person.handle })
  const post = ann.post('long ago')
  bob.like(post)
  cat.reply(post, 'answer')
  bob.follow(ann)
  const whole = await new World().start()
  for (const { frame } of world.relay.frames) whole.relay.emit(() => frame)
  for (const person of people) whole.people.set(person.did, person)
  await whole.settle()
  // All of that is older than what the relay keeps.
  world.relay.frames.length = 0
  await world.start()
  for (let i = 0; i < 30; i++) await world.outside.advance(1_000)
  cat.like(post)
  await world.settle()
  await whole.outside.advance(30_000)
  whole.relay.emit(() => world.relay.frames.at(-1)!.frame)
  await whole.settle()
  const read = await world.get('app.bsky.feed.getPostThread', { uri: post.uri })
  assert.equal(read.thread.replies[0].post.record.text, 'answer')
  assert.equal(read.thread.post.likeCount, 2)
  assert.equal(await dumpIndex(world.sql), await dumpIndex(whole.sql))
  assert.deepEqual(asked, ['0', '1', '2', '2', '3'], 'after a failure it goes on where it was')
  await world.stop()
  await world.start()
  for (let i = 0; i < 30; i++) await world.outside.advance(1_000)
  assert.equal(asked.length, 5, 'done is done')
  await Promise.all([world.close(), whole.close()])
})
