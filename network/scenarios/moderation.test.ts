import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AtpAgent, type ComAtprotoLabelDefs } from '@atproto/api'
import { generateKey, parseDidKey, type SigningKey } from '#protocol/crypto'
import { toBytes } from '#protocol/data'
import {
  identityOf,
  parseDidDocument,
  plcClient,
  plcDid,
  signPlcOperation,
} from '#protocol/identity'
import { type LabelClaim, parseLabel, signLabel, verifyLabel } from '#protocol/label'
import type { Did } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import { listenToLabels } from '../labeler.test-support.ts'
import { eventually, type Network, startNetwork } from '../rig.ts'

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const SPAM = 'com.atproto.moderation.defs#reasonSpam'
const APPEAL = 'com.atproto.moderation.defs#reasonAppeal'

type Ref = { uri: string; cid: string }
type Label = ComAtprotoLabelDefs.Label

/** Reports, decisions, labels and takedowns through every layer, with the official client. */
describe('moderation', () => {
  let network: Network
  let alice: AtpAgent
  let bob: AtpAgent
  let post: Ref

  before(async () => {
    network = await startNetwork('--pds', '2')
    alice = await signedUp(0, 'alice.test')
    bob = await signedUp(1, 'bob.two.test')
    post = await alice.post({ text: 'water for sale, cheap' })
    await eventually('the post', async () => (await seenBy(bob)) !== undefined)
  })
  after(() => network?.stop())

  async function signedUp(host: number, handle: string): Promise<AtpAgent> {
    const agent = new AtpAgent({ service: network.pds[host]!.url })
    const email = `${handle}@example.com`
    await agent.createAccount({ handle, email, password: 'a password' })
    return agent
  }

  async function seenBy(agent: AtpAgent, uri = post.uri) {
    const { data } = await agent.app.bsky.feed.getPosts({ uris: [uri] })
    return data.posts[0]
  }

  const record = (ref: Ref) => ({ $type: 'com.atproto.repo.strongRef', ...ref })
  const account = (did: string) => ({ $type: 'com.atproto.admin.defs#repoRef', did })

  async function decide(subject: object, name: string, fields: object = {}): Promise<void> {
    const { url, did } = network.moderation
    const event = { $type: `tools.ozone.moderation.defs#${name}`, ...fields }
    const response = await fetch(`${url}/xrpc/tools.ozone.moderation.emitEvent`, {
      method: 'POST',
      headers: { ...ADMIN, 'content-type': 'application/json' },
      body: JSON.stringify({ subject, event, createdBy: did }),
    })
    assert.equal(response.status, 200, await response.text())
  }

  async function queue(params: Record<string, string>) {
    const query = new URLSearchParams(params)
    const url = `${network.moderation.url}/xrpc/tools.ozone.moderation.queryStatuses?${query}`
    const response = await fetch(url, { headers: ADMIN })
    const { subjectStatuses } = (await response.json()) as {
      subjectStatuses: { subject: { uri?: string }; reviewState: string; appealed?: boolean }[]
    }
    return subjectStatuses
  }

  const labeler = () => ({ 'atproto-accept-labelers': network.moderation.did! })

  test('bob reports what alice wrote, through his own host, and it is in the queue', async () => {
    const { data } = await bob.com.atproto.moderation.createReport({
      reasonType: SPAM,
      reason: 'it is not theirs to sell',
      subject: record(post) as never,
    })
    assert.equal(data.reportedBy, bob.assertDid)
    const [first] = await queue({ reviewState: 'tools.ozone.moderation.defs#reviewOpen' })
    assert.equal(first?.subject.uri, post.uri)
  })

  test('a label is decided on, and bob sees it, signed by the key of its labeler', async () => {
    const fields = { createLabelVals: ['spam'], negateLabelVals: [], comment: 'It sells water' }
    await decide(record(post), 'modEventLabel', fields)
    const label = await eventually('the label', async () => {
      const { data, headers } = await bob.app.bsky.feed.getPosts(
        { uris: [post.uri] },
        { headers: labeler() },
      )
      const found = data.posts[0]?.labels?.find(({ val }) => val === 'spam')
      return found && { found, header: headers['atproto-content-labelers'] }
    })
    assert.equal(label.found.src, network.moderation.did)
    assert.equal(label.header, network.moderation.did)
    assert.equal(await isSigned(label.found), true)
    const { data } = await bob.com.atproto.label.queryLabels(
      { uriPatterns: [`at://${alice.assertDid}/*`] },
      { headers: { 'atproto-proxy': `${network.moderation.did}#atproto_labeler` } },
    )
    assert.equal(await isSigned(data.labels[0]!), true)
  })

  async function isSigned(label: Label): Promise<boolean> {
    const response = await fetch(`${network.plc.url}/${label.src}`)
    const { labelerKey } = identityOf(parseDidDocument(await response.json()))
    const read = parseLabel({ ...label, sig: toBytes(label.sig!) })
    return read !== undefined && verifyLabel(read, parseDidKey(labelerKey!))
  }

  test('alice is told why, and appeals', async () => {
    const { url } = network.pds[0]!
    const response = await fetch(`${url}/xrpc/app.falaj.moderation.getMyStatus`, {
      headers: { authorization: `Bearer ${alice.session!.accessJwt}` },
    })
    const { decisions } = (await response.json()) as {
      decisions: { subject: string; labels: string[]; reason: string }[]
    }
    assert.deepEqual(
      decisions.map(({ subject, labels, reason }) => [subject, labels, reason]),
      [[post.uri, ['spam'], 'It sells water']],
    )
    const appeal = { reasonType: APPEAL, reason: 'it was a joke', subject: record(post) as never }
    await alice.com.atproto.moderation.createReport(appeal)
    await assert.rejects(bob.com.atproto.moderation.createReport(appeal), { status: 403 })
    assert.equal((await queue({ appealed: 'true' })).length, 1)
    await decide(record(post), 'modEventResolveAppeal', { comment: 'granted' })
    await decide(record(post), 'modEventLabel', { createLabelVals: [], negateLabelVals: ['spam'] })
    await eventually('its absence', async () => (await seenBy(bob))?.labels?.length === 0)
    assert.equal((await queue({ appealed: 'true' })).length, 0)
  })

  test('a post that is taken down is gone at its host and in the app view, and comes back', async () => {
    const atHost = () => {
      const rkey = post.uri.split('/').at(-1)!
      return alice.com.atproto.repo
        .getRecord({ repo: alice.assertDid, collection: 'app.bsky.feed.post', rkey })
        .then(
          () => true,
          () => false,
        )
    }
    await decide(record(post), 'modEventTakedown')
    await eventually('at the host', async () => !(await atHost()))
    await eventually('in the app view', async () => (await seenBy(bob)) === undefined)
    await decide(record(post), 'modEventReverseTakedown')
    await eventually('back at the host', atHost)
    await eventually('back in the app view', async () => (await seenBy(bob)) !== undefined)
  })

  test('an account that is taken down is so at its host, the relay and the app view', async () => {
    const did = alice.assertDid
    const relayStatus = async () => {
      const url = `${network.relay.url}/xrpc/com.atproto.sync.getRepoStatus?did=${did}`
      return ((await (await fetch(url)).json()) as { active: boolean; status?: string }).status
    }
    const profile = () => bob.getProfile({ actor: did })
    await decide(account(did), 'modEventTakedown')
    await eventually('at the relay', async () => (await relayStatus()) === 'takendown')
    await eventually('in the app view', async () =>
      profile().then(
        () => false,
        () => true,
      ),
    )
    await assert.rejects(alice.post({ text: 'still here?' }), { error: 'AccountTakedown' })
    assert.equal(await seenBy(bob), undefined)
    await decide(account(did), 'modEventReverseTakedown')
    await eventually('at the relay', async () => (await relayStatus()) === undefined)
    await eventually('in the app view', async () => (await profile()).data.did === did)
    await alice.login({ identifier: 'alice.test', password: 'a password' })
    await alice.post({ text: 'still here' })
  })

  describe('another labeler, written against the protocol alone', () => {
    let did: Did
    let key: SigningKey
    let server: Awaited<ReturnType<typeof listenToLabels>>

    before(async () => {
      server = await listenToLabels()
      key = generateKey('k256')
      did = await publishLabeler(network.plc.url, server.url, key)
    })
    after(() => server?.close())

    const say = (val: string, by = key, more: Partial<LabelClaim> = {}) => {
      const claim = { src: did, uri: post.uri, val, cts: new Date().toISOString(), ...more }
      server.send((seq) => encodeFrame('#labels', { seq, labels: [signLabel(claim, by)] }))
    }
    const valuesFor = async () => {
      const headers = { 'atproto-accept-labelers': did }
      const { data } = await bob.app.bsky.feed.getPosts({ uris: [post.uri] }, { headers })
      return data.posts[0]?.labels?.map(({ val }) => val) ?? []
    }

    test('is heard by those who name it; what it did not sign is not believed', async () => {
      say('forged', generateKey('k256'))
      say('foreign', key, { src: network.moderation.did as Did })
      say('wet')
      await eventually('its label', async () => (await valuesFor()).includes('wet'))
      assert.deepEqual(await valuesFor(), ['wet'])
      assert.deepEqual((await seenBy(bob))?.labels, [])
      say('wet', key, { neg: true })
      await eventually('its taking back', async () => (await valuesFor()).length === 0)
    })
  })
})

/** Gives a labeler an identity. */
async function publishLabeler(plcUrl: string, url: string, key: SigningKey): Promise<Did> {
  const rotation = generateKey('k256')
  const genesis = signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: [rotation.publicKey.didKey],
      verificationMethods: { atproto_label: key.publicKey.didKey },
      alsoKnownAs: [],
      services: { atproto_labeler: { type: 'AtprotoLabeler', endpoint: url } },
      prev: null,
    },
    rotation,
  )
  const did = plcDid(genesis)
  await plcClient({ plcUrl, fetch }).submit(did, genesis)
  return did
}

describe('somebody else’s labeler in the place of ours', () => {
  const key = generateKey('k256')
  let directory: Network
  let network: Network
  let server: Awaited<ReturnType<typeof listenToLabels>>
  let did: Did
  let alice: AtpAgent
  let post: Ref

  before(async () => {
    server = await listenToLabels()
    directory = await startNetwork('--services', 'plc')
    did = await publishLabeler(directory.plc.url, server.url, key)
    const wiring = ['--plc', directory.plc.url, '--moderation', `${server.url}#${did}`]
    network = await startNetwork('--services', 'pds,relay,appview', ...wiring)
    alice = new AtpAgent({ service: network.pds[0]!.url })
    const email = 'alice@example.com'
    await alice.createAccount({ handle: 'alice.test', email, password: 'a password' })
    post = await alice.post({ text: 'water' })
  })
  after(async () => {
    await network?.stop()
    await directory?.stop()
    await server?.close()
  })

  const say = (val: string, more: Partial<LabelClaim> = {}) => {
    const claim = { src: did, uri: post.uri, val, cts: new Date().toISOString(), ...more }
    server.send((seq) => encodeFrame('#labels', { seq, labels: [signLabel(claim, key)] }))
  }
  /** As somebody without an account and without wishes sees it. */
  const shown = async () => {
    const url = `${network.appview.url}/xrpc/app.bsky.feed.getPosts?uris=${post.uri}`
    const { posts } = (await (await fetch(url)).json()) as { posts: { labels: Label[] }[] }
    return posts[0]?.labels.map(({ val }) => val).join()
  }

  test('its labels are seen by everybody, whatever garbage it sends between them', async () => {
    await eventually('the post', async () => (await shown()) === '')
    say('wet')
    await eventually('its label', async () => (await shown()) === 'wet')
    const garbage = [
      Uint8Array.of(1, 2, 3),
      new Uint8Array(0),
      encodeFrame('#labels', { seq: 'no', labels: [7, null, {}, { ver: 1 }] }),
      encodeFrame('#labels', { seq: 3, labels: Array(1_000).fill({ uri: post.uri, val: 'x' }) }),
      encodeFrame('#nonsense', {}),
    ]
    for (const frame of garbage) server.send(() => frame as Uint8Array<ArrayBuffer>)
    say('deep')
    await eventually('the other', async () => (await shown()) === 'deep,wet')
  })

  test('what it takes down is hidden, and comes back at its word', async () => {
    say('!takedown')
    await eventually('its absence', async () => (await shown()) === undefined)
    say('!takedown', { neg: true })
    await eventually('its return', async () => (await shown()) === 'deep,wet')
  })

  test('a report that it does not take is refused in its name', async () => {
    const report = alice.com.atproto.moderation.createReport({
      reasonType: SPAM,
      subject: { $type: 'com.atproto.repo.strongRef', ...post } as never,
    })
    await assert.rejects(report, (error: { status: number; message: string }) => {
      assert.ok(error.status === 404 || error.status === 502)
      assert.ok(error.message.includes(new URL(server.url).host), error.message)
      return true
    })
  })

  test('while it is away its labels stay, and everything else goes on', async () => {
    await server.close()
    assert.equal(await shown(), 'deep,wet')
    const { uri } = await alice.post({ text: 'meanwhile' })
    await eventually('the new post', async () => {
      const { data } = await alice.getTimeline()
      return data.feed.some((item) => item.post.uri === uri)
    })
  })
})
