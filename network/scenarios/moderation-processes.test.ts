import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { eventually, ServerProcess, temporaryFolder } from '../rig.ts'

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }

/** Moderation as a process of its own, wired by flags alone, and killed. */
describe('moderation in separate processes', () => {
  const folder = temporaryFolder()
  const nodes: Record<string, ServerProcess> = {}
  let alice: AtpAgent
  let post: { uri: string; cid: string }

  const node = (command: string, ...flags: string[]) => {
    nodes[command] = new ServerProcess(
      command,
      ...['--dev', '--data', `${folder.path}/${command}`, ...flags],
    )
    return nodes[command].start()
  }

  before(async () => {
    const plc = ['--plc', (await node('plc')).url]
    const relay = await node('relay', ...plc)
    const pds = await node('pds', ...plc, '--crawlers', relay.url)
    await node('moderation', ...plc, '--pds-admin', `${pds.url}#admin-pass`)
    const moderation = ['--moderation', named('moderation')]
    const hosts = ['--relay', relay.url, '--pds-hosts', pds.url]
    await node('appview', ...plc, ...hosts, ...moderation)
    await pds.stop()
    await pds.start('--appview', named('appview'), ...moderation)
    alice = new AtpAgent({ service: pds.url })
    const email = 'alice@example.com'
    await alice.createAccount({ handle: 'alice.test', email, password: 'alice-password' })
    post = await alice.post({ text: 'water' })
  })
  after(async () => {
    for (const one of Object.values(nodes)) await one.kill()
    folder.remove()
  })

  const named = (name: string) => `${nodes[name]!.url}#${nodes[name]!.place.did}`
  const subject = () => ({ $type: 'com.atproto.repo.strongRef', ...post })

  async function decide(name: string, fields: object = {}): Promise<void> {
    const { url, did } = nodes.moderation!.place
    const event = { $type: `tools.ozone.moderation.defs#${name}`, ...fields }
    const response = await fetch(`${url}/xrpc/tools.ozone.moderation.emitEvent`, {
      method: 'POST',
      headers: { ...ADMIN, 'content-type': 'application/json' },
      body: JSON.stringify({ subject: subject(), event, createdBy: did }),
    })
    assert.equal(response.status, 200, await response.text())
  }
  const label = (value: string) =>
    decide('modEventLabel', { createLabelVals: [value], negateLabelVals: [] })

  const labels = async () => {
    // The official client names its maker's labeler unless it is told another.
    const headers = { 'atproto-accept-labelers': nodes.moderation!.place.did! }
    const { data } = await alice.app.bsky.feed.getPosts({ uris: [post.uri] }, { headers })
    return data.posts[0]?.labels?.map(({ val }) => val).sort()
  }
  const seen = (...values: string[]) =>
    eventually(values.join(), async () => (await labels())?.join() === values.join())

  test('a report goes through the host, and a label comes to the app view', async () => {
    const { data } = await alice.com.atproto.moderation.createReport({
      reasonType: 'com.atproto.moderation.defs#reasonOther',
      subject: subject() as never,
    })
    assert.equal(data.reportedBy, alice.assertDid)
    await label('one')
    await seen('one')
  })

  test('killed right after a decision it has it, says it, and goes on', async () => {
    await label('two')
    await nodes.moderation!.kill()
    await nodes.moderation!.start()
    await seen('one', 'two')
    await label('three')
    await seen('one', 'three', 'two')
  })

  test('the app view, killed, reads on where it was', async () => {
    await nodes.appview!.kill()
    await label('four')
    await nodes.appview!.start()
    await seen('four', 'one', 'three', 'two')
  })

  test('a takedown decided while the host is down is carried out when it is back', async () => {
    await nodes.pds!.kill()
    await decide('modEventTakedown')
    await nodes.pds!.start('--appview', named('appview'), '--moderation', named('moderation'))
    const rkey = post.uri.split('/').at(-1)!
    const read = { repo: alice.assertDid, collection: 'app.bsky.feed.post', rkey }
    await eventually('its absence at the host', () =>
      alice.com.atproto.repo.getRecord(read).then(
        () => false,
        ({ error }: { error?: string }) => error === 'RecordNotFound',
      ),
    )
    assert.equal(await labels(), undefined)
  })
})
