import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestHost } from './host.test-support.ts'

test('an account is made, writes, and is announced', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const post = await host.write(alice, 'hello')
  assert.equal(post.status, 200, JSON.stringify(post.body))
  const events = await host.events()
  assert.deepEqual(
    events.map((e) => e.type),
    ['#identity', '#account', '#commit', '#commit'],
  )
  const again = await host.restart()
  assert.equal((await again.events()).length, 4)
  console.log(again.errors)
  await again.close()
})
