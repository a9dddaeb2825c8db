import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Files, nodeFiles } from '#platform/storage'
import {
  type FakeHost,
  type Follower,
  type Person,
  type TestRelay,
  World,
} from './relay.test-support.ts'

let world: World
let hosts: [FakeHost, FakeHost]
let people: [Person, Person]
let relay: TestRelay

/** Two hosts with one account each. */
beforeEach(async () => {
  world = new World()
  hosts = [world.host('3001'), world.host('3002')]
  people = [world.person(hosts[0]), world.person(hosts[1])]
  relay = await world.relay({ config: config() })
})
afterEach(() => world.close())

const config = () => ({ pdsHosts: hosts.map(({ url }) => url) })

async function heard(follower: Follower, count: number): Promise<void> {
  const what = () => `${count} events, of ${follower.heard.length}`
  await world.until(() => follower.heard.length >= count, what())
}

/** Everything the relay has, as somebody new reads it. */
async function all(count: number): Promise<string[]> {
  const follower = relay.follow(0)
  await heard(follower, count)
  follower.stop()
  return follower.heard.map(({ did, body }) => `${did} ${body.rev}`)
}

function postAll(times: number): string[] {
  const posted: string[] = []
  for (let i = 0; i < times; i++) {
    for (const person of people) posted.push(`${person.did} ${person.post().plan.head.rev}`)
  }
  return posted
}

async function restart(folder = relay.folder): Promise<void> {
  await relay.stop()
  relay = await world.relay({ folder, config: config() })
}

/** Every host was asked for exactly what it has not said yet. */
async function readOn(): Promise<void> {
  for (const host of hosts) {
    await world.until(() => host.cursors.at(-1) !== 0, 'the next reading')
    assert.equal(host.cursors.at(-1), host.frames.length)
  }
}

const applied = (count: number) =>
  world.until(() => relay.count('#commit', 'accepted') >= count, `${count} commits`)

describe('after a stop', () => {
  test('each host is read on from where it was left', async () => {
    const posted = postAll(10)
    postOnly(hosts[1], 5, posted)
    await applied(25)
    await restart()
    await readOn()
    posted.push(...postAll(10))
    assert.deepEqual((await all(45)).toSorted(), posted.toSorted())
  })

  test('numbers go on, and a reader with a cursor misses nothing', async () => {
    postAll(10)
    const follower = relay.follow(0)
    await heard(follower, 15)
    const cursor = follower.heard[14]!.seq
    await restart()
    postAll(10)
    const again = relay.follow(cursor)
    await heard(again, 25)
    assert.deepEqual(
      again.heard.map(({ seq }) => seq),
      Array.from({ length: 25 }, (_, i) => cursor + 1 + i),
    )
  })

  function postOnly(host: FakeHost, times: number, posted: string[]): void {
    const person = people.find((one) => one.host === host)!
    for (let i = 0; i < times; i++) posted.push(`${person.did} ${person.post().plan.head.rev}`)
  }
})

describe('after a kill', () => {
  test('nothing is lost and nothing is doubled, whenever it comes', async () => {
    const posted: string[] = []
    for (let kill = 0; kill < 12; kill++) {
      posted.push(...postAll(8))
      const target = Math.floor((kill % 4) * 5)
      await applied(target)
      await restart(relay.image())
    }
    const got = await all(posted.length)
    await world.outside.advance(5_000)
    assert.deepEqual((await all(posted.length)).toSorted(), posted.toSorted())
    assert.deepEqual(got.toSorted(), posted.toSorted())
    for (const { did } of people) {
      const revs = got.filter((event) => event.startsWith(did))
      assert.deepEqual(revs, revs.toSorted(), 'each account in its own order')
    }
  })

  test('a database from before is brought up to the stream', async () => {
    postAll(5)
    await applied(10)
    const old = relay.image()
    postAll(20)
    hosts[0].account(people[0].did, false, 'suspended')
    await applied(50)
    await world.until(() => relay.count('#account', 'accepted') === 1)
    const { folder } = relay
    await relay.stop()
    for (const file of ['relay.sqlite', 'relay.sqlite-wal', 'relay.sqlite-shm']) {
      rmSync(join(folder, file), { force: true })
    }
    cpSync(join(old, 'relay.sqlite'), join(folder, 'relay.sqlite'))
    cpSync(join(old, 'relay.sqlite-wal'), join(folder, 'relay.sqlite-wal'))
    await restart(folder)
    await readOn()
    const [alice, bob] = people
    const status = await relay.get('com.atproto.sync.getRepoStatus', `did=${alice.did}`)
    assert.deepEqual(status, { did: alice.did, active: false, status: 'suspended' })
    const latest = await relay.get('com.atproto.sync.getLatestCommit', `did=${bob.did}`)
    assert.equal(latest.rev, bob.head!.rev)
  })

  test('a database that is gone is made again from the stream, its hosts too', async () => {
    const host = world.host('3003')
    const carol = world.person(host)
    await relay.post('com.atproto.sync.requestCrawl', { hostname: 'localhost:3003' })
    carol.post()
    postAll(5)
    await applied(11)
    const { folder } = relay
    await relay.stop()
    for (const end of ['', '-wal', '-shm']) {
      rmSync(join(folder, `relay.sqlite${end}`), { force: true })
    }
    await restart(folder)
    await world.until(() => host.cursors.at(-1) === 1 && host.cursors.length > 1)
    carol.post()
    await applied(1)
    assert.equal(relay.count('#commit', 'prev-mismatch'), 0)
    const { repos } = await relay.get<{ repos: unknown[] }>('com.atproto.sync.listRepos')
    assert.equal(repos.length, 3)
  })

  test('a stream that is gone goes on above what was sent from it', async () => {
    postAll(5)
    await applied(10)
    await relay.stop()
    rmSync(join(relay.folder, 'streams'), { recursive: true })
    await restart()
    postAll(1)
    const follower = relay.follow(10)
    await heard(follower, 2)
    assert.deepEqual(
      follower.heard.map(({ seq }) => seq),
      [11, 12],
    )
  })
})

describe('a host that was set back', () => {
  test('is read from its start again', async () => {
    const [alice] = people
    postAll(5)
    await applied(10)
    hosts[0].setBack()
    alice.post()
    await applied(11)
    assert.deepEqual(hosts[0].cursors.slice(-2), [5, 0])
  })

  test('is read from there after a kill, though it counts beyond where it was', async () => {
    const [alice] = people
    postAll(5)
    await applied(10)
    hosts[0].setBack()
    alice.post()
    await all(11)
    await restart(relay.image())
    await world.until(() => hosts[0].cursors.at(-1) === 1, 'the cursor of its new numbering')
    alice.post()
    await applied(1)
  })
})

describe('a disk that is full', () => {
  test('refuses events without losing or doubling one, and goes on when there is room', async () => {
    await relay.stop()
    let isFull = false
    const files: Files = {
      ...nodeFiles,
      async open(path, flags) {
        const file = await nodeFiles.open(path, flags)
        return {
          ...file,
          write: async (bytes, position) => {
            if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
            return await file.write(bytes, position)
          },
        }
      },
    }
    relay = await world.relay({ config: config(), files })
    const posted = postAll(5)
    await applied(10)
    isFull = true
    posted.push(...postAll(40))
    await world.outside.advance(10_000)
    isFull = false
    posted.push(...postAll(5))
    await world.until(async () => (await all(posted.length)).length === posted.length)
    assert.deepEqual((await all(posted.length)).toSorted(), posted.toSorted())
    assert.equal(relay.count('#commit', 'prev-mismatch'), 0)
  })
})

describe('retention', () => {
  test('drops what is older than configured, and a reader from before it is told so', async () => {
    await relay.stop()
    relay = await world.relay({ config: { ...config(), retentionHours: 1 }, segmentBytes: 4_096 })
    postAll(20)
    await applied(40)
    await world.outside.advance(2 * 3_600_000)
    postAll(1)
    // Accepted is not yet stored: a cursor ahead of what is would be one of the future.
    const newest = relay.follow(0)
    await world.until(() => newest.heard.at(-1)?.seq === 42, 'the newest event')
    let follower = relay.follow(1)
    await world.until(async () => {
      await world.outside.advance(60_000)
      follower.stop()
      follower = relay.follow(1)
      await heard(follower, 1)
      return follower.info
    })
    assert.equal(follower.info, 'OutdatedCursor')
    await world.until(() => follower.heard.at(-1)!.seq === 42)
    assert.ok(follower.heard.length < 40)
  })
})
