import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { eventually, type Network, ServerProcess, startNetwork, temporaryFolder } from '../rig.ts'

async function signUp(agent: AtpAgent, handle: string): Promise<AtpAgent> {
  const name = handle.split('.')[0]!
  await agent.createAccount({ handle, email: `${name}@example.com`, password: `${name}-password` })
  return agent
}

const search = async (agent: AtpAgent, q: string, more: object = {}) =>
  (await agent.app.bsky.feed.searchPosts({ q, ...more })).data.posts.map(({ uri }) => uri)

/** How soon a deletion is to be out of the index: a promise of the service. */
const GONE_MS = 1_000

describe('people search, everything in one process', () => {
  let network: Network
  let alice: AtpAgent
  let bob: AtpAgent
  let water = ''

  before(async () => {
    network = await startNetwork('--pds', '2')
    alice = await signUp(new AtpAgent({ service: network.pds[0]!.url }), 'alice.test')
    bob = await signUp(new AtpAgent({ service: network.pds[1]!.url }), 'bob.two.test')
  })
  after(() => network?.stop())

  test('bob finds what alice wrote with all its marks, however he types it', async () => {
    const { uri } = await alice.post({ text: 'مَاءُ الفَلَجِ لِلْجَمِيعِ، وَلَنَا فِيهِ حِصَّة 💧', langs: ['ar'] })
    water = uri
    await alice.post({ text: 'something else altogether' })
    await eventually('the hit', async () => (await search(bob, 'فلج')).includes(uri))
    const forms = ['الفلج', 'الفَلَجِ', 'ماء الفلج', '"ماء الفلج"', 'حصة', 'حصه', 'للجميع 💧', 'ﺍﻟﻔﻠﺞ']
    for (const q of forms) assert.deepEqual(await search(bob, q), [uri], q)
    assert.deepEqual(await search(bob, '"الفلج ماء"'), [])
    assert.deepEqual(await search(bob, 'ما'), [])
  })

  test('filters narrow it, typed or chosen', async () => {
    assert.deepEqual(await search(bob, 'فلج from:alice.test'), [water])
    assert.deepEqual(await search(bob, 'فلج from:bob.two.test'), [])
    assert.deepEqual(await search(alice, 'from:me فلج'), [water])
    assert.deepEqual(await search(bob, 'from:me'), [])
    assert.deepEqual(await search(bob, 'فلج', { author: 'alice.test', lang: 'ar', sort: 'top' }), [
      water,
    ])
    assert.deepEqual(await search(bob, 'فلج', { lang: 'en' }), [])
    assert.deepEqual(await search(bob, 'فلج', { until: '2020-01-01' }), [])
  })

  test('whatever is typed, nothing breaks', async () => {
    for (const q of ['"', 'a AND', '(((', 'from:', '#', '*', 'NEAR(a b)', "'; drop table post; --"])
      await search(bob, q)
    await assert.rejects(search(bob, 'a'.repeat(2_000)), { error: 'BadQueryString' })
  })

  test('accounts are found by handle and by name, also half typed', async () => {
    await alice.upsertProfile(() => ({
      displayName: 'أليس الحارثية',
      description: 'Keeper of the channel',
    }))
    const find = async (q: string) =>
      (await bob.searchActors({ q })).data.actors.map(({ handle }) => handle)
    const typing = async (q: string) =>
      (await bob.searchActorsTypeahead({ q })).data.actors.map(({ handle }) => handle)
    await eventually('the profile', async () => (await find('حارثية')).length === 1)
    assert.deepEqual(await find('اليس'), ['alice.test'])
    assert.deepEqual(await find('alice.test'), ['alice.test'])
    assert.deepEqual(await find('keeper channel'), ['alice.test'])
    assert.deepEqual(await typing('ali'), ['alice.test'])
    assert.deepEqual(await typing('الحار'), ['alice.test'])
    assert.deepEqual(await typing('bob.t'), ['bob.two.test'])
    assert.deepEqual(await find('nobody'), [])
  })

  test('a deleted post is out of the index within a second', async () => {
    const { uri } = await alice.post({ text: 'written in haste' })
    await eventually('the hit', async () => (await search(bob, 'haste')).includes(uri))
    const skeleton = `${network.search.url}/xrpc/app.bsky.unspecced.searchPostsSkeleton?q=haste`
    const hits = async () => ((await (await fetch(skeleton)).json()) as { posts: object[] }).posts
    assert.equal((await hits()).length, 1)
    await alice.deletePost(uri)
    await eventually('its absence', async () => (await hits()).length === 0, GONE_MS)
    assert.deepEqual(await search(bob, 'haste'), [])
  })

  test('who is blocked is not found, and finds nobody', async () => {
    const block = await bob.app.bsky.graph.block.create(
      { repo: bob.assertDid },
      { subject: alice.assertDid, createdAt: new Date().toISOString() },
    )
    await eventually('no hit', async () => (await search(bob, 'فلج')).length === 0)
    assert.deepEqual((await bob.searchActors({ q: 'alice' })).data.actors, [])
    await bob.app.bsky.graph.block.delete({
      repo: bob.assertDid,
      rkey: block.uri.split('/').at(-1)!,
    })
    await eventually('the hit', async () => (await search(bob, 'فلج')).length === 1)
  })

  test('a deactivated account leaves the index, and comes back whole', async () => {
    const skeleton = (method: string, q: string) =>
      fetch(`${network.search.url}/xrpc/app.bsky.unspecced.${method}?q=${encodeURIComponent(q)}`)
    const posts = async () =>
      ((await (await skeleton('searchPostsSkeleton', 'فلج')).json()) as { posts: object[] }).posts
    const actors = async () =>
      ((await (await skeleton('searchActorsSkeleton', 'alice')).json()) as { actors: object[] })
        .actors
    await alice.com.atproto.server.deactivateAccount({})
    const isGone = async () => (await posts()).length === 0 && (await actors()).length === 0
    await eventually('its absence', isGone, GONE_MS)
    await alice.com.atproto.server.activateAccount()
    await eventually('its return', async () => (await posts()).length === 1)
    assert.equal((await actors()).length, 1)
  })

  test('the page for people is told where search is', async () => {
    const config = (await (await fetch(`${network.web.url}/config.json`)).json()) as {
      search: object
    }
    assert.deepEqual(config.search, { url: network.search.url })
  })
})

describe('a search service that lies', () => {
  let network: Network
  let alice: AtpAgent
  let bob: AtpAgent
  let liar: Server
  let answer: (response: ServerResponse) => void
  let uri = ''

  before(async () => {
    liar = createServer((_request, response) => answer(response))
    await new Promise<void>((done) => liar.listen(0, '127.0.0.1', done))
    const { port } = liar.address() as AddressInfo
    const services = 'plc,relay,pds,appview'
    const url = `http://127.0.0.1:${port}`
    network = await startNetwork('--services', services, '--search', url, '--log-level', 'silent')
    alice = await signUp(new AtpAgent({ service: network.pds[0]!.url }), 'alice.test')
    bob = await signUp(new AtpAgent({ service: network.pds[0]!.url }), 'bob.test')
    uri = (await alice.post({ text: 'the only truth' })).uri
    await eventually('the post', async () => {
      const { data } = await bob.app.bsky.feed.getPosts({ uris: [uri] })
      return data.posts.length === 1
    })
  })
  after(async () => {
    await network?.stop()
    liar.closeAllConnections()
    liar.close()
  })

  const says = (body: unknown, status = 200) => {
    answer = (response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  test('only what is true of its answer is shown', async () => {
    const unknown = uri.replace(/[^/]+$/, '3lcaaaaaaaa2a')
    const hits = [{ uri: unknown }, { uri }, { uri }, { uri: 'at://x' }, { uri: 7 }, null, 'x', {}]
    says({ posts: [...hits, ...Array(5_000).fill({ uri: unknown })], hitsTotal: 'many', cursor: 7 })
    assert.deepEqual(await search(bob, 'a'), [uri])
    const actors = [{ did: 'did:plc:none' }, { did: alice.assertDid }, { did: alice.assertDid }]
    says({ actors })
    const found = await bob.searchActors({ q: 'a' })
    assert.deepEqual(
      found.data.actors.map(({ handle }) => handle),
      ['alice.test'],
    )
  })

  test('whatever it says, nobody sees what was deleted, taken down or written by the blocked', async () => {
    const hidden = await alice.post({ text: 'soon gone' })
    const carol = await signUp(new AtpAgent({ service: network.pds[0]!.url }), 'carol.test')
    const carols = await carol.post({ text: 'soon taken down' })
    says({ posts: [{ uri: hidden.uri }, { uri: carols.uri }, { uri }] })
    await eventually('all of them', async () => (await search(bob, 'a')).length === 3)
    await alice.deletePost(hidden.uri)
    await takeDown(carol.assertDid)
    await eventually('one', async () => (await search(bob, 'a')).join() === uri)
    says({ actors: [{ did: carol.assertDid }] })
    assert.deepEqual((await bob.searchActors({ q: 'carol' })).data.actors, [])
    says({ posts: [{ uri: hidden.uri }, { uri: carols.uri }, { uri }] })
    const record = { subject: alice.assertDid, createdAt: new Date().toISOString() }
    const block = await bob.app.bsky.graph.block.create({ repo: bob.assertDid }, record)
    await eventually('none', async () => (await search(bob, 'a')).length === 0)
    const rkey = block.uri.split('/').at(-1)!
    await bob.app.bsky.graph.block.delete({ repo: bob.assertDid, rkey })
    await eventually('one again', async () => (await search(bob, 'a')).join() === uri)
  })

  async function takeDown(did: string): Promise<void> {
    const method = 'com.atproto.admin.updateSubjectStatus'
    const response = await fetch(`${network.pds[0]!.url}/xrpc/${method}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa('admin:admin-pass')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        subject: { $type: 'com.atproto.admin.defs#repoRef', did },
        takedown: { applied: true },
      }),
    })
    assert.equal(response.status, 200, await response.text())
  }

  test('an answer without end is cut off, one that comes too slowly is not waited for', async () => {
    const page = ` ${JSON.stringify({ uri })},`.repeat(1_000)
    answer = (response) => {
      const more = () => {
        while (!response.destroyed && response.write(page));
      }
      response.write('{"posts":[')
      response.on('drain', more)
      more()
    }
    await assert.rejects(search(bob, 'a'), { status: 502, error: 'UpstreamFailure' })
    answer = (response) => {
      const drip = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(drip))
    }
    await assert.rejects(search(bob, 'a'), { status: 504, error: 'UpstreamTimeout' })
  })

  test('what cannot be used is said to be its failure, and everything else goes on', async () => {
    says({ error: 'Boom' }, 500)
    await assert.rejects(search(bob, 'a'), { status: 502, error: 'UpstreamFailure' })
    says([])
    await assert.rejects(search(bob, 'a'), { status: 502, error: 'UpstreamFailure' })
    answer = (response) => response.destroy()
    await assert.rejects(search(bob, 'a'), { status: 502, error: 'UpstreamFailure' })
    answer = () => {}
    await assert.rejects(search(bob, 'a'), { status: 504, error: 'UpstreamTimeout' })
    answer = (response) => response.write('{"posts":[')
    await assert.rejects(search(bob, 'a'), { status: 504, error: 'UpstreamTimeout' })
    assert.equal((await bob.getTimeline()).success, true)
  })
})

describe('search as a process of its own', () => {
  const folder = temporaryFolder()
  let network: ServerProcess
  let agent: AtpAgent
  const searchers: Record<string, ServerProcess> = {}
  const written: string[] = []

  before(async () => {
    const data = ['--dev', '--data', `${folder.path}/network`]
    const services = ['--services', 'plc,pds,relay,jetstream']
    network = await new ServerProcess('up', ...services, ...data).start()
    const url = (name: string) => (network.services[name] as { url: string }).url
    const [pds] = network.services.pds as { url: string }[]
    agent = await signUp(new AtpAgent({ service: pds!.url }), 'alice.test')
    const node = (name: string, ...flags: string[]) => {
      const own = ['--dev', '--data', `${folder.path}/${name}`, '--plc', url('plc')]
      searchers[name] = new ServerProcess('search', ...own, ...flags)
      return searchers[name].start()
    }
    await node('byJetstream', '--jetstream', url('jetstream'))
    await node('byRelay', '--relay', url('relay'))
    await node('byHost', '--relay', pds!.url)
  })
  after(async () => {
    for (const one of [...Object.values(searchers), network]) await one?.kill()
    folder.remove()
  })

  const write = async (count: number) => {
    for (let i = 0; i < count; i++)
      written.push((await agent.post({ text: `قطرة ماء رقم ${written.length}` })).uri)
  }
  const hits = async (searcher: ServerProcess) => {
    const method = `${searcher.url}/xrpc/app.bsky.unspecced.searchPostsSkeleton`
    const query = `q=${encodeURIComponent('القطرة')}&limit=100`
    const { posts } = (await (await fetch(`${method}?${query}`)).json()) as {
      posts: { uri: string }[]
    }
    return posts.map(({ uri }) => uri)
  }

  for (const name of ['byJetstream', 'byRelay', 'byHost'])
    test(`reading ${name.slice(2).toLowerCase()}, it is killed again and again, and has every post once`, async () => {
      const searcher = searchers[name]!
      for (let kills = 0; kills < 3; kills++) {
        await write(5)
        await searcher.kill()
        await write(2)
        await searcher.start()
      }
      const all = await eventually('every post', async () => {
        const uris = await hits(searcher)
        return uris.length >= written.length && uris
      })
      assert.deepEqual(all.toSorted(), written.toSorted())
      await agent.deletePost(written.pop()!)
      await eventually('the deletion', async () => (await hits(searcher)).length === written.length)
    })

  test('each ends cleanly when asked', async () => {
    for (const one of Object.values(searchers)) assert.equal(await one.stop(), 0)
  })
})
