import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { eventually, ServerProcess, temporaryFolder } from '../rig.ts'

/** Every service is a process of its own, wired to the others by flags alone; each is killed in turn. */
describe('a network of separate processes', () => {
  const folder = temporaryFolder()
  const nodes: Record<string, ServerProcess> = {}
  let alice: AtpAgent
  let bob: AtpAgent
  const posts: string[] = []

  const node = (name: string, command: string, ...flags: string[]) => {
    nodes[name] = new ServerProcess(command, '--dev', '--data', `${folder.path}/${name}`, ...flags)
    return nodes[name].start()
  }

  before(async () => {
    const plc = await node('plc', 'plc')
    const relay = await node('relay', 'relay', '--plc', plc.url)
    await node('jetstream', 'jetstream', '--relay', relay.url)
    const view = await node('appview', 'appview', '--plc', plc.url, '--relay', relay.url)
    const appview = `${view.url}#${view.place.did}`
    const host = ['--plc', plc.url, '--appview', appview, '--crawlers', relay.url]
    await node('pds1', 'pds', ...host)
    await node('pds2', 'pds', ...host, '--handle-domains', '.two.test')
    // The view learns handles of local domains from the hosts: it is told of them and started again.
    const hosts = `${nodes.pds1!.url},${nodes.pds2!.url}`
    await view.stop()
    nodes.appview = await view.start('--pds-hosts', hosts)
    alice = new AtpAgent({ service: nodes.pds1!.url })
    bob = new AtpAgent({ service: nodes.pds2!.url })
    await alice.createAccount({
      handle: 'alice.test',
      email: 'alice@example.com',
      password: 'alice-password',
    })
    await bob.createAccount({
      handle: 'bob.two.test',
      email: 'bob@example.com',
      password: 'bob-password',
    })
    await bob.follow(alice.assertDid)
  })
  after(async () => {
    for (const one of Object.values(nodes)) await one.kill()
    folder.remove()
  })

  const write = async (text: string) => {
    const { uri } = await alice.post({ text })
    posts.push(uri)
  }
  const bobSeesAll = () =>
    eventually('every post in the timeline, once', async () => {
      const { data } = await bob.getTimeline({ limit: 100 })
      const uris = data.feed.map((item) => item.post.uri)
      assert.equal(new Set(uris).size, uris.length)
      return posts.every((uri) => uris.includes(uri))
    })

  test('a post crosses every process', async () => {
    await write('the first water')
    await bobSeesAll()
  })

  for (const name of ['relay', 'appview', 'jetstream', 'plc']) {
    test(`${name} is killed while people write; nothing is lost, nothing doubled`, async () => {
      await write(`before ${name} falls`)
      await nodes[name]!.kill()
      await write(`while ${name} is down`)
      await nodes[name]!.start()
      await write(`after ${name} is back`)
      await bobSeesAll()
    })
  }

  test('a host is killed: its people wait, the others go on, and it comes back whole', async () => {
    await write('before the host falls')
    await nodes.pds1!.kill()
    await bob.post({ text: 'bob goes on' })
    const { data } = await bob.getTimeline({ limit: 100 })
    assert.ok(
      data.feed.some((item) => item.post.uri === posts[0]),
      'what was seen stays visible',
    )
    await nodes.pds1!.start()
    await write('after the host is back')
    await bobSeesAll()
    const records = await alice.com.atproto.repo.listRecords({
      repo: alice.assertDid,
      collection: 'app.bsky.feed.post',
      limit: 100,
    })
    assert.equal(records.data.records.length, posts.length)
  })

  test('the jetstream shows every post once, from the beginning of time', async () => {
    const address = `${nodes.jetstream!.url.replace('http', 'ws')}/subscribe`
    const query = `cursor=0&wantedDids=${alice.assertDid}&wantedCollections=app.bsky.feed.post`
    const socket = new WebSocket(`${address}?${query}`)
    const seen: string[] = []
    socket.addEventListener('message', ({ data }) => {
      const event = JSON.parse(String(data))
      if (event.kind !== 'commit') return
      seen.push(`at://${event.did}/${event.commit.collection}/${event.commit.rkey}`)
    })
    await eventually('all posts', async () => seen.length >= posts.length)
    socket.close()
    assert.deepEqual(seen, posts)
  })

  test('each process ends cleanly when asked', async () => {
    for (const one of Object.values(nodes)) assert.equal(await one.stop(), 0)
  })
})
