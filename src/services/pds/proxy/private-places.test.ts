/** What others write into handles and documents never makes this host call on places that are private. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { guardedFetch } from '#platform/runtime'
import { generateKey } from '#protocol/crypto'
import { plcDid, signPlcOperation } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let secret: Server
let port: number
let visits = 0
let host: TestHost
let alice: Person
const { fetch, close } = guardedFetch()

before(async () => {
  secret = createServer((_request, response) => {
    visits++
    response.end('secret')
  })
  await new Promise<void>((resolve) => secret.listen(0, resolve))
  port = (secret.address() as AddressInfo).port
  host = await TestHost.open({ fetch })
  alice = await host.signUp('alice')
})
after(async () => {
  await host.close()
  await close()
  secret.close()
})

/** Names of this machine and of private networks, plain and in disguise. */
const places = () =>
  ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '0x7f.1', 'localhost']
    .map((name) => `${name}:${port}`)
    .concat('169.254.169.254', '10.0.0.1', '[fd00::1]')

/** An identity whose services are wherever it says. */
function identityAt(endpoint: string): Did {
  const key = generateKey('k256')
  const service = (type: string) => ({ type, endpoint })
  const genesis = signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: [key.publicKey.didKey],
      verificationMethods: { atproto: key.publicKey.didKey },
      alsoKnownAs: [],
      services: { atproto_pds: service('AtprotoPersonalDataServer'), thing: service('Thing') },
      prev: null,
    },
    key,
  )
  const did = plcDid(genesis)
  host.plc.submit(did, genesis)
  return did
}

test('calls are not passed on to private places', async () => {
  for (const place of places()) {
    for (const scheme of ['https', 'http']) {
      const did = identityAt(`${scheme}://${place}`)
      const headers = { 'atproto-proxy': `${did}#thing` }
      const { status, body } = await host.call('GET', 'com.example.anything', {
        headers,
        token: alice.accessJwt,
      })
      assert.ok(status === 502 || status === 400, `${scheme} ${place}: ${status}`)
      assert.match(body.error, /^(UpstreamFailure|InvalidRequest)$/, place)
    }
  }
  assert.equal(visits, 0)
})

test('a feed whose maker’s host is private is not asked for', async () => {
  const own = await TestHost.open({
    fetch,
    plc: host.plc,
    seed: 5,
    appview: { url: 'https://view.example', did: 'did:web:view.example' },
  })
  const bob = await own.signUp('bob')
  for (const place of places()) {
    const feed = `at://${identityAt(`https://${place}`)}/app.bsky.feed.generator/x`
    const { status, body } = await own.get('app.bsky.feed.getFeed', { feed }, bob.accessJwt)
    assert.ok(status === 502 || status === 400, `${place}: ${status} ${JSON.stringify(body)}`)
  }
  assert.equal(visits, 0)
  await own.close()
})

test('handles and did:web do not lead to private places', async () => {
  const names = ['localhost', `localhost%3A${port}`, '127.0.0.1', `127.0.0.1%3A${port}`, '10.0.0.1']
  for (const name of names) {
    const { status } = await host.get('com.atproto.identity.resolveDid', { did: `did:web:${name}` })
    assert.equal(status, 400, name)
    const handle = name.split('%')[0]!
    const found = await host.get('com.atproto.identity.resolveHandle', { handle })
    assert.equal(found.status, 400, name)
    const proxied = await host.call('GET', 'com.example.anything', {
      headers: { 'atproto-proxy': `did:web:${name}#thing` },
      token: alice.accessJwt,
    })
    assert.equal(proxied.status, 400, name)
  }
  assert.equal(visits, 0)
})
