/** Handles and identities: what changes, in which order, and what happens when the directory balks. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import { type PlcOperation, plcOperationCid, plcState, signPlcOperation } from '#protocol/identity'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let alice: Person

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
})
after(() => host.close())

const identity = (method: string, input?: unknown, person = alice): Promise<Answer> =>
  host.post(`com.atproto.identity.${method}`, input, person.accessJwt)
const resolve = (handle: string, on = host) =>
  on.get('com.atproto.identity.resolveHandle', { handle })
const namesOf = (person: Person, on = host) =>
  plcState(on.plc.log(person.did).at(-1)!.operation)!.alsoKnownAs

test('resolveHandle knows its own and says so when there is none', async () => {
  assert.deepEqual((await resolve('alice.test')).body, { did: alice.did })
  assert.deepEqual((await resolve('ALICE.test')).body, { did: alice.did })
  assert.equal((await resolve('nobody.test')).body.error, 'HandleNotFound')
  assert.equal((await resolve('not a handle')).status, 400)
})

test('a handle from elsewhere is looked up there', async () => {
  const far = await TestHost.open({
    fetch: async (url) =>
      String(url) === 'https://far.example.com/.well-known/atproto-did'
        ? new Response(alice.did)
        : new Response('', { status: 404 }),
  })
  assert.deepEqual((await resolve('far.example.com', far)).body, { did: alice.did })
  assert.equal((await resolve('nothing.example.com', far)).body.error, 'HandleNotFound')
  await far.close()
})

test('each hosted name proves its handle on its own domain, while it is active', async () => {
  const page = (name: string) => host.page('/.well-known/atproto-did', { host: name })
  assert.equal((await page('alice.test')).body, alice.did)
  assert.equal((await page('ALICE.test:443')).body, alice.did)
  assert.equal((await page('nobody.test')).status, 404)
})

test('updateHandle changes identity, account and network, in this order', async () => {
  const bob = await host.signUp('bob')
  const cursor = (await host.events()).at(-1)!.seq
  assert.equal((await identity('updateHandle', { handle: 'Robert.test' }, bob)).status, 200)
  assert.deepEqual(namesOf(bob), ['at://robert.test'])
  const [event, ...more] = await host.events(cursor)
  assert.deepEqual([event!.type, event!.body.handle], ['#identity', 'robert.test'])
  assert.deepEqual(more, [])
  assert.deepEqual((await resolve('robert.test')).body, { did: bob.did })
  assert.equal((await resolve('bob.test')).body.error, 'HandleNotFound')
  const carol = await host.signUp('bob', { email: 'carol@mail.example' })
  assert.equal(carol.handle, 'bob.test', 'the old name is free')
})

test('a name of one’s own is taken by DNS or by its web page, when it leads to the account', async () => {
  const txt: Record<string, string[]> = {}
  const pages: Record<string, string> = {}
  const outside = testOutside({ seed: 3 })
  outside.resolveTxt = async (name) => txt[name] ?? []
  const own = await TestHost.open({
    outside,
    fetch: async (url) => {
      const page = pages[new URL(String(url)).host]
      return page ? new Response(page) : new Response('', { status: 404 })
    },
  })
  const bob = await own.signUp('bob')
  const rename = (handle: string) =>
    own.post('com.atproto.identity.updateHandle', { handle }, bob.accessJwt)
  txt['_atproto.bob.example.com'] = ['other=1', `did=${bob.did}`]
  pages['web.example.com'] = `${bob.did}\n`
  txt['_atproto.hers.example.com'] = ['did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa']
  pages['hers.example.com'] = bob.did
  for (const handle of ['Bob.example.com', 'web.example.com']) {
    assert.equal((await rename(handle)).status, 200, handle)
    assert.deepEqual(namesOf(bob, own), [`at://${handle.toLowerCase()}`])
  }
  for (const handle of ['hers.example.com', 'nobody.example.com', 'a.onion']) {
    const { status, body } = await rename(handle)
    assert.deepEqual([status, body.error], [400, 'InvalidHandle'], handle)
  }
  for (const nonsense of ['10.0.0.1', 'x', 'a..b']) {
    const { status, body } = await rename(nonsense)
    assert.deepEqual([status, body.error], [400, 'InvalidRequest'], nonsense)
  }
  const { body } = await own.get('com.atproto.identity.resolveHandle', {
    handle: 'web.example.com',
  })
  assert.equal(body.did, bob.did)
  assert.equal(
    (await own.page('/.well-known/atproto-did', { host: 'web.example.com' })).body,
    bob.did,
  )
  await own.close()
})

test('updateHandle refuses what it cannot give', async () => {
  const cursor = (await host.events()).at(-1)!.seq
  const cases: [handle: string, error: string][] = [
    ['bob.test', 'HandleNotAvailable'],
    ['admin.test', 'HandleNotAvailable'],
    ['no.such.test', 'InvalidHandle'],
    ['far.example.com', 'InvalidHandle'],
  ]
  for (const [handle, error] of cases) {
    const { status, body } = await identity('updateHandle', { handle })
    assert.ok(status === 400 || status === 502, `${handle}: ${status}`)
    if (status === 400) assert.equal(body.error, error, handle)
  }
  assert.deepEqual(namesOf(alice), ['at://alice.test'])
  assert.deepEqual(await host.events(cursor), [])
})

test('a refused change leaves the name to others, an unknown one does not', async () => {
  const own = await TestHost.open()
  const dan = await own.signUp('dan')
  const rename = (handle: string) =>
    own.post('com.atproto.identity.updateHandle', { handle }, dan.accessJwt)
  own.plc.mood = 'refuses'
  assert.equal((await rename('daniel.test')).body.error, 'PlcRefused')
  own.plc.mood = 'well'
  const other = await own.signUp('daniel')
  assert.equal(other.handle, 'daniel.test')
  own.plc.mood = 'deaf'
  assert.equal((await rename('danny.test')).status, 502)
  own.plc.mood = 'well'
  const taken = await own.post('com.atproto.server.createAccount', {
    handle: 'danny.test',
    password: 'password',
  })
  assert.equal(taken.body.error, 'HandleNotAvailable', 'it may be his by now')
  // Later the directory is asked what became of it.
  const loop = own.loop('resume')
  await own.outside.advance(6 * 60_000)
  await own.until(async () => (await resolve('danny.test', own)).body.did === dan.did)
  await loop.stop()
  assert.deepEqual(
    (await own.events()).filter(({ type }) => type === '#identity').map(({ body }) => body.handle),
    ['dan.test', 'daniel.test', 'danny.test'],
  )
  await own.close()
})

test('a claim that came to nothing is given back', async () => {
  const own = await TestHost.open()
  const dan = await own.signUp('dan')
  own.plc.mood = 'down'
  const rename = (handle: string, person = dan) =>
    own.post('com.atproto.identity.updateHandle', { handle }, person.accessJwt)
  assert.equal((await rename('danny.test')).status, 502)
  own.plc.mood = 'well'
  const loop = own.loop('resume')
  await own.outside.advance(6 * 60_000)
  const eve = await own.signUp('eve')
  await own.until(async () => (await rename('danny.test', eve)).status === 200)
  await loop.stop()
  assert.deepEqual((await resolve('dan.test', own)).body, { did: dan.did })
  await own.close()
})

test('getRecommendedDidCredentials names this host, its key and the handle', async () => {
  const { body } = await host.get(
    'com.atproto.identity.getRecommendedDidCredentials',
    {},
    alice.accessJwt,
  )
  const state = plcState(host.plc.log(alice.did)[0]!.operation)
  assert.deepEqual(body, state)
})

test('signPlcOperation asks for a mailed code, and signs what follows the newest', async () => {
  const sign = (input: object) => identity('signPlcOperation', input)
  assert.equal((await sign({})).body.error, 'InvalidRequest')
  await identity('requestPlcOperationSignature')
  const token = await host.mailedCode(alice)
  assert.equal((await sign({ token: 'AAAAA-BBBBB' })).body.error, 'InvalidToken')
  const alsoKnownAs = ['at://alice.test', 'https://alice.example']
  const { body } = await sign({ token, alsoKnownAs })
  assert.deepEqual(body.operation.alsoKnownAs, alsoKnownAs)
  assert.deepEqual(namesOf(alice), ['at://alice.test'], 'signed is not submitted')
  assert.equal((await sign({ token })).body.error, 'InvalidToken', 'a code signs once')
  const cursor = (await host.events()).at(-1)!.seq
  assert.equal((await identity('submitPlcOperation', body)).status, 200)
  assert.deepEqual(namesOf(alice), alsoKnownAs)
  assert.deepEqual(
    (await host.events(cursor)).map(({ type }) => type),
    ['#identity'],
  )
})

test('submitPlcOperation keeps an account within this host’s reach', async () => {
  await identity('requestPlcOperationSignature')
  const token = await host.mailedCode(alice)
  const { operation } = (await identity('signPlcOperation', { token })).body as {
    operation: PlcOperation
  }
  const foreign = (await host.signingKey(alice.did))!.didKey
  const changes: Partial<PlcOperation>[] = [
    { rotationKeys: [foreign] },
    { services: {} },
    {
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://b.test' },
      },
    },
    { services: { atproto_pds: { type: 'Other', endpoint: host.url } } },
    { verificationMethods: { atproto: operation.rotationKeys[0]! } },
    { alsoKnownAs: ['at://other.test'] },
  ]
  const logged = host.plc.log(alice.did).length
  for (const change of changes) {
    const { status } = await identity('submitPlcOperation', {
      operation: { ...operation, ...change },
    })
    assert.equal(status, 400, JSON.stringify(change))
  }
  for (const nonsense of [null, 'text', [], { rotationKeys: 7 }, { services: 'x' }]) {
    const { status } = await identity('submitPlcOperation', { operation: nonsense })
    assert.equal(status, 400, JSON.stringify(nonsense))
  }
  assert.equal(host.plc.log(alice.did).length, logged)
})

test('an account without an address cannot be sent a code', async () => {
  const { body } = await host.post('com.atproto.server.createAccount', {
    handle: 'nomail.test',
    password: 'password',
  })
  const answer = await host.post(
    'com.atproto.identity.requestPlcOperationSignature',
    undefined,
    body.accessJwt,
  )
  assert.equal(answer.body.error, 'InvalidRequest')
})

/** An identity that ended at the directory. */
async function tombstoned(on: TestHost): Promise<Person> {
  const person = await on.signUp('gone')
  const key = on.forgedKey
  await on.post('com.atproto.identity.requestPlcOperationSignature', undefined, person.accessJwt)
  const token = await on.mailedCode(person)
  const rotationKeys = [key.publicKey.didKey]
  const signed = await on.post(
    'com.atproto.identity.signPlcOperation',
    { token, rotationKeys },
    person.accessJwt,
  )
  on.plc.submit(person.did, signed.body.operation)
  const prev = plcOperationCid(on.plc.log(person.did).at(-1)!.operation)
  on.plc.submit(person.did, signPlcOperation({ type: 'plc_tombstone', prev }, key))
  return person
}

test('identities are resolved in both directions, and each way to fail has its name', async () => {
  const far = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' as const
  const own = await TestHost.open({
    fetch: async (url) => {
      if (String(url) === 'https://alias.example.com/.well-known/atproto-did') {
        return new Response(bob.did)
      }
      if (String(url) === 'https://web.example.com/.well-known/did.json') {
        const alsoKnownAs = ['at://bob.test']
        return Response.json({ id: 'did:web:web.example.com', alsoKnownAs })
      }
      return new Response('', { status: 404 })
    },
  })
  const bob = await own.signUp('bob')
  const gone = await tombstoned(own)
  const ask = (method: string, params: object) =>
    own.get(`com.atproto.identity.${method}`, { ...params })
  const whole = { did: bob.did, handle: 'bob.test' }
  const cases: [name: string, method: string, params: object, expected: object][] = [
    ['a DID of ours', 'resolveDid', { did: bob.did }, { didDoc: { id: bob.did } }],
    ['a DID nobody has', 'resolveDid', { did: far }, { error: 'DidNotFound' }],
    ['a DID that ended', 'resolveDid', { did: gone.did }, { error: 'DidDeactivated' }],
    ['a method without authority', 'resolveDid', { did: 'did:key:zQ3' }, { error: 'DidNotFound' }],
    ['a DID as identity', 'resolveIdentity', { identifier: bob.did }, whole],
    ['a handle as identity', 'resolveIdentity', { identifier: 'bob.test' }, whole],
    [
      'a handle nobody has',
      'resolveIdentity',
      { identifier: 'no.test' },
      { error: 'HandleNotFound' },
    ],
    [
      'an identity that ended',
      'resolveIdentity',
      { identifier: gone.did },
      { error: 'DidDeactivated' },
    ],
    ['an identity nobody has', 'resolveIdentity', { identifier: far }, { error: 'DidNotFound' }],
    [
      'a handle its DID does not claim',
      'resolveIdentity',
      { identifier: 'alias.example.com' },
      whole,
    ],
    [
      'a handle somebody else has',
      'resolveIdentity',
      { identifier: 'did:web:web.example.com' },
      { did: 'did:web:web.example.com', handle: 'handle.invalid' },
    ],
  ]
  for (const [name, method, params, expected] of cases) {
    const { body, status } = await ask(method, params)
    assert.equal(status, 'error' in expected ? 400 : 200, `${name}: ${JSON.stringify(body)}`)
    assert.partialDeepStrictEqual(body, expected, name)
  }
  own.plc.mood = 'down'
  const { status, body } = await ask('resolveDid', { did: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb' })
  assert.deepEqual([status, body.error], [502, 'UpstreamFailure'], 'nobody could say')
  await own.close()
})

test('refreshIdentity asks anew what is remembered otherwise', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  const params = { identifier: bob.did }
  const documents = () => own.plc.asked.filter((line) => line === `GET /${bob.did}`).length
  await own.get('com.atproto.identity.resolveIdentity', params)
  const asked = documents()
  await own.get('com.atproto.identity.resolveIdentity', params)
  assert.equal(documents(), asked)
  const refresh = (token?: string) =>
    own.post('com.atproto.identity.refreshIdentity', params, token)
  assert.equal((await refresh()).status, 401)
  const { body } = await refresh(bob.accessJwt)
  assert.deepEqual([body.did, body.handle], [bob.did, 'bob.test'])
  assert.equal(documents(), asked + 1)
  await own.close()
})

test('nothing malformed gets a signature', async () => {
  const wishes = [{ services: 'x' }, { services: { atproto_pds: 7 } }, { verificationMethods: [1] }]
  for (const wish of wishes) {
    await identity('requestPlcOperationSignature')
    const token = await host.mailedCode(alice)
    const { status } = await identity('signPlcOperation', { token, ...wish })
    assert.equal(status, 400, JSON.stringify(wish))
  }
})
