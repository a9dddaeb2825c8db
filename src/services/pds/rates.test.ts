/** What a host lets people do, and how often. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import { type Kv, memoryKv } from '#platform/storage'
import { type Answer, type Person, TestHost } from './testing/host.test-support.ts'

const HOUR_MS = 3_600_000
const remaining = (answer: Answer) => Number(answer.headers['ratelimit-remaining'])

const noting = (taken: [string, number][], kv: Kv): Kv => ({
  ...kv,
  increment(key, by, ttlMs) {
    taken.push([key, by])
    return kv.increment(key, by, ttlMs)
  },
})

describe('a host with limits', () => {
  let host: TestHost
  let alice: Person
  let bob: Person
  /** Keys and points, as they are counted. */
  const taken: [string, number][] = []

  before(async () => {
    const outside = testOutside({ seed: 1 })
    host = await TestHost.open({
      outside,
      counts: noting(taken, memoryKv({ now: outside.now })),
      config: { rateLimits: 'on', rateBypassKey: 'open sesame', rateBypassAddresses: [] },
    })
    alice = await host.signUp('alice')
    bob = await host.signUp('bob')
  })
  after(() => host.close())

  /** A new window for everything. */
  const later = () => host.outside.setNow(host.outside.now() + 25 * HOUR_MS)

  const write = (name: string, input: Record<string, unknown>, person = alice) =>
    host.post(`com.atproto.repo.${name}`, { repo: person.did, ...input }, person.accessJwt)

  /** Access tokens are good for two hours. */
  const renew = async (person: Person) => {
    const { body } = await host.post('com.atproto.server.createSession', {
      identifier: person.did,
      password: person.password,
    })
    person.accessJwt = body.accessJwt
  }

  test('charges writes by their kind, from one budget for all methods, by account', async () => {
    const collection = 'com.example.note'
    const create = { $type: 'com.atproto.repo.applyWrites#create', collection, value: {} }
    const remove = { $type: 'com.atproto.repo.applyWrites#delete', collection, rkey: 'one' }
    const costs: [string, Record<string, unknown>, number][] = [
      ['createRecord', { collection, rkey: 'one', record: {} }, 3],
      ['putRecord', { collection, rkey: 'two', record: {} }, 2],
      ['deleteRecord', { collection, rkey: 'two' }, 1],
      ['applyWrites', { writes: [create, create, remove] }, 7],
    ]
    for (const [name, input, cost] of costs) {
      taken.length = 0
      assert.equal((await write(name, input)).status, 200, name)
      const own = taken.filter(([key]) => key.endsWith(alice.did))
      assert.deepEqual(own, [
        [`record-writes-hour ${alice.did}`, cost],
        [`record-writes-day ${alice.did}`, cost],
      ])
    }
  })

  test('refuses writes over the budget of the hour, and takes them again in the next', async () => {
    later()
    await renew(alice)
    const collection = 'com.example.note'
    const create = { $type: 'com.atproto.repo.applyWrites#create', collection, value: {} }
    const writes = Array.from({ length: 200 }, () => create)
    const statuses: number[] = []
    for (let call = 0; call < 9; call++) {
      statuses.push((await write('applyWrites', { writes })).status)
    }
    // 200 creates are 600 points of 5,000.
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 429])
    const refused = await write('createRecord', { collection, record: {} })
    assert.equal(refused.body.error, 'RateLimitExceeded')
    assert.equal(refused.headers['ratelimit-limit'], '5000')
    assert.ok(Number(refused.headers['retry-after']) > 0)
    host.outside.setNow(host.outside.now() + HOUR_MS)
    await renew(alice)
    assert.equal((await write('createRecord', { collection, record: {} })).status, 200)
  })

  test('ends guesses of a password by the name that is tried, not by who else signs in', async () => {
    later()
    const guess = (identifier: string, password: string) =>
      host.post('com.atproto.server.createSession', { identifier, password })
    const statuses = new Set<number>()
    for (let call = 0; call < 30; call++) {
      statuses.add((await guess('alice.test', 'wrong')).status)
    }
    assert.deepEqual([...statuses], [401])
    assert.equal((await guess('ALICE.test', alice.password)).status, 429)
    assert.equal((await guess(bob.handle, bob.password)).status, 200)
  })

  test('lets an address call so often and no more, except with the key for it', async () => {
    later()
    const describeServer = (headers: Record<string, string> = {}) =>
      host.call('GET', 'com.atproto.server.describeServer', { headers })
    const first = await describeServer()
    for (let left = remaining(first); left > 0; left--) await describeServer()
    assert.equal((await describeServer()).status, 429)
    assert.equal((await describeServer({ 'x-ratelimit-bypass': 'guessed' })).status, 429)
    assert.equal((await describeServer({ 'x-ratelimit-bypass': 'open sesame' })).status, 200)
    const health = await host.page('/xrpc/_health')
    assert.equal(health.status, 200)
  })
})

test('a host in local mode limits nothing', async () => {
  const host = await TestHost.open()
  const answer = await host.get('com.atproto.server.describeServer')
  assert.equal(answer.headers['ratelimit-limit'], undefined)
  await host.close()
})
