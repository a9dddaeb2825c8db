import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  identityOf,
  type PlcOperation,
  parseDidDocument,
  plcOperationCid,
  verifyPlcLog,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { HOUR_MS, origin, Person, startPlc, type TestPlc } from './plc.test-support.ts'

let plc: TestPlc
let alice: Person
beforeEach(async () => {
  plc = await startPlc()
  alice = new Person()
})
afterEach(() => plc.close())

async function handleOf(did: Did): Promise<string | undefined> {
  return identityOf(parseDidDocument(await plc.json(`/${did}`))).handle
}

test('a DID is created, read, changed, ended', async () => {
  const { did, genesis } = alice
  assert.equal((await plc.get(`/${did}`)).status, 404)

  const created = await plc.post(did, genesis)
  assert.equal(created.status, 200)
  const first = plcOperationCid(genesis)
  const response = await plc.get(`/${did}`)
  assert.match(response.headers.get('content-type')!, /^application\/did\+ld\+json/)
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  const identity = identityOf(parseDidDocument(await response.json()))
  assert.equal(identity.did, did)
  assert.equal(identity.handle, 'alice.test')
  assert.equal(identity.pds, 'https://pds.example')
  assert.equal(identity.signingKey, alice.keys[0]!.publicKey.didKey)

  const second = await plc.accept(did, alice.named(first, 'alicia'))
  assert.equal(await handleOf(did), 'alicia.test')
  const { prev: _, sig: __, type: ___, ...state } = alice.named(first, 'alicia')
  assert.deepEqual(await plc.json(`/${did}/data`), { did, ...state })

  const third = alice.tombstone(second)
  await plc.accept(did, third)
  for (const path of ['', '/data']) {
    const gone = await plc.get(`/${did}${path}`)
    assert.equal(gone.status, 410)
    assert.deepEqual(await gone.json(), { message: `DID not available: ${did}` })
  }
  assert.deepEqual(await plc.json(`/${did}/log/last`), third)
  assert.deepEqual(await plc.json(`/${did}/log`), [genesis, alice.named(first, 'alicia'), third])
  const audit = await plc.audit(did)
  assert.equal(verifyPlcLog(did, audit).data, undefined)
  assert.equal(audit.length, 3)
})

test('a DID nobody created is not there, by any path', async () => {
  for (const path of ['', '/data', '/log', '/log/audit', '/log/last']) {
    const response = await plc.get(`/${alice.did}${path}`)
    assert.equal(response.status, 404)
    assert.deepEqual(await response.json(), { message: `DID not registered: ${alice.did}` })
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
  }
})

test('clients that escape the DID’s colons reach it too', async () => {
  const path = `/${encodeURIComponent(alice.did)}`
  await plc.accept(path.slice(1), alice.genesis)
  assert.equal((await plc.get(path)).status, 200)
  assert.equal((await plc.get(`${path}/log/last`)).status, 200)
})

describe('a more powerful key', () => {
  test('takes back what a lesser one did, within 72 hours', async () => {
    const { did, genesis, keys } = alice
    const first = await plc.accept(did, genesis)
    const taken = await plc.accept(did, alice.named(first, 'mallory', keys[2]))
    const more = await plc.accept(did, alice.named(taken, 'mallory2', keys[2]))
    await plc.outside.advance(71 * HOUR_MS)
    const back = await plc.accept(did, alice.named(first, 'alice-again', keys[1]))
    assert.equal(await handleOf(did), 'alice-again.test')
    const audit = await plc.audit(did)
    assert.deepEqual(
      audit.map((entry) => [entry.cid, entry.nullified]),
      [
        [first, false],
        [taken, true],
        [more, true],
        [back, false],
      ],
    )
    assert.equal(verifyPlcLog(did, audit).cid, back)
    assert.equal((await plc.json<unknown[]>(`/${did}/log`)).length, 2)
    assert.deepEqual(await plc.json(`/${did}/log/last`), audit[3]!.operation)
  })

  test('brings a DID back from its end', async () => {
    const { did, genesis, keys } = alice
    const first = await plc.accept(did, genesis)
    await plc.accept(did, alice.tombstone(first, keys[2]))
    assert.equal((await plc.get(`/${did}`)).status, 410)
    await plc.accept(did, alice.named(first, 'lazarus', keys[0]))
    assert.equal(await handleOf(did), 'lazarus.test')
  })

  test('comes too late after 72 hours', async () => {
    const { did, genesis, keys } = alice
    const first = await plc.accept(did, genesis)
    await plc.accept(did, alice.named(first, 'mallory', keys[2]))
    await plc.outside.advance(72 * HOUR_MS + 2) // it was accepted a millisecond after the first
    const refused = await plc.refuse(did, alice.named(first, 'alice', keys[0]))
    assert.equal(refused.status, 400)
    assert.match(refused.message, /72 hours/)
    assert.equal(await handleOf(did), 'mallory.test')
  })

  test('is not one of the same rank or a lower one: that is told as a conflict', async () => {
    const { did, genesis, keys } = alice
    const first = await plc.accept(did, genesis)
    await plc.accept(did, alice.named(first, 'bob', keys[1]))
    for (const signer of [keys[1], keys[2]]) {
      const refused = await plc.refuse(did, alice.named(first, 'carol', signer))
      assert.equal(refused.status, 409)
      assert.match(refused.message, /another operation follows prev/)
    }
  })
})

describe('an operation is refused', () => {
  const stranger = new Person('mallory')
  const refusals: [string, (first: string) => unknown, message: RegExp][] = [
    [
      'with a bad signature',
      (first) => ({ ...alice.named(first, 'x'), sig: alice.genesis.sig }),
      /signature is of none of the rotation keys/,
    ],
    ['signed by a stranger', (first) => alice.named(first, 'x', stranger.keys[0]), /signature/],
    [
      'with a signature that is padded',
      (first) => {
        const operation = alice.named(first, 'x')
        return { ...operation, sig: `${operation.sig}==` }
      },
      /signature/,
    ],
    [
      'that follows what is not there',
      () => alice.named(plcOperationCid(stranger.genesis), 'x'),
      /prev names no operation in force/,
    ],
    [
      'that creates what is there',
      () => alice.operation(null, { services: {} }),
      /prev names no operation/,
    ],
    [
      'with six rotation keys',
      (first) => alice.operation(first, { rotationKeys: manyKeys(6) }),
      /6 rotationKeys, at most 5/,
    ],
    ['without rotation keys', (first) => alice.operation(first, { rotationKeys: [] }), /rotation/],
    [
      'with a rotation key twice',
      (first) => alice.operation(first, { rotationKeys: [manyKeys(1), manyKeys(1)].flat() }),
      /twice/,
    ],
    [
      'with more than 4,000 bytes',
      (first) => alice.operation(first, { services: heavyServices() }),
      /bytes of CBOR/,
    ],
    ['of the legacy form', () => ({ ...legacyCreate() }), /legacy create/],
    ['with an unknown field', (first) => ({ ...alice.named(first, 'x'), extra: 1 }), /field/],
    ['that is no operation', () => ({}), /not a valid operation/],
    ['that is a list', () => [], /not an object/],
    ['that is no JSON', () => '{"type":', /not valid JSON/],
    ['that is empty', () => '', /JSON/],
    ['that nests for ever', () => '['.repeat(20_000), /nested too deeply/],
  ]
  for (const [what, make, message] of refusals)
    test(what, async () => {
      const first = await plc.accept(alice.did, alice.genesis)
      const refused = await plc.refuse(alice.did, make(first))
      assert.equal(refused.status, 400)
      assert.match(refused.message, message)
      assert.equal((await plc.audit(alice.did)).length, 1)
      assert.equal(plc.metrics.value('plc_refused', '400'), 1)
    })

  test('when the DID has ended', async () => {
    const first = await plc.accept(alice.did, alice.genesis)
    const end = await plc.accept(alice.did, alice.tombstone(first))
    const refused = await plc.refuse(alice.did, alice.named(end, 'x'))
    assert.deepEqual(refused, {
      status: 400,
      message: 'operations out of order: nothing follows a tombstone',
    })
  })

  test('when it makes another DID than the one of the path', async () => {
    const refused = await plc.refuse(stranger.did, alice.genesis)
    assert.equal(refused.status, 400)
    assert.ok(refused.message.includes(alice.did))
  })

  test('when it follows an operation that was taken back', async () => {
    const { did, keys } = alice
    const first = await plc.accept(did, alice.genesis)
    const taken = await plc.accept(did, alice.named(first, 'm', keys[2]))
    await plc.accept(did, alice.named(first, 'a', keys[0]))
    const refused = await plc.refuse(did, alice.named(taken, 'm2', keys[2]))
    assert.match(refused.message, /prev names no operation in force/)
  })

  test('when it is too large to be one, without reading it all', async () => {
    const refused = await plc.refuse(alice.did, `"${'x'.repeat(40_000)}"`)
    assert.equal(refused.status, 413)
  })

  const pool = new Person('keys', 6)

  function manyKeys(count: number): string[] {
    return pool.keys.slice(0, count).map((key) => key.publicKey.didKey)
  }

  function heavyServices(): PlcOperation['services'] {
    const service = { type: 'T', endpoint: 'x'.repeat(500) }
    return Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`s${i}`, service]))
  }

  function legacyCreate() {
    const [signingKey, recoveryKey] = manyKeys(2)
    const handle = 'alice.test'
    const service = 'https://pds.example'
    return { type: 'create', signingKey, recoveryKey, handle, service, prev: null, sig: '' }
  }
})

test('submitting again what is in force already is no error and changes nothing', async () => {
  const { did, genesis } = alice
  const first = await plc.accept(did, genesis)
  await plc.accept(did, genesis)
  const second = alice.named(first, 'bob')
  await plc.accept(did, second)
  await plc.accept(did, second)
  assert.equal((await plc.audit(did)).length, 2)
  assert.equal((await plc.refuse(did, genesis)).status, 400)
})

describe('times', () => {
  test('rise with every operation of the whole directory, also when the clock does not', async () => {
    const people = ['a', 'b', 'c'].map((name) => new Person(name))
    for (const { did, genesis } of people) await plc.accept(did, genesis)
    plc.outside.setNow(plc.outside.now() - HOUR_MS)
    await plc.accept(alice.did, alice.genesis)
    const all = await Promise.all([...people, alice].map((one) => plc.audit(one.did)))
    const times = all.map((audit) => Date.parse(audit[0]!.createdAt))
    assert.deepEqual(
      times,
      [0, 1, 2, 3].map((later) => times[0]! + later),
    )
  })
})

describe('limits of one DID', () => {
  async function update(times: number, waitMs: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const last = await plc.json<PlcOperation>(`/${alice.did}/log/last`)
      await plc.accept(alice.did, alice.named(plcOperationCid(last), `n${i}`))
      await plc.outside.advance(waitMs)
    }
  }

  async function nextUpdate(): Promise<Response> {
    const last = await plc.json<PlcOperation>(`/${alice.did}/log/last`)
    return await plc.post(alice.did, alice.named(plcOperationCid(last), 'more'))
  }

  beforeEach(async () => {
    await plc.close()
    plc = await startPlc({
      config: { limits: true, hourlyOperations: 3, dailyOperations: 5, weeklyOperations: 8 },
    })
    await plc.accept(alice.did, alice.genesis)
    await plc.outside.advance(1_000)
  })

  test('are so many operations within an hour, then a wait that is told', async () => {
    await update(2, 0)
    const refused = await nextUpdate()
    assert.equal(refused.status, 429)
    assert.match(((await refused.json()) as { message: string }).message, /hour \(at most 3\)/)
    const waitMs = Number(refused.headers.get('retry-after')) * 1_000
    assert.ok(waitMs > 0 && waitMs <= HOUR_MS)
    await plc.outside.advance(waitMs)
    assert.equal((await nextUpdate()).status, 200)
  })

  test('are so many within a day and within a week', async () => {
    await update(4, HOUR_MS)
    assert.equal((await nextUpdate()).status, 429)
    await plc.outside.advance(24 * HOUR_MS)
    await update(3, HOUR_MS)
    const refused = await nextUpdate()
    assert.match(((await refused.json()) as { message: string }).message, /week \(at most 8\)/)
  })

  test('do not touch anybody else, and never a recovery', async () => {
    const { did, keys } = alice
    const first = plcOperationCid(alice.genesis)
    let prev = first
    for (let i = 0; i < 2; i++) prev = await plc.accept(did, alice.named(prev, `m${i}`, keys[2]))
    assert.equal((await nextUpdate()).status, 429)
    const bob = new Person('bob')
    await plc.accept(bob.did, bob.genesis)
    await plc.accept(did, alice.named(first, 'back', keys[0]))
  })

  test('by default are ten within an hour', async () => {
    await plc.close()
    plc = await startPlc({ config: { limits: true } })
    await plc.accept(alice.did, alice.genesis)
    await update(9, 0)
    assert.equal((await nextUpdate()).status, 429)
  })
})

describe('the rest of the API', () => {
  test('health tells the version, and that the database cannot be read', async () => {
    for (const path of ['/_health', '/xrpc/_health'])
      assert.deepEqual(await plc.json(path), { version: '0.0.0' })
    await plc.sql.close()
    assert.equal((await plc.get('/_health')).status, 503)
    plc = await startPlc()
  })

  test('the front page says what this is', async () => {
    const response = await plc.get('/')
    assert.match(response.headers.get('content-type')!, /^text\/plain/)
    assert.match(await response.text(), /did:plc directory/)
  })

  test('pages that are none, and verbs that are none, are said to be', async () => {
    for (const path of ['/favicon.ico', '/did:plc:x', '/did:web:example.com', '/a/b/c'])
      assert.equal((await plc.get(path)).status, 404, path)
    for (const page of ['constructor', '__proto__', 'log/', 'log/other', 'log/audit/x'])
      assert.equal((await plc.get(`/${alice.did}/${page}`)).status, 404, page)
    const put = await plc.transport.fetch(`${origin}/${alice.did}`, { method: 'PUT' })
    assert.equal(put.status, 405)
    assert.match(put.headers.get('allow')!, /POST/)
    const post = await plc.transport.fetch(`${origin}/${alice.did}/data`, { method: 'POST' })
    assert.equal(post.status, 405)
  })

  test('any page on the web may ask', async () => {
    const response = await plc.transport.fetch(`${origin}/${alice.did}`, { method: 'OPTIONS' })
    assert.equal(response.status, 204)
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    assert.match(response.headers.get('access-control-allow-methods')!, /POST/)
    assert.match(response.headers.get('access-control-allow-headers')!, /content-type/)
  })

  test('a fault of ours shows nothing but the request’s id', async () => {
    await plc.accept(alice.did, alice.genesis)
    await plc.sql.close()
    const response = await plc.get(`/${alice.did}`)
    assert.equal(response.status, 500)
    const { message } = (await response.json()) as { message: string }
    assert.match(message, /^Internal Server Error, request \w+$/)
    plc = await startPlc()
  })
})
