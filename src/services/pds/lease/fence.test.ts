import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { MailMessage } from '#platform/runtime'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { HeldLease } from './held-lease.test-support.ts'

let lease: HeldLease
let host: TestHost
let alice: Person
let letters: MailMessage[]
let crawls: number

beforeEach(async () => {
  lease = new HeldLease()
  letters = []
  crawls = 0
  host = await TestHost.open({
    lease,
    config: { emailFromAddress: 'host@pds.test', crawlers: ['https://relay.test'] },
    mail: { send: async (letter) => void letters.push(letter), close() {} },
    async fetch() {
      crawls++
      return new Response('{}')
    },
  })
  alice = await host.signUp('alice')
})
afterEach(() => host.close())

const fenced = { status: 503, error: 'HostFenced' }
const short = ({ status, body }: { status: number; body: { error?: string } }) => ({
  status,
  error: body.error,
})

test('a lease that lapses anywhere between the check and the answer acknowledges nothing', async () => {
  const outcomes: string[] = []
  for (let point = 1; point <= 8; point++) {
    const shown = host.stream.bounds().last
    const text = `post ${point}`
    lease.lapsesAt = lease.asked + point
    let answered: number | undefined
    const answer = host.write(alice, text).then((one) => {
      answered = one.status
      return one
    })
    await host.until(() => answered !== undefined || host.stream.bounds().durable > shown)
    // What is durable by now goes no further, however long it is waited for.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const { isLapsed } = lease
    if (isLapsed) assert.notEqual(answered, 200, `acknowledged although lapsed at ${point}`)
    const isShown = host.stream.bounds().last > shown
    const texts = await host.listTexts(alice)
    assert.equal(texts.includes(text), isShown, 'readers see what subscribers are shown')
    lease.renew()
    const { status } = await answer
    outcomes.push(`${isShown ? 'shown' : 'unseen'} ${isLapsed ? 'lapsed' : 'held'} ${status}`)
    // Held again, what was durable is there, told once, and nothing else.
    const told = (await host.events(shown)).length
    assert.equal(told, (await host.listTexts(alice)).includes(text) ? 1 : 0)
    if (status === 200) assert.equal(told, 1)
    if (!isLapsed) break
  }
  assert.deepEqual(outcomes, [
    'unseen lapsed 503', // at the door
    'unseen lapsed 503', // before a seq is taken
    'unseen lapsed 200', // after the fsync: it waited, and nobody else had written
    'shown lapsed 503', // on the way out
    'shown held 200',
  ])
  assert.equal(await host.assertChain(alice), (await head()).cid)
})

const head = async () =>
  (await host.get('com.atproto.sync.getLatestCommit', { did: alice.did })).body

test('what was durable when another host took over is never acknowledged, read or told', async () => {
  const told = (await host.events()).length
  const stop = new AbortController()
  const heard: string[] = []
  const listening = (async () => {
    for await (const { type } of host.follow(undefined, stop.signal)) heard.push(type)
  })()
  lease.lapsesAt = lease.asked + 3
  const answer = host.write(alice, 'lost')
  const shown = host.stream.bounds().last
  await host.until(() => host.stream.bounds().durable > shown)
  lease.supersede()
  assert.deepEqual(short(await answer), fenced)
  await listening
  assert.deepEqual(heard, [])
  assert.deepEqual(short(await host.get('com.atproto.repo.listRecords', {})), fenced)
  await assert.rejects(host.follow(0, stop.signal).next(), /no subscription: 503/)
  assert.equal(host.stream.bounds().last, shown)
  assert.ok(told > 0)
})

const posts: [string, unknown][] = [
  ['com.atproto.server.createSession', { identifier: 'alice.test', password: 'password of alice' }],
  [
    'com.atproto.server.createAccount',
    { handle: 'bob.test', email: 'b@x.example', password: 'long enough' },
  ],
  ['com.atproto.server.requestPasswordReset', { email: 'alice@mail.example' }],
  ['com.atproto.server.createAppPassword', { name: 'app' }],
  ['com.atproto.server.deactivateAccount', {}],
  ['com.atproto.identity.updateHandle', { handle: 'alicia.test' }],
  ['com.atproto.identity.requestPlcOperationSignature', undefined],
  ['com.atproto.repo.uploadBlob', new Uint8Array([1, 2, 3])],
  ['app.bsky.actor.putPreferences', { preferences: [] }],
  ['chat.bsky.convo.sendMessage', { convoId: 'x', message: { text: 'hi' } }],
]

test('while it lapsed nothing is written or done elsewhere, and reads go on, marked', async () => {
  const before = { plc: host.plc.log(alice.did).length, crawls, seq: host.stream.bounds().durable }
  const rows = async () => await host.sql.all('select * from accounts')
  const accounts = await rows()
  lease.lapse()
  for (const [nsid, input] of posts) {
    assert.deepEqual(short(await host.post(nsid, input, alice.accessJwt)), fenced, nsid)
  }
  for (const path of ['/account/sign-in', '/oauth/par', '/oauth/token']) {
    assert.equal((await host.visit('POST', path, { body: 'a=b' })).status, 503, path)
  }
  const read = await host.get('com.atproto.repo.describeRepo', { repo: alice.did })
  assert.deepEqual([read.status, read.headers['falaj-lease']], [200, 'lapsed'])
  const { body } = await host.get('com.atproto.server.describeServer')
  assert.deepEqual(body.lease, { epoch: 1, held: false })
  assert.deepEqual((await host.get('_health')).body.lease, {
    held: false,
    epoch: 1,
    remainingMs: 0,
  })
  assert.equal(host.metrics.value('pds_lease_held'), 0)
  assert.deepEqual(await rows(), accounts)
  const after = { plc: host.plc.log(alice.did).length, crawls, seq: host.stream.bounds().durable }
  assert.deepEqual(after, before)
})

test('loops rest while it lapsed: letters and crawl requests wait until it is held again', async () => {
  await host.post('com.atproto.server.requestPasswordReset', { email: 'alice@mail.example' })
  lease.lapse()
  const loops = ['mail', 'ask-relay.test-to-crawl'].map((name) => host.loop(name))
  await host.outside.advance(60_000)
  assert.deepEqual([letters.length, crawls], [0, 0])
  lease.renew()
  await host.until(async () => {
    await host.outside.advance(1_000)
    return letters.length === 1 && crawls > 0
  })
  lease.supersede()
  for (const loop of loops) await loop.stop()
})

test('a host whose place was taken answers nothing but how it stands', async () => {
  lease.supersede()
  for (const path of ['/', '/account', '/.well-known/atproto-did', '/tls-check']) {
    assert.equal((await host.visit('GET', path)).status, 503, path)
  }
  for (const nsid of ['com.atproto.server.describeServer', 'com.atproto.sync.listRepos']) {
    const answer = await host.get(nsid)
    assert.deepEqual(short(answer), fenced, nsid)
    assert.match(answer.body.message, /Another host has taken the place/)
  }
  const health = await host.get('_health')
  const { lease: stands } = health.body
  assert.equal(health.status, 503)
  assert.deepEqual([stands.held, stands.end, stands.newestEpoch], [false, 'superseded', 2])
})

test('subscribers are let go when it lapses, and find each event once when they come back', async () => {
  const stop = new AbortController()
  const seen: number[] = []
  const listen = async (cursor: number) => {
    for await (const { seq } of host.follow(cursor, stop.signal)) seen.push(seq)
  }
  const cursor = host.stream.bounds().last
  const first = listen(cursor)
  await host.write(alice, 'one')
  await host.until(() => seen.length === 1)
  lease.lapse()
  await first
  await assert.rejects(listen(cursor), /no subscription: 503/)
  lease.renew()
  await host.write(alice, 'two')
  const again = listen(seen.at(-1)!)
  await host.until(() => seen.length === 2)
  stop.abort()
  await again
  assert.equal(new Set(seen).size, 2)
})

test('a host that ends gives its lease back, also one that writes wait for', async () => {
  lease.lapsesAt = lease.asked + 3
  const shown = host.stream.bounds().last
  const answer = host.write(alice, 'waits')
  await host.until(() => host.stream.bounds().durable > shown)
  await host.close({ keep: true })
  assert.deepEqual(short(await answer), fenced)
  assert.ok(lease.isReleased)
  // The same data under a lease of their own again: it is applied then, as after a kill.
  lease = new HeldLease()
  host = await host.again({ lease })
  assert.deepEqual(await host.listTexts(alice), ['waits'])
})
