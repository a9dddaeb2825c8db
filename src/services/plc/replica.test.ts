import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  type PlcLogEntry,
  type PlcOperation,
  plcOperationCid,
  signPlcOperation,
} from '#protocol/identity'
import { vectorPath } from '../../../network/vectors.ts'
import { HOUR_MS, origin, Person, startPlc, type TestPlc } from './plc.test-support.ts'
import { startReplica, type TestReplica } from './replica.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'replica-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const text = async (from: { get(path: string): Promise<Response> }, path: string) => {
  const response = await from.get(path)
  return [response.status, await response.text()]
}

/** Both say the same of a DID, and of everything. */
async function assertSame(plc: TestPlc, replica: TestReplica, dids: readonly string[]) {
  for (const path of ['/export?after=0', '/export', ...dids.flatMap(pagesOf)])
    assert.deepEqual(await text(replica, path), await text(plc, path), path)
}
const pagesOf = (did: string) =>
  ['', '/data', '/log', '/log/last', '/log/audit'].map((page) => `/${did}${page}`)

/** Somebody who answers as a directory at the upstream's address, with these lines. */
function fakeUpstream(plc: TestPlc, lines: () => readonly Record<string, unknown>[]) {
  return plc.transport.add(origin, {
    handle({ query }) {
      const after = Number(new URLSearchParams(query).get('after'))
      const count = Number(new URLSearchParams(query).get('count'))
      const page = lines().filter(({ seq }) => Number(seq) > after)
      const body = page.slice(0, count).map((line) => JSON.stringify(line))
      return { status: 200, body: body.join('\n') }
    },
  })
}

function line(seq: number, did: string, operation: object, more: object = {}) {
  const createdAt = new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString()
  const cid = plcOperationCid(operation as never)
  return { type: 'sequenced_op', operation, did, cid, createdAt, seq, ...more }
}

const held = async (replica: TestReplica) => {
  const body = await (await replica.get('/_held')).text()
  return body === '' ? [] : body.split('\n').map((one) => JSON.parse(one))
}

test('a replica says what its directory says: of logs, forks taken back, ends, and the whole export', async () => {
  const plc = await startPlc()
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')]
  for (const { did, genesis } of [alice, bob, carol]) await plc.accept(did, genesis)
  const first = plcOperationCid(alice.genesis)
  const stolen = await plc.accept(alice.did, alice.named(first, 'mallory', alice.keys[2]))
  await plc.accept(alice.did, alice.named(stolen, 'mallory-two', alice.keys[2]))
  await plc.outside.advance(71 * HOUR_MS)
  await plc.accept(alice.did, alice.named(first, 'alice-again', alice.keys[0]))
  await plc.accept(carol.did, carol.tombstone(plcOperationCid(carol.genesis)))

  const replica = await startReplica(plc)
  await replica.until(({ state }) => state === 'following')
  const dids = [alice.did, bob.did, carol.did]
  await assertSame(plc, replica, dids)
  assert.deepEqual(
    (await replica.json<PlcLogEntry[]>(`/${alice.did}/log/audit`)).map((one) => one.nullified),
    [false, true, true, false],
  )

  // What comes next comes by the stream, and goes on by the replica's own.
  const stream = plc.transport.subscribe('http://localhost:2602/export/stream?cursor=7', {
    signal: AbortSignal.timeout(10_000),
  })
  const next = stream[Symbol.asyncIterator]().next()
  await plc.accept(bob.did, bob.named(plcOperationCid(bob.genesis), 'robert'))
  await replica.until(({ seq }) => seq === 8)
  await assertSame(plc, replica, dids)
  assert.equal(JSON.parse((await next).value![0] as string).did, bob.did)
  assert.equal(replica.metrics.value('plc_replica_operations', 'accepted'), 8)
  await replica.close()
  await plc.close()
})

test('a replica takes no operations and says who does; told to, it hands them on and waits for them', async () => {
  const plc = await startPlc()
  const alice = new Person('alice')
  const refusing = await startReplica(plc)
  const refused = await refusing.post(alice.did, alice.genesis)
  assert.equal(refused.status, 403)
  assert.match(refused.text, /submit to http:\/\/localhost:2582/)
  assert.equal((await refusing.post(alice.did, { type: 'nonsense' })).status, 400)
  await refusing.close()

  const replica = await startReplica(plc, { config: { replicaForwards: true } })
  await replica.until(({ state }) => state === 'following')
  const moving = setInterval(() => void plc.outside.advance(50), 1)
  assert.equal((await replica.post(alice.did, alice.genesis)).status, 200)
  assert.equal((await replica.get(`/${alice.did}`)).status, 200)
  const stale = await replica.post(
    alice.did,
    alice.named(plcOperationCid(alice.genesis), 'x', new Person().keys[0]),
  )
  assert.deepEqual([stale.status, /signature/.test(stale.text)], [400, true])
  plc.transport.add(origin, { handle: () => ({ status: 500, body: 'broken' }) })
  assert.equal((await replica.post(alice.did, alice.genesis)).status, 502)
  clearInterval(moving)
  await replica.close()
  await plc.close()
})

describe('an upstream that lies', () => {
  const alice = new Person('alice')
  const first = plcOperationCid(alice.genesis)
  const next = alice.named(first, 'next')
  const afterNext = alice.named(plcOperationCid(next), 'after')
  const mallory = new Person('mallory')
  const forged = alice.named(first, 'forged', mallory.keys[0])
  const lower = alice.named(first, 'lower', alice.keys[1])
  const legacy = { type: 'create', sig: 'x' }

  const lies: [name: string, reason: string, lines: object[]][] = [
    ['a forged signature', 'InvalidSignature', [line(2, alice.did, forged)]],
    [
      'what follows a forged operation',
      'FollowsHeld',
      [
        line(2, alice.did, forged),
        line(3, alice.did, alice.named(plcOperationCid(forged), 'more', mallory.keys[0])),
      ],
    ],
    ['an operation under another hash', 'CidMismatch', [line(2, alice.did, next, { cid: first })]],
    [
      'another DID’s first operation',
      'GenesisMismatch',
      [line(2, new Person('other').did, mallory.genesis)],
    ],
    ['an operation that follows nothing', 'MisorderedOperation', [line(2, alice.did, afterNext)]],
    [
      'a fork by a key that does not rank higher',
      'StalePrev',
      [line(2, alice.did, next), line(3, alice.did, lower)],
    ],
    [
      'a recovery after 72 hours',
      'LateRecovery',
      [
        line(2, alice.did, lower),
        line(3, alice.did, next, { createdAt: '2026-01-04T00:00:02.001Z' }),
      ],
    ],
    ['what is no operation', 'InvalidOperation', [line(2, alice.did, legacy)]],
  ]
  for (const [name, reason, lines] of lies)
    test(`${name} is held as ${reason}, counted, and not served`, async () => {
      const plc = await startPlc()
      const stop = fakeUpstream(plc, () => [
        line(1, alice.did, alice.genesis),
        ...(lines as never[]),
      ])
      const replica = await startReplica(plc)
      await replica.until(({ seq }) => seq === lines.length + 1)
      const kept = await held(replica)
      assert.equal(kept.at(-1).reason, reason)
      assert.deepEqual(kept.at(-1).operation, (lines.at(-1) as { operation: object }).operation)
      assert.equal((await replica.status()).held, kept.length)
      assert.equal(replica.metrics.value('plc_replica_operations', reason), 1)
      const audit = await replica.json<PlcLogEntry[]>(`/${alice.did}/log/audit`)
      assert.ok(audit.every(({ cid }) => cid !== kept.at(-1).cid || reason === 'CidMismatch'))
      stop()
      await replica.close()
      await plc.close()
    })

  test('a recovery at exactly 72 hours is taken', async () => {
    const plc = await startPlc()
    const at = '2026-01-04T00:00:02.000Z'
    const lines = [
      line(1, alice.did, alice.genesis),
      line(2, alice.did, lower),
      line(3, alice.did, next, { createdAt: at }),
    ]
    const stop = fakeUpstream(plc, () => lines)
    const replica = await startReplica(plc)
    await replica.until(({ seq }) => seq === 3)
    const audit = await replica.json<PlcLogEntry[]>(`/${alice.did}/log/audit`)
    assert.deepEqual(
      audit.map((one) => one.nullified),
      [false, true, false],
    )
    stop()
    await replica.close()
    await plc.close()
  })

  test('lines without a place in the order end the reading, and nothing of them is kept', async () => {
    const plc = await startPlc()
    const bad = [{ seq: 'one' }, { nonsense: true }]
    const stop = plc.transport.add(origin, {
      handle: () => ({ status: 200, body: bad.map((one) => JSON.stringify(one)).join('\n') }),
    })
    const replica = await startReplica(plc)
    await replica.until(({ state }) => state === 'away')
    assert.equal((await replica.status()).seq, 0)
    assert.match((await replica.status()).problem!, /not a line of an export/)
    stop()
    await replica.close()
    await plc.close()
  })
})

describe('an upstream that changed', () => {
  const people = [new Person('a'), new Person('b'), new Person('c')]
  const all = people.map(({ did, genesis }, i) => line(i + 1, did, genesis))
  let count = 0
  const path = () => join(folder, `${count++}.sqlite`)

  for (const [name, later, problem] of [
    ['was set back', all.slice(0, 1), /ends before 2/],
    [
      'is another one',
      [all[0]!, line(2, people[2]!.did, people[2]!.genesis)],
      /another operation at 2/,
    ],
  ] as const)
    test(`that ${name} is noticed: nothing is taken from it`, async () => {
      const plc = await startPlc()
      let lines: readonly Record<string, unknown>[] = all.slice(0, 2)
      const stop = fakeUpstream(plc, () => lines)
      const at = path()
      const before = await startReplica(plc, { path: at })
      await before.until(({ seq }) => seq === 2)
      await before.close()
      lines = later
      const replica = await startReplica(plc, { path: at })
      await replica.until(({ state }) => state === 'reset')
      const { seq, problem: told } = await replica.status()
      assert.equal(seq, 2)
      assert.match(told!, problem)
      assert.equal((await replica.get(`/${people[1]!.did}`)).status, 200)
      stop()
      await replica.close()
      await plc.close()
    })

  test('seqs that are missing are counted, also where an operation was taken out again', async () => {
    const plc = await startPlc()
    let lines = all.slice(0, 2)
    const stop = fakeUpstream(plc, () => lines)
    const at = path()
    const before = await startReplica(plc, { path: at })
    await before.until(({ seq }) => seq === 2)
    await before.close()
    lines = [all[0]!, { ...all[2]!, seq: 6 }]
    const replica = await startReplica(plc, { path: at })
    await replica.until(({ seq }) => seq === 6)
    assert.equal(replica.metrics.value('plc_replica_missing'), 3)
    stop()
    await replica.close()
    await plc.close()
  })
})

test('an operation that its upstream removed stays, and one that was put in its place is held', async () => {
  const plc = await startPlc()
  const alice = new Person('alice')
  const first = plcOperationCid(alice.genesis)
  const [real, other] = [alice.named(first, 'real'), alice.named(first, 'other', alice.keys[1])]
  const otherNext = alice.named(plcOperationCid(other), 'other-next', alice.keys[1])
  let lines = [line(1, alice.did, alice.genesis), line(2, alice.did, real)]
  const stop = fakeUpstream(plc, () => lines)
  const at = join(folder, 'removed.sqlite')
  const before = await startReplica(plc, { path: at })
  await before.until(({ seq }) => seq === 2)
  await before.close()
  lines = [lines[0]!, line(3, alice.did, other), line(4, alice.did, otherNext)]
  const replica = await startReplica(plc, { path: at })
  await replica.until(({ seq }) => seq === 4)
  const last = await replica.json<PlcOperation>(`/${alice.did}/log/last`)
  assert.deepEqual(last.alsoKnownAs, ['at://real.test'])
  assert.deepEqual(
    (await held(replica)).map(({ reason }) => reason),
    ['StalePrev', 'FollowsHeld'],
  )
  assert.equal((await replica.json<PlcLogEntry[]>(`/${alice.did}/log/audit`)).length, 2)
  stop()
  await replica.close()
  await plc.close()
})

test('a folder is a directory’s or a replica’s, never both', async () => {
  const path = join(folder, 'own.sqlite')
  const own = await startPlc({ path })
  const alice = new Person()
  await own.accept(alice.did, alice.genesis)
  await own.close()
  const plc = await startPlc()
  await assert.rejects(startReplica(plc, { path }), /a directory of its own/)
  const other = join(folder, 'replica.sqlite')
  await (await startReplica(plc, { path: other })).close()
  await assert.rejects(startPlc({ path: other }), /a replica of http:\/\/localhost:2582/)
  await plc.close()
})

test('operations of one moment are on one page of the export by time', async () => {
  const plc = await startPlc()
  const people = Array.from({ length: 6 }, (_, i) => new Person(`p${i}`))
  const createdAt = (i: number) => `2026-01-01T00:00:0${[1, 2, 2, 2, 3, 3][i]}.000Z`
  const lines = people.map(({ did, genesis }, i) =>
    line(i + 1, did, genesis, { createdAt: createdAt(i) }),
  )
  const stop = fakeUpstream(plc, () => lines)
  const replica = await startReplica(plc)
  await replica.until(({ seq }) => seq === 6)
  const seen: string[] = []
  const sizes: number[] = []
  for (let after = ''; ; ) {
    const body = await (await replica.get(`/export?count=2&after=${after}`)).text()
    if (body === '') break
    const page = body.split('\n').map((one) => JSON.parse(one) as PlcLogEntry)
    sizes.push(page.length)
    seen.push(...page.map(({ did }) => did))
    after = page.at(-1)!.createdAt
  }
  assert.deepEqual(
    seen,
    people.map(({ did }) => did),
  )
  assert.deepEqual(sizes, [1, 3, 2])
  stop()
  await replica.close()
  await plc.close()
})

describe('the shared audit logs, followed', () => {
  const logs = vectorPath('plc-audit-logs/audit_log')
  const read = (kind: string) =>
    logs === undefined
      ? []
      : readdirSync(join(logs, kind)).map(
          (name) =>
            [
              name,
              JSON.parse(readFileSync(join(logs, kind, name), 'utf8')) as PlcLogEntry[],
            ] as const,
        )
  const follow = async (entries: readonly PlcLogEntry[]) => {
    const plc = await startPlc()
    const stop = fakeUpstream(plc, () => entries.map((entry, i) => ({ ...entry, seq: i + 1 })))
    const replica = await startReplica(plc)
    await replica.until(({ seq }) => seq === entries.length)
    const kept = await held(replica)
    const audit = await replica.get(`/${entries[0]!.did}/log/audit`)
    const log = audit.status === 200 ? ((await audit.json()) as PlcLogEntry[]) : []
    stop()
    await replica.close()
    await plc.close()
    return { held: kept, log }
  }
  for (const [name, entries] of read('valid'))
    test(`${name} is taken whole`, async () => {
      const { held: kept, log } = await follow(entries)
      assert.deepEqual([kept, log], [[], entries])
    })
  for (const [name, entries] of read('invalid'))
    test(`of ${name} something is held`, async () => {
      const { held: kept, log } = await follow(entries)
      assert.ok(kept.length > 0 && log.length + kept.length === entries.length)
    })
})

test('an operation signed by a key that ranks below is judged like one that was not counted before', async () => {
  // The judge tries keys by how often they signed; which of them did decides where a fork is made.
  const plc = await startPlc()
  const alice = new Person('alice')
  const first = plcOperationCid(alice.genesis)
  const low = alice.named(first, 'low', alice.keys[2])
  const lowAgain = alice.named(plcOperationCid(low), 'low-again', alice.keys[2])
  const high = signPlcOperation({ ...alice.genesis, prev: first }, alice.keys[1]!)
  const lines = [alice.genesis, low, lowAgain, high].map((one, i) => line(i + 1, alice.did, one))
  const stop = fakeUpstream(plc, () => lines)
  const replica = await startReplica(plc)
  await replica.until(({ seq }) => seq === 4)
  const audit = await replica.json<PlcLogEntry[]>(`/${alice.did}/log/audit`)
  assert.deepEqual(
    audit.map((one) => one.nullified),
    [false, true, true, false],
  )
  stop()
  await replica.close()
  await plc.close()
})
