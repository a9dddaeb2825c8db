import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import {
  type MoveProgress,
  type MoveReceipt,
  type MoveState,
  move,
  planMove,
  preflight,
  signIn,
} from '#protocol/account'
import { plcClient } from '#protocol/identity'
import { eventually, type Network, startNetwork } from '../rig.ts'

const PASSWORD = 'alice-password'

describe('alice moves to another host', () => {
  let network: Network
  let from: string
  let to: string
  let alice: AtpAgent
  let bob: AtpAgent
  let did: string
  let saved: MoveState
  let receipt: MoveReceipt
  const pictures: string[] = []

  const deps = (fetcher: typeof fetch = fetch) => ({
    fetch: fetcher,
    plc: plcClient({ plcUrl: network.plc.url, fetch: fetcher }),
    now: Date.now,
    save: (state: MoveState) => {
      saved = structuredClone(state)
    },
    password: PASSWORD,
    email: 'alice@example.com',
    askCode: () => Promise.reject(new Error('no mail is sent here')),
    streamUploads: true,
  })

  before(async () => {
    network = await startNetwork('--pds', '2')
    ;[from, to] = network.pds.map(({ url }) => url) as [string, string]
    alice = new AtpAgent({ service: from })
    bob = new AtpAgent({ service: to })
    await alice.createAccount({
      handle: 'alice.test',
      email: 'alice@example.com',
      password: PASSWORD,
    })
    await bob.createAccount({
      handle: 'bob.two.test',
      email: 'bob@example.com',
      password: 'bob-password',
    })
    did = alice.assertDid
    for (let i = 0; i < 3; i++) {
      const bytes = new Uint8Array(10_000).fill(i + 1)
      const { data } = await alice.uploadBlob(bytes, { encoding: 'image/png' })
      pictures.push(data.blob.ref.toString())
      await alice.post({
        text: `picture ${i}`,
        embed: { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: `${i}` }] },
      })
    }
    for (let i = 0; i < 40; i++) await alice.post({ text: `post ${i}` })
    await alice.setAdultContentEnabled(true)
    await bob.follow(did)
    await eventually('bob in the view', async () => {
      const { data } = await bob.getProfile({ actor: did })
      return data.followersCount === 1 && data.postsCount === 43
    })
  })
  after(() => network?.stop())

  test('the check before tells what will move and changes nothing', async () => {
    const source = await signIn({ service: from, fetch }, 'alice.test', PASSWORD)
    const found = await preflight({ source, destination: to, ...deps() })
    assert.deepEqual(found.obstacles, [])
    assert.equal(found.records, 43)
    assert.equal(found.blobs, 3)
    const same = await preflight({ source, destination: from, ...deps() })
    assert.deepEqual(same.obstacles, ['same-host'])
    saved = planMove(source, found, Date.now())
  })

  test('an interruption at any step leaves a move that goes on', async () => {
    // Each run is cut after one step more; each goes on from what the last one saved.
    const seen = new Set<string>()
    for (let limit = 1; limit < 30; limit++) {
      const steps = move(structuredClone(saved), deps())
      let progress: IteratorResult<MoveProgress, MoveReceipt> | undefined
      for (let i = 0; i <= limit; i++) {
        progress = await steps.next()
        if (progress.done) break
        seen.add(progress.value.step)
      }
      await steps.return(undefined as never)
      if (limit === 3) await alice.post({ text: 'written while the boxes are packed' })
      if (progress?.done) {
        receipt = progress.value
        break
      }
    }
    assert.ok(receipt, 'the move came to its end')
    assert.ok(seen.has('switch') && seen.has('verify'))
  })

  test('the receipt shows one root, every record, every blob, and nothing missing', async () => {
    assert.equal(receipt.sameRoot, true)
    assert.equal(receipt.records, 44)
    assert.equal(receipt.blobs, 3)
    assert.deepEqual(receipt.missingBlobs, [])
    assert.ok(receipt.destinationHead.rev > receipt.sourceHead.rev, 'revs keep rising')
  })

  test('she signs in at the new host with her old handle and finds everything', async () => {
    const there = new AtpAgent({ service: to })
    await there.login({ identifier: 'alice.test', password: PASSWORD })
    assert.equal(there.assertDid, did)
    const preferences = await there.getPreferences()
    assert.equal(preferences.moderationPrefs.adultContentEnabled, true)
    for (const cid of pictures) {
      const blob = await there.com.atproto.sync.getBlob({ did, cid })
      assert.equal(blob.data.byteLength, 10_000)
    }
    const { data } = await there.com.atproto.server.checkAccountStatus()
    assert.equal(data.activated, true)
    assert.equal(data.validDid, true)
  })

  test('her followers stay, and see what she writes at the new host', async () => {
    const there = new AtpAgent({ service: to })
    await there.login({ identifier: 'alice.test', password: PASSWORD })
    const post = await there.post({ text: 'from the new house' })
    const item = await eventually('the new post', async () => {
      const { data } = await bob.getTimeline({ limit: 5 })
      return data.feed.find((one) => one.post.uri === post.uri)
    })
    assert.equal(item.post.author.handle, 'alice.test')
    const { data } = await bob.getProfile({ actor: did })
    assert.equal(data.followersCount, 1)
    assert.equal(data.postsCount, 45)
  })

  test('the old host serves her no more', async () => {
    const status = await fetch(`${from}/xrpc/com.atproto.sync.getRepoStatus?did=${did}`)
    assert.deepEqual(await status.json(), { did, active: false, status: 'deactivated' })
    await assert.rejects(alice.post({ text: 'left behind' }), /deactivated/i)
  })

  test('nobody can be moved who does not exist, and no second account is made of one identity', async () => {
    const create = (body: object) =>
      fetch(`${to}/xrpc/com.atproto.server.createAccount`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ handle: 'eve.two.test', password: 'eve-password', ...body }),
      })
    const stolen = await create({ did })
    assert.equal(stolen.status, 401)
  })
})
