/** What services remember of identities, and for how long. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { eventually, type Network, startNetwork } from '../rig.ts'

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }

describe('an identity that changes', () => {
  let network: Network
  let alice: AtpAgent
  let feed: string

  before(async () => {
    network = await startNetwork('--services', 'plc,pds,relay,jetstream,appview,search,feeds')
    alice = new AtpAgent({ service: network.pds[0]!.url })
    await alice.createAccount({
      handle: 'alice.test',
      email: 'a@example.com',
      password: 'password',
    })
    await alice.post({ text: 'the first water' })
    feed = await eventually('feeds', async () =>
      network.feeds.uris?.find((uri) => uri.endsWith('/network')),
    )
  })
  after(() => network?.stop())

  const tokenFor = async (aud: string, lxm: string) =>
    (await alice.com.atproto.server.getServiceAuth({ aud, lxm })).data.token
  const status = async (url: string, token: string) =>
    (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status

  test('is asked for anew by every service that hears of it: what the old key signed opens nothing', async () => {
    const calls: [name: string, url: string, token: string][] = []
    const lxm = 'app.bsky.notification.getUnreadCount'
    const view = `${network.appview.url}/xrpc/${lxm}`
    calls.push(['app view', view, await tokenFor(network.appview.did!, lxm)])
    const skeleton = 'app.bsky.feed.getFeedSkeleton'
    const page = `${network.feeds.url}/xrpc/${skeleton}?feed=${encodeURIComponent(feed)}`
    calls.push(['feeds', page, await tokenFor(network.feeds.did!, skeleton)])
    for (const [name, url, token] of calls)
      assert.equal(await status(url, token), 200, `${name} knows the key now`)

    const { data } = await alice.com.atproto.server.reserveSigningKey({ did: alice.assertDid })
    const input = { did: alice.assertDid, signingKey: data.signingKey }
    await alice.com.atproto.admin.updateAccountSigningKey(input as never, { headers: ADMIN })

    for (const [name, url, token] of calls) {
      await eventually(
        `${name} lets go of the old key`,
        async () => (await status(url, token)) === 401,
      )
    }
    const token = await tokenFor(network.appview.did!, lxm)
    assert.equal(await status(view, token), 200, 'and takes the new one')
  })

  test('takes its new name to the app view and the search as well, and the old name leads nowhere', async () => {
    const found = async (q: string) =>
      (await alice.app.bsky.actor.searchActors({ q })).data.actors.map(({ handle }) => handle)
    await eventually('alice is found', async () => (await found('alice')).includes('alice.test'))
    await alice.updateHandle({ handle: 'salma.test' })
    await eventually('by her new name', async () => (await found('salma')).includes('salma.test'))
    const profile = await alice.getProfile({ actor: 'salma.test' })
    assert.equal(profile.data.did, alice.assertDid)
    await eventually(
      'and not by the old one',
      async () => !(await found('alice')).includes('alice.test'),
    )
  })
})
