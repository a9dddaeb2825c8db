import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  ComAtprotoSyncGetHostStatus,
  ComAtprotoSyncGetLatestCommit,
  ComAtprotoSyncGetRepoStatus,
  ComAtprotoSyncListHosts,
  ComAtprotoSyncListRepos,
  ComAtprotoSyncSubscribeRepos,
} from '@atcute/atproto'
import { safeParse } from '@atcute/lexicons/validations'
import { cidText } from '#protocol/data'
import { decodeFrame } from '#protocol/xrpc'
import { type FakeHost, type Person, type TestRelay, World } from './relay.test-support.ts'

let world: World
let host: FakeHost
let alice: Person
let relay: TestRelay

beforeEach(async () => {
  world = new World()
  host = world.host('3001')
  alice = world.person(host)
  relay = await world.relay({ config: { pdsHosts: [host.url], hostsMax: 3 } })
  alice.post()
  await accepted(1)
})
afterEach(() => world.close())

const accepted = (count: number) =>
  world.until(() => relay.count('#commit', 'accepted') >= count, `${count} commits`)

const schemas = {
  getHostStatus: ComAtprotoSyncGetHostStatus.mainSchema.output.schema,
  getLatestCommit: ComAtprotoSyncGetLatestCommit.mainSchema.output.schema,
  getRepoStatus: ComAtprotoSyncGetRepoStatus.mainSchema.output.schema,
  listHosts: ComAtprotoSyncListHosts.mainSchema.output.schema,
  listRepos: ComAtprotoSyncListRepos.mainSchema.output.schema,
}

/** Calls a method; what it answers must fit its lexicon. */
async function call(name: keyof typeof schemas, query = ''): Promise<Record<string, unknown>> {
  const answer = await relay.get(`com.atproto.sync.${name}`, query)
  if (answer.error === undefined) {
    const result = safeParse(schemas[name], answer)
    assert.ok(result.ok, `${name}: ${result.ok ? '' : result.message}`)
  }
  return answer
}

async function crawl(hostname: string): Promise<string> {
  const response = await relay.post('com.atproto.sync.requestCrawl', { hostname })
  const body = await response.text()
  return response.ok ? 'ok' : JSON.parse(body).error
}

const active = () => world.until(async () => (await call('listHosts')).hosts)

describe('repositories', () => {
  test('getLatestCommit gives the newest commit that passed', async () => {
    const { plan } = alice.post()
    await accepted(2)
    assert.deepEqual(await call('getLatestCommit', `did=${alice.did}`), {
      cid: cidText(plan.head.commit),
      rev: plan.head.rev,
    })
    const answer = await call('getLatestCommit', 'did=did:plc:nobody234nobody234nobody')
    assert.equal(answer.error, 'RepoNotFound')
  })

  for (const [status, error] of [
    ['takendown', 'RepoTakendown'],
    ['suspended', 'RepoSuspended'],
    ['deactivated', 'RepoDeactivated'],
    ['deleted', 'RepoNotFound'],
    ['resting', 'RepoDeactivated'],
  ] as const) {
    test(`getLatestCommit answers ${error} for an account that is ${status}`, async () => {
      host.account(alice.did, false, status)
      await world.until(() => relay.count('#account', 'accepted') === 1)
      assert.equal((await call('getLatestCommit', `did=${alice.did}`)).error, error)
    })
  }

  test('getRepoStatus gives standing and rev', async () => {
    const { rev } = alice.head!
    const { did } = alice
    assert.deepEqual(await call('getRepoStatus', `did=${did}`), { did, active: true, rev })
    const answer = await call('getRepoStatus', 'did=did:plc:nobody234nobody234nobody')
    assert.equal(answer.error, 'RepoNotFound')
  })

  test('listRepos pages through all of them, in order of DID', async () => {
    const people = [alice, ...Array.from({ length: 6 }, () => world.person(host))]
    for (const person of people.slice(1)) person.post()
    host.account(people[3]!.did, false, 'suspended')
    await accepted(7)
    const listed: string[] = []
    await world.until(async () => (await list('limit=500')).length === 7)
    for (let cursor = ''; ; ) {
      const page = await call('listRepos', `limit=3${cursor && `&cursor=${cursor}`}`)
      listed.push(...(page.repos as { did: string }[]).map(({ did }) => did))
      if (page.cursor === undefined) break
      cursor = String(page.cursor)
    }
    assert.deepEqual(listed, people.map(({ did }) => did).toSorted())
    const repos = await list()
    assert.deepEqual(
      repos.find((repo) => repo.did === alice.did),
      {
        did: alice.did,
        head: cidText(alice.head!.commit),
        rev: alice.head!.rev,
        active: true,
      },
    )
    assert.equal(repos.find((repo) => repo.did === people[3]!.did)!.status, 'suspended')
  })

  const list = async (query = '') =>
    (await call('listRepos', query)).repos as Record<string, unknown>[]
})

describe('hosts', () => {
  test('getHostStatus gives cursor, status and how many accounts', async () => {
    await world.until(async () => (await status()).accountCount === 1)
    assert.deepEqual(await status(), {
      hostname: 'localhost:3001',
      seq: 1,
      status: 'active',
      accountCount: 1,
    })
    assert.equal((await call('getHostStatus', 'hostname=a.example')).error, 'HostNotFound')
    assert.equal((await call('getHostStatus', 'hostname=%00')).error, 'InvalidRequest')
  })

  test('one that does not answer is offline, one that says nothing is idle', async () => {
    world.host('3002').isDown = true
    world.host('3003')
    assert.equal(await crawl('localhost:3002'), 'ok')
    assert.equal(await crawl('localhost:3003'), 'ok')
    const statusOf = async (port: string) =>
      (await call('getHostStatus', `hostname=localhost:${port}`)).status
    await world.until(async () => (await statusOf('3002')) === 'offline')
    assert.equal(await statusOf('3003'), 'idle')
  })

  test('listHosts pages through them', async () => {
    world.host('3002')
    world.host('3003')
    await crawl('localhost:3002')
    await crawl('localhost:3003')
    const first = await call('listHosts', 'limit=2')
    const second = await call('listHosts', `limit=2&cursor=${first.cursor}`)
    const names = [first, second].flatMap(({ hosts }) =>
      (hosts as { hostname: string }[]).map(({ hostname }) => hostname),
    )
    assert.deepEqual(names, ['localhost:3001', 'localhost:3002', 'localhost:3003'])
    assert.equal(second.cursor, undefined)
  })

  const status = () => call('getHostStatus', 'hostname=localhost:3001')
})

describe('requestCrawl', () => {
  test('begins with the oldest event, at once, and asking again changes nothing', async () => {
    const other = world.host('3002')
    const bob = world.person(other)
    bob.post()
    assert.equal(await crawl('localhost:3002'), 'ok')
    await accepted(2)
    assert.equal(await crawl('localhost:3002'), 'ok')
    assert.equal(await crawl('http://localhost:3002/'), 'ok')
    assert.deepEqual(other.cursors, [0])
    await active()
  })

  test('ends the pause of a host that was away', async () => {
    host.isDown = true
    host.hangUp()
    await world.outside.advance(300_000)
    host.isDown = false
    alice.post()
    assert.equal(await crawl('localhost:3001'), 'ok')
    const { now } = world.outside
    const before = now()
    await accepted(2)
    assert.ok(now() - before < 5_000)
  })

  test('is refused beyond the limit of hosts, and for what is no public name', async () => {
    assert.equal(await crawl('a.example'), 'ok')
    assert.equal(await crawl('b.example'), 'ok')
    assert.equal(await crawl('c.example'), 'NotEnoughResources')
    for (const name of ['', 'localhost:99999', '10.0.0.1', '[::1]', 'a b', 'host', 'x.internal']) {
      assert.equal(await crawl(name), 'InvalidRequest', name)
    }
    assert.equal((await relay.post('com.atproto.sync.requestCrawl', {})).status, 400)
  })

  test('is refused where only the operator names hosts', async () => {
    await relay.stop()
    relay = await world.relay({ config: { pdsHosts: [host.url], openCrawl: false } })
    assert.equal(await crawl('a.example'), 'InvalidRequest')
    assert.equal(await crawl('localhost:3001'), 'ok')
  })

  test('of a host that never answers is forgotten after a while', async () => {
    assert.equal(await crawl('a.example'), 'ok')
    await world.until(async () => {
      await world.outside.advance(60_000)
      return (await call('getHostStatus', 'hostname=a.example')).error === 'HostNotFound'
    })
  })
})

describe('subscribeRepos', () => {
  test('sends what the lexicon says', async () => {
    host.identity(alice.did, { handle: 'alice.test' })
    host.account(alice.did, true)
    alice.postSilently()
    alice.post()
    const follower = relay.follow(0)
    await world.until(() => follower.heard.length === 4)
    assert.deepEqual(follower.types, ['#commit', '#identity', '#account', '#sync'])
    for (const bytes of follower.frames) {
      const frame = decodeFrame(bytes)
      assert.ok('type' in frame)
      const message = { $type: `com.atproto.sync.subscribeRepos${frame.type}` }
      const result = safeParse(ComAtprotoSyncSubscribeRepos.mainSchema.message!, {
        ...message,
        ...(frame.body as object),
      })
      assert.ok(result.ok, `${frame.type}: ${result.ok ? '' : result.message}`)
    }
  })

  test('without a cursor begins with what comes next', async () => {
    const before = relay.follow(0)
    await world.until(() => before.heard.length === 1)
    const follower = relay.follow()
    alice.post()
    await world.until(() => follower.heard.length === 1)
    assert.equal(follower.heard[0]!.seq, 2)
  })

  test('refuses a cursor that is ahead', async () => {
    const follower = relay.follow(1_000)
    await world.until(() => follower.error)
    assert.equal(follower.error, 'FutureCursor')
  })
})

test('the relay is healthy', async () => {
  assert.deepEqual(await relay.get('_health'), { version: 'test' })
})
