import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { IdResolver } from '@atproto/identity'
import { type Event, Firehose } from '@atproto/sync'
import { eventually, type Network, startNetwork } from '../rig.ts'

/** The official consumer, with its own verification of every event, against each of our streams. */
describe('the official firehose consumer', () => {
  let network: Network
  const agents: AtpAgent[] = []

  before(async () => {
    network = await startNetwork('--pds', '2', '--services', 'plc,relay,pds')
    for (const [i, { url }] of network.pds.entries()) {
      const agent = new AtpAgent({ service: url })
      const handle = ['alice.test', 'bob.two.test'][i]!
      const email = `${i}@example.com`
      await agent.createAccount({ handle, email, password: 'password' })
      agents.push(agent)
    }
  })
  after(() => network?.stop())

  /** Makes one of each event that a repository can make. */
  async function live(agent: AtpAgent): Promise<number> {
    const { uri, cid } = await agent.post({ text: 'one' })
    await agent.like(uri, cid)
    await agent.upsertProfile(() => ({ displayName: 'somebody' }))
    await agent.upsertProfile(() => ({ displayName: 'somebody else' }))
    const writes = Array.from({ length: 25 }, (_, i) => ({
      $type: 'com.atproto.repo.applyWrites#create' as const,
      collection: 'app.bsky.feed.post',
      value: { $type: 'app.bsky.feed.post', text: `${i}`, createdAt: new Date().toISOString() },
    }))
    await agent.com.atproto.repo.applyWrites({ repo: agent.assertDid, writes })
    await agent.deletePost(uri)
    return 1 + 1 + 2 + 25 + 1
  }

  function listen(service: string) {
    const events: Event[] = []
    const errors: Error[] = []
    const firehose = new Firehose({
      idResolver: new IdResolver({ plcUrl: network.plc.url, fetch }),
      service: service.replace('http', 'ws'),
      getCursor: () => 0,
      // Handles under .test are no business of DNS.
      unauthenticatedHandles: true,
      handleEvent: (event) => void events.push(event),
      onError: (error) => void errors.push(error),
    })
    void firehose.start()
    return { events, errors, firehose }
  }

  test('verifies every event of both hosts and of the relay', async () => {
    const counts: number[] = []
    for (const agent of agents) counts.push(await live(agent))
    const streams = [...network.pds.map(({ url }) => url), network.relay.url]
    const expected = [counts[0]!, counts[1]!, counts[0]! + counts[1]!]
    for (const [i, url] of streams.entries()) {
      const { events, errors, firehose } = listen(url)
      const records = () =>
        events.filter((one) => ['create', 'update', 'delete'].includes(one.event)).length
      await eventually(`all events of ${url}`, async () => records() >= expected[i]!).catch(
        (cause) => {
          throw new Error(`${records()} of ${expected[i]}: ${errors.map(String)}`, { cause })
        },
      )
      // Not awaited: it only settles when the stream ends by an error.
      void firehose.destroy()
      assert.deepEqual(errors, [])
      assert.equal(records(), expected[i])
      const accounts = new Set(events.map((one) => ('did' in one ? one.did : '')))
      assert.ok(
        agents.slice(i === 2 ? 0 : i, i + 1).every((agent) => accounts.has(agent.assertDid)),
      )
    }
  })
})
