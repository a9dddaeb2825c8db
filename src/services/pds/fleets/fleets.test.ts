/** Many accounts move in waves: two hosts, one directory, one process. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import { type Kv, memoryKv } from '#platform/storage'
import {
  type FleetAccount,
  type FleetRow,
  type FleetSettings,
  type FleetView,
  verifyReceipt,
} from '#protocol/account'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { fetchAmong } from '../testing/hosts.test-support.ts'

const plc = new FakePlc()
const outside = testOutside({ seed: 21 })
const hosts = new Map<string, TestHost>()
/** Calls between the hosts. */
const asked: string[] = []
/** Waits before a call is answered, by method. */
const gates = new Map<string, Promise<void>>()
const among = fetchAmong(hosts, ({ pathname }) => void asked.push(pathname.slice('/xrpc/'.length)))

/** What was counted against anybody's limits, by host. */
const counted: string[] = []
const noting = (publicUrl: string): Kv => {
  const kv = memoryKv({ now: outside.now })
  return {
    ...kv,
    increment(key, by, ttlMs) {
      counted.push(`${publicUrl} ${key.split(' ')[0]}`)
      return kv.increment(key, by, ttlMs)
    },
  }
}

const open = async (publicUrl: string, domain: string) => {
  const config = {
    handleDomains: [domain],
    pdsHosts: ['https://old.test', 'https://new.test'],
    // Tests ask often; what the hosts ask each other is counted.
    ...{ rateLimits: 'on' as const, rateBypassAddresses: ['192.0.2.1'] },
  }
  const fetch: typeof among = async (target, init) => {
    await gates.get(new URL(String(target)).pathname.slice('/xrpc/'.length))
    return among(target, init)
  }
  const counts = noting(publicUrl)
  const host = await TestHost.open({ plc, publicUrl, outside, fetch, config, counts })
  hosts.set(publicUrl, host)
  return host
}

let source: TestHost
let destination: TestHost
before(async () => {
  source = await open('https://old.test', '.test')
  destination = await open('https://new.test', '.two.test')
})
after(async () => {
  for (const host of hosts.values()) await host.close().catch(() => {})
})

async function people(...names: string[]): Promise<Person[]> {
  const some = await Promise.all(names.map((name) => source.signUp(name)))
  for (const person of some) {
    const blob = await source.upload(person, `the picture of ${person.handle}`)
    const images = [{ image: { $type: 'blob', ...blob }, alt: '' }]
    const embed = { $type: 'app.bsky.embed.images', images }
    const record = { text: 'here', createdAt: '2026-01-01T00:00:00.000Z', embed }
    assert.equal((await source.write(person, 'here', { record })).status, 200)
  }
  return some
}

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const operate = async (method: string, input: object, status = 200) => {
  const answer = await destination.call('POST', `app.falaj.fleet.${method}`, {
    input,
    headers: ADMIN,
    ip: '192.0.2.1',
  })
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  return answer.body
}
const look = async (method: string, params: Record<string, unknown>) =>
  (
    await destination.call('GET', `app.falaj.fleet.${method}`, {
      params,
      headers: ADMIN,
      ip: '192.0.2.1',
    })
  ).body

async function fleetOf(name: string, rows: FleetRow[], settings: FleetSettings = {}) {
  const operator = { name: 'admin', password: 'admin-pass' }
  const { fleet } = await operate('create', { name, source: source.url, settings, operator })
  if (rows.length > 0) {
    assert.equal((await operate('addAccounts', { id: fleet.id, rows })).added, rows.length)
  }
  return fleet.id as string
}
const decide = async (id: string, action: string, more: object = {}): Promise<FleetView> =>
  (await operate('decide', { id, action, ...more })).fleet
const seen = async (id: string): Promise<FleetView> => (await look('get', { id })).fleet
const accountsOf = async (id: string): Promise<FleetAccount[]> =>
  (await look('listAccounts', { id, limit: 500 })).accounts

const until = (id: string, isThere: (fleet: FleetView) => boolean) =>
  destination.until(async () => {
    await outside.advance(100)
    return isThere(await seen(id))
  })
const states = async (id: string) =>
  Object.fromEntries((await accountsOf(id)).map(({ account, state }) => [account, state]))
const byOperator = ({ handle }: Person, more: object = {}): FleetRow => ({
  account: handle,
  proof: 'operator',
  ...more,
})

test('a fleet is looked at first, then moves in waves, each account whole and with its receipt', async () => {
  const [ann, ben, cid, dan] = (await people('ann', 'ben', 'cid', 'dan')) as [
    Person,
    Person,
    Person,
    Person,
  ]
  const loops = [destination.loop('fleets'), destination.loop('moves')]
  const id = await fleetOf('spring', [
    byOperator(ann, { wave: 2 }),
    byOperator(ben),
    { account: cid.did, proof: 'password', password: cid.password, handle: 'sidney.two.test' },
    { account: dan.handle, proof: 'password', password: 'not this one' },
    { account: 'nobody.test', proof: 'operator' },
    { account: ben.did, proof: 'operator' },
  ])
  const lettersBefore = (await source.admin('listLetters', { limit: 100 })).letters.length
  await decide(id, 'check')
  await until(id, ({ state }) => state === 'checked')
  const looked = await accountsOf(id)
  assert.deepEqual(
    looked.map(({ state }) => state),
    ['checked', 'checked', 'checked', 'blocked', 'blocked', 'blocked'],
  )
  assert.deepEqual([looked[1]!.plan!.records, looked[1]!.plan!.blobs], [1, 1])
  assert.match(looked[3]!.problem!, /Invalid identifier or password/)
  assert.match(looked[4]!.problem!, /not found/)
  assert.deepEqual(looked[5]!.plan!.obstacles, ['named-twice'])
  // Nothing was made, and nobody was told.
  assert.equal((await destination.get('com.atproto.sync.listRepos')).body.repos.length, 0)
  const letters = (await source.admin('listLetters', { limit: 100 })).letters
  assert.equal(letters.length, lettersBefore)
  await operate('decide', { id, action: 'start' }, 400)
  await decide(id, 'start', { leaveBlocked: true })
  await until(id, ({ state }) => state === 'done')
  const fleet = await seen(id)
  assert.deepEqual(
    [fleet.counts.done, fleet.counts.blocked, fleet.counts.failed, fleet.wave],
    [3, 3, 0, 2],
  )
  const ended = await accountsOf(id)
  for (const [at, person] of [
    [0, ann],
    [1, ben],
    [2, cid],
  ] as const) {
    const { receipt, did } = ended[at]!
    assert.equal(did, person.did)
    assert.deepEqual(
      [receipt!.sameRoot, receipt!.records, receipt!.blobs, receipt!.sameBlobs],
      [true, 1, 1, true],
    )
    assert.ok(verifyReceipt(receipt!, (await destination.signingKey(person.did))!))
    await destination.assertChain(person)
    const there = await source.get('com.atproto.sync.getRepoStatus', { did: person.did })
    assert.equal(there.body.status, 'deactivated')
    // They sign in as before, who was let go by the operator too.
    const { password } = person
    const signedIn = await destination.post('com.atproto.server.createSession', {
      identifier: person.did,
      password,
    })
    assert.equal(signedIn.status, 200, JSON.stringify(signedIn.body))
    assert.equal(signedIn.body.email, person.email)
  }
  assert.equal(ended[2]!.handle, 'sidney.two.test')
  assert.ok(ended[0]!.startedAt! >= ended[1]!.endedAt!, 'the second wave came after the first')
  const told = (await source.admin('listLetters', { recipient: ben.did, limit: 5 })).letters
  assert.equal(told[0].purpose, 'notice-operator-move')
  const kept = 'SELECT sealed FROM fleet_accounts WHERE fleet = ? AND state = ?'
  const rows = await destination.sql.all<{ sealed: unknown }>(kept, [id, 'done'])
  assert.ok(rows.every(({ sealed }) => sealed === null))
  // What a host asks of itself takes from nobody's limits: else 1,000 pictures a day were the most.
  const own = counted.filter((one) => one.startsWith(destination.url))
  assert.ok(counted.length > own.length)
  assert.deepEqual(
    own.filter((one) => /uploads|sign-ups|imports/.test(one)),
    [],
  )
  // The same table again moves nobody twice.
  const again = await fleetOf('again', [byOperator(ann), byOperator(ben)])
  await decide(again, 'check')
  await until(again, ({ state }) => state === 'checked')
  assert.deepEqual(Object.values(await states(again)), ['done', 'done'])
  await Promise.all(loops.map((loop) => loop.stop()))
})

test('when more of a wave fail than may, nobody else begins until an operator says so', async () => {
  const three = await people('eve', 'fay', 'gus')
  const loops = [destination.loop('fleets'), destination.loop('moves')]
  const rows: FleetRow[] = three.map(({ handle, password }, i) => ({
    ...{ account: handle, proof: 'password', password, wave: i < 2 ? 1 : 2 },
  }))
  const id = await fleetOf('summer', rows, { stopPercent: 40, accountsAtOnce: 1 })
  await decide(id, 'check')
  await until(id, ({ state }) => state === 'checked')
  // Between the look and the move she changes her password.
  await source.call('POST', 'com.atproto.admin.updateAccountPassword', {
    input: { did: three[0]!.did, password: 'quite another one' },
    headers: ADMIN,
  })
  await decide(id, 'start')
  await until(id, ({ state }) => state === 'paused')
  const fleet = await seen(id)
  assert.deepEqual([fleet.why, fleet.counts.failed], ['failures', 1])
  assert.equal(fleet.counts.checked, 2, 'nobody else began')
  await decide(id, 'resume')
  await until(id, ({ state }) => state === 'done')
  assert.deepEqual(await states(id), {
    'eve.test': 'failed',
    'fay.test': 'done',
    'gus.test': 'done',
  })
  await Promise.all(loops.map((loop) => loop.stop()))
})

test('a host that dies among them goes on with each where it was, and moves nobody twice', async () => {
  const some = await people('ida', 'jon', 'kay')
  const loops = [destination.loop('fleets'), destination.loop('moves')]
  const id = await fleetOf(
    'autumn',
    some.map((one) => byOperator(one)),
  )
  await decide(id, 'check')
  await until(id, ({ state }) => state === 'checked')
  const gate = Promise.withResolvers<void>()
  gates.set('com.atproto.sync.getBlob', gate.promise)
  await decide(id, 'start')
  await until(id, ({ moving }) => moving.filter(({ step }) => step === 'blobs').length === 3)
  const crashed = destination.copy()
  gates.clear()
  // What the dead would still do reaches nobody.
  hosts.delete(destination.url)
  const dead = destination
  destination = await dead.again({ folder: crashed })
  hosts.set(destination.url, destination)
  const living = [destination.loop('fleets'), destination.loop('moves')]
  asked.length = 0
  await until(id, ({ state }) => state === 'done')
  assert.deepEqual(Object.values(await states(id)), ['done', 'done', 'done'])
  const made = 'com.atproto.server.createAccount'
  assert.equal(asked.filter((nsid) => nsid === made).length, 0, 'no account was made again')
  const moves = await destination.sql.all('SELECT did FROM moves WHERE fleet = ?', [id])
  assert.equal(moves.length, 3)
  for (const person of some) await destination.assertChain(person)
  await Promise.all(living.map((loop) => loop.stop()))
  gate.resolve()
  await Promise.all(loops.map((loop) => loop.stop()))
  await dead.close()
})

test('paused, nothing goes on; given up, whoever has not changed hands stays without a trace', async () => {
  const two = await people('leo', 'mia')
  const loops = [destination.loop('fleets'), destination.loop('moves')]
  const id = await fleetOf(
    'winter',
    two.map((one) => byOperator(one)),
    { accountsAtOnce: 1 },
  )
  await decide(id, 'check')
  await until(id, ({ state }) => state === 'checked')
  const gate = Promise.withResolvers<void>()
  gates.set('com.atproto.sync.getBlob', gate.promise)
  await decide(id, 'start')
  await until(id, ({ moving }) => moving[0]?.step === 'blobs')
  gates.clear()
  gate.resolve()
  await decide(id, 'pause')
  await until(id, ({ counts }) => counts.moving === 0)
  assert.deepEqual((await seen(id)).why, 'operator')
  await decide(id, 'abandon')
  await until(id, ({ state }) => state === 'abandoned')
  for (const { did } of two) {
    const there = await source.get('com.atproto.sync.getRepoStatus', { did })
    const here = await destination.get('com.atproto.repo.describeRepo', { repo: did })
    const { operation } = plc.log(did).at(-1)!
    assert.deepEqual([there.body.active, here.status], [true, 400])
    assert.match(JSON.stringify(operation), /old\.test/)
  }
  const sealed = await destination.sql.all(
    'SELECT 1 FROM fleet_accounts WHERE fleet = ? AND sealed IS NOT NULL',
    [id],
  )
  assert.equal(sealed.length, 0)
  await Promise.all(loops.map((loop) => loop.stop()))
})

test('only who runs the host decides over fleets, and what cannot be done now says so', async () => {
  const anonymous = await destination.post('app.falaj.fleet.create', {
    name: 'x',
    source: source.url,
  })
  assert.equal(anonymous.status, 401)
  const own = { name: 'own', source: destination.url }
  await operate('create', own, 400)
  const id = await fleetOf('odd', [])
  assert.equal((await operate('create', { name: 'odd', source: source.url })).isNew, false)
  await operate('decide', { id, action: 'start' }, 400)
  await operate('decide', { id, action: 'resume' }, 400)
  await operate('decide', { id: 'none', action: 'check' }, 404)
  await operate('addAccounts', { id, rows: [{ account: 'no name', proof: 'password' }] }, 400)
  await operate('decide', { id, action: 'abandon' })
})
