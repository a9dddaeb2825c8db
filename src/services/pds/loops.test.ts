import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Person, TestHost } from './testing/host.test-support.ts'

const HOUR_MS = 3_600_000

/** Lets the housekeeping go by once. */
async function housekeeping(host: TestHost): Promise<void> {
  const before = host.outside.pending
  const loop = host.loop('housekeeping')
  await host.until(() => host.outside.pending > before)
  await loop.stop()
}

/** Segments that hold an event or two: only whole ones go. */
const segmentBytes = 4_096

async function writeSome(host: TestHost, alice: Person, word: string): Promise<number> {
  for (let i = 0; i < 6; i++) {
    assert.equal((await host.write(alice, `${word} ${i}`)).status, 200)
  }
  return host.stream.bounds().last
}

test('events go when their window is over, but none that a replay still needs', async () => {
  const host = await TestHost.open({ config: { retentionHours: 72 }, segmentBytes })
  const alice = await host.signUp('alice')
  const { first } = host.stream.bounds()
  const old = await writeSome(host, alice, 'old')
  host.outside.setNow(host.outside.now() + 73 * HOUR_MS)
  await housekeeping(host)
  assert.equal(host.stream.bounds().first, first, 'no file was synced yet')
  const young = await writeSome(host, await host.signUp('bob'), 'young')
  await host.checkpoint()
  await housekeeping(host)
  const now = host.stream.bounds()
  // What shares its segment with younger ones goes with them.
  assert.ok(now.first > old - 4, 'what is over is gone')
  assert.ok(now.first < young && now.last === young, 'what is not is there')
  await host.close()
})

test('beyond so many bytes the oldest events go, but none that a replay still needs', async () => {
  const host = await TestHost.open({ config: { retentionBytes: 5_000 }, segmentBytes })
  const alice = await host.signUp('alice')
  const { first } = host.stream.bounds()
  const last = await writeSome(host, alice, 'one')
  await writeSome(host, alice, 'two')
  await housekeeping(host)
  assert.equal(host.stream.bounds().first, first, 'no file was synced yet')
  await host.checkpoint()
  await housekeeping(host)
  assert.ok(host.stream.bounds().first > last)
  await host.close()
})
