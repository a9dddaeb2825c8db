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
  let tokenAtHome: string
  let saved: MoveState
  let receipt: MoveReceipt
  const pictures: string[] = []
  /** A post of hers that others like and answer. */
  let discussed: { uri: string; cid: string }
  /** What the app view shows of alice before she moves. */
  let shown: Awaited<ReturnType<typeof view>>

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

  /** Everything that others have to do with alice, as the app view shows it to bob and to her. */
  async function view(hers: AtpAgent) {
    const [profile, followers, feed, notifications] = await Promise.all([
      bob.getProfile({ actor: did }),
      bob.getFollowers({ actor: did }),
      bob.getAuthorFeed({ actor: did, limit: 30 }),
      hers.listNotifications({ limit: 30 }),
    ])
    const { uri } = discussed
    const [likes, thread] = await Promise.all([
      bob.getLikes({ uri }),
      bob.getPostThread({ uri, depth: 5 }),
    ])
    const { followersCount, followsCount, handle } = profile.data
    return {
      profile: { followersCount, followsCount, handle },
      followers: followers.data.followers.map((one) => one.did),
      feed: feed.data.feed.map(({ post }) => [post.uri, post.likeCount, post.replyCount]),
      notifications: notifications.data.notifications.map((one) => [one.reason, one.uri]),
      likes: likes.data.likes.map(({ actor }) => actor.did),
      thread: placesIn(thread.data.thread),
    }
  }

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
    tokenAtHome = alice.session!.accessJwt
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
    const { data } = await bob.getAuthorFeed({ actor: did, limit: 5 })
    const { uri, cid } = data.feed[0]!.post
    discussed = { uri, cid }
    await bob.like(uri, cid)
    const root = discussed
    const answer = await bob.post({ text: 'an answer', reply: { root, parent: root } })
    await alice.post({ text: 'an answer to that', reply: { root, parent: answer } })
    await bob.post({ text: 'another answer', reply: { root, parent: root } })
    shown = await eventually('what others wrote', async () => {
      const seen = await view(alice)
      // A follow, a like and two replies.
      return seen.notifications.length >= 4 && seen.thread.length === 4 ? seen : undefined
    })
  })
  after(() => network?.stop())

  test('the check before tells what will move and changes nothing', async () => {
    const source = await signIn({ service: from, fetch }, 'alice.test', PASSWORD)
    const found = await preflight({ source, destination: to, ...deps() })
    assert.deepEqual(found.obstacles, [])
    assert.equal(found.records, 44)
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
    assert.equal(receipt.records, 45)
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

  test('followers, likes, feeds, notifications and threads are what they were', async () => {
    const there = new AtpAgent({ service: to })
    await there.login({ identifier: 'alice.test', password: PASSWORD })
    const seen = await eventually('what was written on the way', async () => {
      const now = await view(there)
      return now.feed[0]![0] === shown.feed[0]![0] ? undefined : now
    })
    // One post was written on the way, and is the newest: everything else stands where it stood.
    const { feed, ...rest } = seen
    const { feed: before, ...others } = shown
    assert.deepEqual(rest, others)
    assert.deepEqual(feed.slice(1), before.slice(0, -1))
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
    assert.equal(data.postsCount, 46)
  })

  test('the old host serves her no more', async () => {
    const status = await fetch(`${from}/xrpc/com.atproto.sync.getRepoStatus?did=${did}`)
    assert.deepEqual(await status.json(), { did, active: false, status: 'deactivated' })
    // Asked directly: a client of hers may go where her identity says she is.
    const write = await fetch(`${from}/xrpc/com.atproto.repo.createRecord`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenAtHome}` },
      body: JSON.stringify({
        repo: did,
        collection: 'app.bsky.feed.post',
        record: { text: 'left behind', createdAt: new Date().toISOString() },
      }),
    })
    assert.match(((await write.json()) as { message: string }).message, /deactivated/i)
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

type Thread = { post?: unknown; replies?: unknown }

/** URIs of a thread, each with how deep it stands, in the order shown. */
function placesIn(thread: unknown, depth = 0): [number, string][] {
  const { post, replies } = thread as Thread
  const { uri } = (post ?? {}) as { uri?: string }
  const below = (Array.isArray(replies) ? replies : []).flatMap((one) => placesIn(one, depth + 1))
  return uri === undefined ? below : [[depth, uri], ...below]
}
