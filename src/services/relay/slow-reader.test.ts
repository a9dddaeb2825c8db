import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { createMetrics, listen, silentLog } from '#platform/runtime'
import { decodeFrame } from '#protocol/xrpc'
import { World } from './relay.test-support.ts'

const subscribers = {
  maxSubscribers: 10,
  stallMs: 300,
  pingMs: 60_000,
  maxMessageBytes: 1_024,
}

test('a reader that stalls is cut with ConsumerTooSlow, and slows nobody', async () => {
  const world = new World()
  const host = world.host('3001')
  const alice = world.person(host)
  const relay = await world.relay({ config: { pdsHosts: [host.url] } })
  const metrics = createMetrics()
  const listening = await listen(relay.service, {
    port: 0,
    log: silentLog,
    metrics,
    limits: { subscribers },
  })
  const address = `${listening.url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos?cursor=0`
  const open = async () => {
    const socket = new WebSocket(address)
    await new Promise((resolve) => socket.once('open', resolve))
    return socket
  }
  try {
    const stalled = await open()
    stalled.pause()
    const quick = await open()
    let count = 0
    quick.on('message', () => count++)
    // More than the sockets between us hold: identities, as large as they may be.
    const more = 'x'.repeat(15_000)
    for (let i = 0; i < 600; i++) host.identity(alice.did, { more })
    const isCut = () => /stream_subscribers_cut\{reason="slow"\} 1\n/.test(metrics.text())
    await world.until(isCut, 'the cut')
    const frames: Uint8Array[] = []
    stalled.on('message', (data: Buffer) => frames.push(data))
    const closed = new Promise<number>((resolve) => stalled.once('close', resolve))
    stalled.resume()
    assert.equal(await closed, 1008)
    assert.deepEqual(decodeFrame(frames.at(-1)!), {
      error: 'ConsumerTooSlow',
      message: 'The stream was read too slowly',
    })
    assert.ok(frames.length < 600)
    await world.until(() => count === 600, 'all of them')
    host.identity(alice.did)
    await world.until(() => count === 601, 'the next one')
    quick.close()
  } finally {
    await listening.close()
    await world.close()
  }
})
