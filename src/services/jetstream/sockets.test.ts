import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { createMetrics, type Listening, listen, silentLog } from '#platform/runtime'
import type { Did } from '#protocol/syntax'
import { type TestJetstream, World } from './jetstream.test-support.ts'

const alice: Did = `did:plc:${'a'.repeat(24)}`
const post = 'app.bsky.feed.post'
const like = 'app.bsky.feed.like'

const world = new World()
let jetstream: TestJetstream
let listening: Listening

before(async () => {
  jetstream = await world.jetstream()
  listening = await listen(jetstream.service, {
    port: 0,
    log: silentLog,
    metrics: createMetrics(),
  })
})
after(async () => {
  await listening.close()
  await world.close()
})

const address = (query: string) => `${listening.url.replace('http', 'ws')}/subscribe?${query}`

test('a reader over a socket says hello, changes its options, and gets text', async () => {
  const socket = new WebSocket(address('requireHello=true&cursor=0'))
  const heard: { commit: { collection: string } }[] = []
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    assert.equal(isBinary, false)
    heard.push(JSON.parse(data.toString()))
  })
  await new Promise((resolve) => socket.once('open', resolve))
  relay().commit(alice, [post, like])
  await world.until(() => jetstream.count('#commit', 'accepted') === 2)
  assert.equal(heard.length, 0)
  update(socket, { wantedCollections: [like] })
  await world.until(() => heard.length === 1)
  update(socket, { wantedCollections: [post] })
  await new Promise((resolve) => setTimeout(resolve, 50))
  relay().commit(alice, [post, like])
  await world.until(() => heard.length === 2)
  assert.deepEqual(
    heard.map(({ commit }) => commit.collection),
    [like, post],
  )
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.send('nonsense')
  assert.equal(await closed, 1000)
})

test('bad options refuse the upgrade, with the reason as JSON', async () => {
  const socket = new WebSocket(address('wantedDids=alice'))
  socket.on('error', () => {})
  const response = await new Promise<{ statusCode?: number; body: string }>((resolve) => {
    socket.once('unexpected-response', (_request, answer) => {
      let body = ''
      answer.on('data', (data: Buffer) => (body += data))
      answer.on('end', () => resolve({ statusCode: answer.statusCode, body }))
    })
  })
  assert.equal(response.statusCode, 400)
  assert.deepEqual(JSON.parse(response.body), {
    error: 'InvalidRequest',
    message: 'invalid did: alice',
  })
})

const relay = () => world.relay

function update(socket: WebSocket, payload: object): void {
  socket.send(JSON.stringify({ type: 'options_update', payload }))
}
