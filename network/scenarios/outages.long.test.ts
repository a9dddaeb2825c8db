import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { XRPCError } from '@atproto/api'
import { BusyNetwork } from '../outage.test-support.ts'
import type { NodeName } from '../split-network.ts'

const ROUNDS = 1
const ALL: readonly NodeName[] = [
  'search',
  'feeds',
  'moderation',
  'appview',
  'relay',
  'jetstream',
  'plc',
  'pds1',
  'pds2',
]
/** Several at once; who comes back first does so while the others are still away. */
const TOGETHER: readonly (readonly NodeName[])[] = [
  ['relay', 'plc'],
  ['appview', 'relay'],
  ['search', 'feeds', 'jetstream', 'relay'],
  ['jetstream', 'search'],
  ['moderation', 'appview', 'plc'],
  ['pds1', 'relay', 'feeds'],
  ['plc', 'relay', 'jetstream', 'appview', 'search', 'feeds', 'moderation'],
]

/** What `outages.test.ts` does once and one way, again and again and every way. */
describe('people write and read all the time', () => {
  let busy: BusyNetwork

  before(async () => {
    busy = await BusyNetwork.start()
  })
  after(() => busy?.close())

  for (let round = 1; round <= ROUNDS; round++)
    for (const how of ['killed', 'stopped'] as const)
      for (const name of ALL)
        test(`${name} is ${how}, the time number ${round}`, () => busy.without(name, how))

  for (const names of TOGETHER)
    test(`${names.join(', ')} are killed together`, () => busy.withoutAll(names, 'killed'))

  test('a view and a labeler that are there and say nothing are given up, and named', async () => {
    const { agent } = busy.stage.people[0]!
    const silent = ['appview', 'moderation'] as const
    for (const name of silent) busy.network.node(name).freeze()
    const named = (name: NodeName) => (error: XRPCError) => {
      assert.deepEqual([error.status, error.error], [504, 'UpstreamTimeout'], name)
      assert.ok(error.message.includes(new URL(busy.network.url(name)).host), error.message)
      return true
    }
    const report = () =>
      agent.createModerationReport({
        reasonType: 'com.atproto.moderation.defs#reasonOther',
        subject: { $type: 'com.atproto.admin.defs#repoRef', did: agent.assertDid },
      })
    await Promise.all([
      assert.rejects(() => agent.getTimeline(), named('appview')),
      assert.rejects(report, named('moderation')),
      agent.post({ text: 'meanwhile' }),
    ])
    for (const name of silent) busy.network.node(name).thaw()
    assert.ok((await agent.getTimeline()).success)
    await report()
  })
})
