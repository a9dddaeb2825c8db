/** Identities that are names under this host. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { identityOf, parseDidDocument } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let nour: Person
const did = 'did:web:nour.host.example' as Did

before(async () => {
  host = await TestHost.open({ config: { hostedDids: true, handleDomains: ['.host.example'] } })
  nour = await host.signUp('nour', { did })
})
after(() => host.close())

const documentOf = async (name: string) => {
  const { status, body } = await host.page('/.well-known/did.json', { host: name })
  return status === 200 ? identityOf(parseDidDocument(body)) : undefined
}
const create = (name: string, extra: object, on = host) =>
  on.post('com.atproto.server.createAccount', {
    handle: `${name}.host.example`,
    email: `${name}@mail.example`,
    password: 'a long password',
    ...extra,
  })
const code = async (person: Person) => {
  const nsid = 'com.atproto.identity.requestPlcOperationSignature'
  await host.post(nsid, undefined, person.accessJwt)
  return host.mailedCode(person)
}

test('who signs up with one is active at once, and no directory is asked', async () => {
  assert.equal(nour.did, did)
  assert.ok(host.plc.asked.every((asked) => !asked.includes('did:web')))
  assert.equal((await host.write(nour, 'under a name of my own')).status, 200)
  const types = (await host.events()).filter((event) => event.did === did).map(({ type }) => type)
  assert.deepEqual(types, ['#identity', '#account', '#commit', '#commit'])
})

test('its document is served at its name, and names handle, key and host', async () => {
  const identity = (await documentOf('Nour.host.example'))!
  assert.deepEqual(
    [identity.did, identity.handle, identity.pds],
    [did, 'nour.host.example', host.url],
  )
  assert.equal(identity.signingKey, (await host.leakedKey(did)).publicKey.didKey)
  assert.equal(await documentOf('nobody.host.example'), undefined)
  const { body } = await host.page('/.well-known/atproto-did', { host: 'nour.host.example' })
  assert.equal(body, did)
})

test('it is resolved in both directions, and may have another handle', async () => {
  const resolve = async () =>
    (await host.get('com.atproto.identity.resolveIdentity', { identifier: did })).body.handle
  assert.equal(await resolve(), 'nour.host.example')
  const { status } = await host.post(
    'com.atproto.identity.updateHandle',
    { handle: 'noor.host.example' },
    nour.accessJwt,
  )
  assert.equal(status, 200)
  assert.equal(await resolve(), 'noor.host.example')
  assert.equal((await documentOf('nour.host.example'))!.handle, 'noor.host.example')
})

test('what it recommends has no rotation keys: a domain has none', async () => {
  const nsid = 'com.atproto.identity.getRecommendedDidCredentials'
  const { body } = await host.get(nsid, {}, nour.accessJwt)
  assert.deepEqual(Object.keys(body).toSorted(), ['alsoKnownAs', 'services', 'verificationMethods'])
})

describe('its owner', () => {
  const change = (input: object, person = nour) =>
    host.post('app.falaj.identity.changeDocument', input, person.accessJwt)
  const services = {
    atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://new.example' },
  }

  test('changes the document for a code only, and to what can be in one', async () => {
    const refused = await change({ token: 'AAAAA-AAAAA', services })
    assert.equal(refused.body.error, 'InvalidToken')
    const broken = await change({ token: await code(nour), verificationMethods: { atproto: 'x' } })
    assert.equal(broken.status, 400)
    assert.equal((await documentOf('nour.host.example'))!.pds, host.url)
    const other = await host.signUp('plain')
    const elsewhere = await change({ token: 'AAAAA-AAAAA' }, other)
    assert.equal(elsewhere.body.error, 'NotHosted')
  })

  test('moves away by naming the new host, and comes back by naming this one again', async () => {
    const key = generateKey('k256')
    const there = { services, verificationMethods: { atproto: key.publicKey.didKey } }
    const here = (
      await host.get('com.atproto.identity.getRecommendedDidCredentials', {}, nour.accessJwt)
    ).body
    const cursor = (await host.events()).at(-1)!.seq
    assert.equal((await change({ token: await code(nour), ...there })).status, 200)
    assert.deepEqual(
      (await host.events(cursor)).map(({ type }) => type),
      ['#identity'],
    )
    await host.post('com.atproto.server.deactivateAccount', {}, nour.accessJwt)
    const moved = (await documentOf('nour.host.example'))!
    assert.deepEqual([moved.pds, moved.signingKey], ['https://new.example', key.publicKey.didKey])
    const activate = () =>
      host.post('com.atproto.server.activateAccount', undefined, nour.accessJwt)
    assert.match((await activate()).body.message, /new\.example/)
    assert.equal((await change({ token: await code(nour), ...here })).status, 200)
    assert.equal((await activate()).status, 200)
    assert.equal((await documentOf('nour.host.example'))!.pds, host.url)
    assert.equal((await host.write(nour, 'back again')).status, 200)
  })
})

test('a name that was somebody’s is nobody else’s, whether they left it or ended it', async () => {
  const gone = await host.signUp('gone', { did: 'did:web:gone.host.example' })
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const deleted = await host.call('POST', 'com.atproto.admin.deleteAccount', {
    input: { did: gone.did },
    headers,
  })
  assert.equal(deleted.status, 200)
  assert.equal(await documentOf('gone.host.example'), undefined)
  for (const name of ['gone', 'nour']) {
    const again = await create(name, {
      did: `did:web:${name}.host.example`,
      email: 'x@mail.example',
    })
    assert.deepEqual([again.status, again.body.error], [400, 'HandleNotAvailable'], name)
  }
})

test('only the name’s own DID is given, only where the operator allows it', async () => {
  for (const other of ['did:web:other.host.example', 'did:web:host.example', 'did:web:a.example'])
    assert.equal((await create('huda', { did: other })).status, 401, other)
  const closed = await TestHost.open({ config: { handleDomains: ['.host.example'] } })
  assert.equal((await create('huda', { did: 'did:web:huda.host.example' }, closed)).status, 401)
  await closed.close()
})
