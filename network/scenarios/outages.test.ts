import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent, type XRPCError } from '@atproto/api'
import { BusyNetwork } from '../outage.test-support.ts'
import { WORD } from '../people-at-work.test-support.ts'
import { eventually } from '../rig.ts'
import type { NodeName } from '../split-network.ts'

/** Nine processes, people who never stop, and one service after the other goes away for a while. */
describe('people write and read all the time, and one service is away', () => {
  let busy: BusyNetwork

  before(async () => {
    busy = await BusyNetwork.start()
  })
  after(() => busy?.close())

  test('search: all but searching goes on, and then every post is found, once', () =>
    busy.without('search', 'stopped'))

  test('feeds: all but the feed goes on, and then it shows what was written meanwhile', () =>
    busy.without('feeds', 'killed'))

  test('moderation: labels stay to be seen, reports are refused in words, none is lost', () =>
    busy.without('moderation', 'killed'))

  test('the app view: hosts take writes, and then it counts each of them once', () =>
    busy.without('appview', 'stopped'))

  test('the relay: nobody is refused anything, and then everybody hears of all of it', () =>
    busy.without('relay', 'killed'))

  test('jetstream: nobody is refused anything, and search and feeds catch up', () =>
    busy.without('jetstream', 'killed'))

  test('the directory: whoever is known goes on, and who wants to join can later', async () => {
    const agent = new AtpAgent({ service: busy.network.url('pds1') })
    const join = () =>
      agent.createAccount({ handle: 'eve.test', email: 'eve@example.com', password: 'password' })
    await busy.without('plc', 'killed', async () => {
      const { host } = new URL(busy.network.url('plc'))
      await assert.rejects(join, ({ status, error, message }: XRPCError) => {
        assert.deepEqual([status, error], [502, 'UpstreamFailure'])
        assert.match(message, new RegExp(host))
        return true
      })
    })
    assert.equal((await join()).data.handle, 'eve.test')
    const { agent: alice } = busy.stage.people[0]!
    await eventually(
      'eve in the view',
      async () => (await alice.getProfile({ actor: 'eve.test' })).success,
    )
  })

  test('a host: its people wait, others read what they wrote, and it comes back whole', () =>
    busy.without('pds2', 'killed'))

  test('who is there and says nothing is given up, and named; and then goes on', async () => {
    const { agent } = busy.stage.people[0]!
    const silent = ['search', 'feeds'] as const
    for (const name of silent) busy.network.node(name).freeze()
    const named = (name: NodeName, by: string) => (error: XRPCError) => {
      assert.deepEqual([error.status, error.error], [504, 'UpstreamTimeout'], name)
      assert.ok(error.message.includes(by), error.message)
      return true
    }
    const search = () => agent.app.bsky.feed.searchPosts({ q: WORD })
    const feed = () => agent.app.bsky.feed.getFeed({ feed: busy.stage.feed })
    const standing = () => agent.app.bsky.feed.getFeedGenerator({ feed: busy.stage.feed })
    const { host } = new URL(busy.network.url('search'))
    const waiting = Promise.all([
      assert.rejects(search, named('search', host)),
      assert.rejects(feed, named('feeds', busy.network.did('feeds'))),
      standing().then(({ data }) => assert.equal(data.isOnline, false)),
    ])
    const { uri } = await agent.post({ text: 'meanwhile' })
    assert.ok((await agent.getTimeline()).success)
    await waiting
    for (const name of silent) busy.network.node(name).thaw()
    assert.equal((await standing()).data.isOnline, true)
    await feed()
    await eventually('the post', async () => {
      const { data } = await agent.app.bsky.feed.searchPosts({ q: 'meanwhile' })
      return data.posts.length === 1 && data.posts[0]!.uri === uri
    })
  })

  test('everybody ends cleanly when asked', async () => {
    for (const node of busy.network.nodes()) assert.equal(await node.stop(), 0)
  })
})
