import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AppBskyFeedDefs, AtpAgent } from '@atproto/api'
import { eventually, ServerProcess } from '../rig.ts'

/** The official client, a host, and an app view that hears nothing new for a while. */
describe('what somebody just wrote shows at once, also while the app view lags', () => {
  const plc = new ServerProcess('plc', '--ephemeral')
  const relay = new ServerProcess('relay', '--dev', '--ephemeral')
  const appview = new ServerProcess('appview', '--dev', '--ephemeral')
  const pds = new ServerProcess('pds', '--dev', '--ephemeral')
  let alice: AtpAgent
  let old: string

  before(async () => {
    const host = await pds.reserve()
    await plc.start()
    const directory = ['--plc', plc.url]
    await relay.with(...directory).start()
    await appview.with(...directory, '--relay', relay.url, '--pds-hosts', host).start()
    const view = `${appview.url}#${appview.place.did}`
    await pds.with(...directory, '--appview', view, '--crawlers', relay.url).start()
    alice = new AtpAgent({ service: pds.url })
    await alice.createAccount({
      handle: 'alice.test',
      email: 'a@example.com',
      password: 'password',
    })
    old = (await alice.post({ text: 'known to the view' })).uri
    await eventually('the view knows alice', async () => (await timeline()).includes(old))
    relay.freeze()
  })
  after(async () => {
    relay.thaw()
    for (const server of [pds, appview, relay, plc]) await server.stop()
  })

  const timeline = async () => (await alice.getTimeline()).data.feed.map(({ post }) => post.uri)
  const authorFeed = async () =>
    (await alice.getAuthorFeed({ actor: 'alice.test' })).data.feed.map(({ post }) => post.uri)

  let newest: string

  test('a post stands in the timeline and on the profile as soon as it is answered', async () => {
    const { uri } = await alice.post({ text: 'just now' })
    newest = uri
    const { data, headers } = await alice.getTimeline()
    assert.deepEqual(
      data.feed.map(({ post }) => post.uri),
      [uri, old],
    )
    assert.ok(Number(headers['atproto-upstream-lag']) >= 0)
    const { post } = data.feed[0]!
    assert.equal(post.author.handle, 'alice.test')
    assert.equal((post.record as { text: string }).text, 'just now')
    assert.deepEqual(await authorFeed(), [uri, old])
  })

  test('its thread opens, and an answer stands below it', async () => {
    const root = await alice.getPost({ repo: 'alice.test', rkey: newest.split('/').at(-1)! })
    const ref = { uri: root.uri, cid: root.cid }
    const answer = await alice.post({ text: 'and more', reply: { root: ref, parent: ref } })
    const { data } = await alice.getPostThread({ uri: newest })
    assert.ok(AppBskyFeedDefs.isThreadViewPost(data.thread))
    assert.equal(data.thread.post.uri, newest)
    const [reply] = data.thread.replies ?? []
    assert.ok(AppBskyFeedDefs.isThreadViewPost(reply))
    assert.equal(reply.post.uri, answer.uri)
    const above = await alice.getPostThread({ uri: answer.uri })
    assert.ok(AppBskyFeedDefs.isThreadViewPost(above.data.thread))
    assert.equal(above.data.thread.post.uri, answer.uri)
    assert.ok(AppBskyFeedDefs.isThreadViewPost(above.data.thread.parent))
    assert.equal(above.data.thread.parent.post.uri, newest)
  })

  test('a new name is the name at once', async () => {
    await alice.upsertProfile(() => ({ displayName: 'Alice of Nizwa', description: 'water' }))
    const { data } = await alice.getProfile({ actor: alice.assertDid })
    assert.deepEqual([data.displayName, data.description], ['Alice of Nizwa', 'water'])
    const feed = (await alice.getAuthorFeed({ actor: alice.assertDid })).data.feed
    for (const { post } of feed) assert.equal(post.author.displayName, 'Alice of Nizwa')
  })

  test('when the view has caught up, everything is there once, and from there', async () => {
    const before = await timeline()
    relay.thaw()
    await eventually('the view has it all', async () => {
      const { headers } = await alice.getTimeline()
      return headers['atproto-upstream-lag'] === undefined
    })
    assert.deepEqual(await timeline(), before)
  })
})
