/** An account whose identity is a domain of its own, which no host writes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signServiceAuth } from '#protocol/auth'
import { generateKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const did = 'did:web:person.example.com' as Did
const key = generateKey('k256')
/** What the person's web site says of them. */
const site = {
  handle: 'person.example.com',
  signingKey: key.publicKey.didKey,
  pds: 'https://old.example',
}

let host: TestHost
let person: Person

function page(url: string): Response {
  if (url === 'https://person.example.com/.well-known/atproto-did') return new Response(did)
  if (url !== 'https://person.example.com/.well-known/did.json') {
    return new Response('', { status: 404 })
  }
  const multikey = {
    id: `${did}#atproto`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: site.signingKey.slice('did:key:'.length),
  }
  const pds = { id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: site.pds }
  return Response.json({
    id: did,
    alsoKnownAs: [`at://${site.handle}`],
    verificationMethod: [multikey],
    service: [pds],
  })
}

before(async () => {
  host = await TestHost.open({ fetch: async (url) => page(String(url)) })
})
after(() => host.close())

const call = (method: string, input?: object) =>
  host.post(`com.atproto.${method}`, input, person.accessJwt)

test('moves in by its own key, and is active when its document names this host', async () => {
  const token = signServiceAuth({
    iss: did,
    aud: host.service.did,
    lxm: 'com.atproto.server.createAccount',
    nowMs: host.outside.now(),
    jti: 'x',
    key,
  })
  const input = { handle: site.handle, did, password: 'password', email: 'p@mail.example' }
  const made = await host.post('com.atproto.server.createAccount', input, token)
  assert.equal(made.status, 200, JSON.stringify(made.body))
  person = made.body
  assert.match((await call('server.activateAccount')).body.message, /old\.example/)
  const recommended = await host.get(
    'com.atproto.identity.getRecommendedDidCredentials',
    {},
    person.accessJwt,
  )
  assert.equal(recommended.body.rotationKeys, undefined, 'a domain has none')
  site.pds = recommended.body.services.atproto_pds.endpoint
  site.signingKey = recommended.body.verificationMethods.atproto
  assert.equal((await call('server.activateAccount')).status, 200)
  assert.equal((await host.write(person, 'from a domain of my own')).status, 200)
})

test('takes another handle only when its document names it already', async () => {
  const cursor = (await host.events()).at(-1)!.seq
  const rename = () => call('identity.updateHandle', { handle: 'person.test' })
  const { status, body } = await rename()
  assert.deepEqual([status, body.error], [400, 'InvalidRequest'])
  assert.match(body.message, /at:\/\/person\.test/)
  const byAdmin = await host.call('POST', 'com.atproto.admin.updateAccountHandle', {
    input: { did, handle: 'person.test' },
    headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
  })
  assert.equal(byAdmin.body.error, 'InvalidRequest')
  assert.deepEqual(await host.events(cursor), [])
  const other = await host.signUp('another')
  assert.equal(other.handle, 'another.test')

  site.handle = 'person.test'
  assert.equal((await rename()).status, 200)
  const told = (await host.events(cursor)).filter((event) => event.did === did)
  assert.deepEqual(
    told.map(({ type, body }) => [type, body.handle]),
    [['#identity', 'person.test']],
  )
  const { body: found } = await host.get('com.atproto.identity.resolveHandle', {
    handle: 'person.test',
  })
  assert.equal(found.did, did)
})
