import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { BusyNetwork } from '../outage.test-support.ts'

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

  test('the directory: whoever is known goes on', () => busy.without('plc', 'killed'))

  test('a host: its people wait, others read what they wrote, and it comes back whole', () =>
    busy.without('pds2', 'killed'))

  test('everybody ends cleanly when asked', async () => {
    for (const node of busy.network.nodes()) assert.equal(await node.stop(), 0)
  })
})
