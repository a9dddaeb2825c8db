import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { eventually, ServerProcess, temporaryFolder } from '../rig.ts'

/** Feeds as a process of its own, with an account under a name that its host keeps from sign-ups. */
describe('a name that a host keeps for a service', () => {
  const folder = temporaryFolder()
  const nodes: Record<string, ServerProcess> = {}
  let host: AtpAgent

  const node = (command: string, ...flags: string[]) => {
    nodes[command] = new ServerProcess(
      command,
      ...['--dev', '--data', `${folder.path}/${command}`, ...flags],
    )
    return nodes[command].start()
  }
  const holder = async () => {
    const found = await host.resolveHandle({ handle: 'feeds.test' }).catch(() => undefined)
    return found?.data.did
  }

  before(async () => {
    const plc = ['--plc', (await node('plc')).url]
    const pds = await node('pds', ...plc)
    host = new AtpAgent({ service: pds.url })
    const account = ['--feeds-account-host', pds.url, '--feeds-account', 'feeds.test']
    // Nothing has to be read for feeds to be published.
    await node('feeds', ...plc, '--jetstream', 'http://localhost:1', ...account)
  })
  after(async () => {
    for (const one of Object.values(nodes)) await one.kill()
    folder.remove()
  })

  test('is nobody’s before, also not of the service', async () => {
    const email = 'ann@example.com'
    const signUp = host.createAccount({ handle: 'feeds.test', email, password: 'password' })
    await assert.rejects(signUp, { error: 'HandleNotAvailable' })
    assert.equal(await holder(), undefined)
  })

  test('is claimed by the service once the host keeps it for its DID, and it publishes there', async () => {
    const { pds, feeds } = nodes
    const { did } = feeds!.place
    await pds!.stop()
    await pds!.start('--reserved-for', `feeds.test=${did}`)
    const account = await eventually('the account', holder)
    assert.notEqual(account, did)
    const records = await eventually('the records', async () => {
      const collection = 'app.bsky.feed.generator'
      const { data } = await host.com.atproto.repo.listRecords({ repo: account, collection })
      return data.records.length === 3 ? data.records : undefined
    })
    for (const { value } of records) assert.equal(value.did, did)
  })
})
