/** Another signing key for an account: in its identity, in its commits, through crashes and silence. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { plcState } from '#protocol/identity'
import { verifyCommitEvent } from '#protocol/repo'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let ann: Person
beforeEach(async () => {
  host = await TestHost.open()
  ann = await host.signUp('ann')
  await host.write(ann, 'by the first key')
})
afterEach(() => host.close())

const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const reserve = async (did?: string): Promise<string> =>
  (await host.post('com.atproto.server.reserveSigningKey', { did })).body.signingKey
const change = (signingKey: string, did: string = ann.did) =>
  host.call('POST', 'com.atproto.admin.updateAccountSigningKey', {
    input: { did, signingKey },
    headers,
  })
const named = () => plcState(host.plc.log(ann.did).at(-1)!.operation)!.verificationMethods.atproto

/** Events after `cursor`; each commit has to be signed by the key that the identity names now. */
async function eventsBy(cursor: number): Promise<string[]> {
  const key = (await host.signingKey(ann.did))!
  const nowMs = host.outside.now() + 60_000
  const events = await host.events(cursor)
  for (const { commit } of events) {
    if (commit) assert.equal(verifyCommitEvent(commit, { key, nowMs }).ok, true)
  }
  return events.map(({ type }) => type)
}

const newest = async () => (await host.events()).at(-1)!.seq

test('the identity names the new key, the network is told, and commits are signed by it', async () => {
  const cursor = await newest()
  const before = host.plc.log(ann.did).at(-1)!.operation
  const key = await reserve(ann.did)
  assert.equal((await change(key)).status, 200)
  assert.equal(named(), key)
  assert.deepEqual(
    plcState(host.plc.log(ann.did).at(-1)!.operation)!.services,
    plcState(before)!.services,
  )
  assert.equal((await host.write(ann, 'by the second key')).status, 200)
  assert.deepEqual(await eventsBy(cursor), ['#identity', '#commit', '#commit'])
  assert.equal((await change(key)).status, 200, 'asked for again, there is nothing to do')
  assert.notEqual(await reserve(ann.did), key, 'the key is the account’s own now')
})

test('the key outlives a restart', async () => {
  await change(await reserve(ann.did))
  host = await host.restart()
  const cursor = await newest()
  assert.equal((await host.write(ann, 'later')).status, 200)
  assert.deepEqual(await eventsBy(cursor), ['#commit'])
})

test('a deactivated account is told of when it is back', async () => {
  await host.post('com.atproto.server.deactivateAccount', {}, ann.accessJwt)
  const cursor = await newest()
  assert.equal((await change(await reserve(ann.did))).status, 200)
  assert.deepEqual(await eventsBy(cursor), [])
  const back = await host.post('com.atproto.server.activateAccount', undefined, ann.accessJwt)
  assert.equal(back.status, 200)
  assert.deepEqual(await eventsBy(cursor), ['#identity', '#account', '#commit'])
})

test('only a key that this host keeps for the account, or for nobody, is taken', async () => {
  const ben = await host.signUp('ben')
  const rows: [string, string, string][] = [
    [host.forgedKey.publicKey.didKey, ann.did, 'InvalidRequest'],
    [await reserve(ben.did), ann.did, 'InvalidRequest'],
    [await reserve(), 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'NotFound'],
  ]
  const before = named()
  for (const [key, did, error] of rows) assert.equal((await change(key, did)).body.error, error)
  assert.equal(named(), before)
  assert.equal((await change(await reserve())).status, 200)
})

test('what the directory refuses changes nothing', async () => {
  const cursor = await newest()
  host.plc.mood = 'refuses'
  assert.notEqual((await change(await reserve(ann.did))).status, 200)
  host.plc.mood = 'well'
  assert.equal((await host.write(ann, 'still by the first key')).status, 200)
  assert.deepEqual(await eventsBy(cursor), ['#commit'])
})

async function settle(): Promise<void> {
  const loop = host.loop('jobs')
  const isOpen = async () => {
    await host.outside.advance(60_001)
    const left = await host.sql.get(`SELECT 1 FROM jobs WHERE kind = 'change-signing-key'`)
    return left === undefined
  }
  await host.until(isOpen)
  await loop.stop()
}

for (const [mood, what] of [
  ['deaf', 'took the change'],
  ['down', 'never heard of it'],
] as const) {
  test(`a directory that ${what} and did not answer is asked later; nothing is written until then`, async () => {
    const cursor = await newest()
    const key = await reserve(ann.did)
    const before = named()
    host.plc.mood = mood
    assert.equal((await change(key)).status, 502)
    const refused = await host.write(ann, 'by which key?')
    assert.deepEqual([refused.status, refused.body.error], [503, 'RepoFrozen'])
    host.plc.mood = 'well'
    host = await host.restart()
    await settle()
    assert.equal(named(), mood === 'deaf' ? key : before)
    assert.equal((await host.write(ann, 'by the key that is named')).status, 200)
    const told = mood === 'deaf' ? ['#identity', '#commit', '#commit'] : ['#commit']
    assert.deepEqual(await eventsBy(cursor), told)
  })
}
