/** An account whose identity is a domain of its owner moves between two hosts, each a process of its own. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { signServiceAuth } from '#protocol/auth'
import { generateKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { type Mover, MovingNetwork } from '../moving.test-support.ts'
import type { ServerProcess } from '../rig.ts'

interface Credentials {
  alsoKnownAs?: string[]
  verificationMethods: { atproto: string }
  services: { atproto_pds: { type: string; endpoint: string } }
}

describe('an account on a domain of its owner', () => {
  const network = new MovingNetwork()
  const ownKey = generateKey('k256')
  let domain: Server
  let did: Did
  let document: Record<string, unknown>
  let nour: Mover

  /** What its owner writes into the document: what a host asks for, and nothing of the rest changes. */
  function publish({ alsoKnownAs, verificationMethods, services }: Credentials) {
    const publicKeyMultibase = verificationMethods.atproto.slice('did:key:'.length)
    document = {
      ...document,
      ...(alsoKnownAs && { alsoKnownAs }),
      verificationMethod: [
        { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase },
      ],
      service: [
        {
          id: '#atproto_pds',
          type: services.atproto_pds.type,
          serviceEndpoint: services.atproto_pds.endpoint,
        },
      ],
    }
  }
  const pdsNamed = () => (document.service as { serviceEndpoint: string }[])[0]!.serviceEndpoint

  before(async () => {
    await network.start()
    domain = createServer(({ url }, response) => {
      response.writeHead(url === '/.well-known/did.json' ? 200 : 404, {
        'content-type': 'application/json',
      })
      response.end(JSON.stringify(document))
    }).listen(0, '127.0.0.1')
    await once(domain, 'listening')
    did = `did:web:localhost%3A${(domain.address() as AddressInfo).port}`
    document = { '@context': ['https://www.w3.org/ns/did/v1'], id: did, kept: 'as it was' }
    publish({
      alsoKnownAs: ['at://nour.test'],
      verificationMethods: { atproto: ownKey.publicKey.didKey },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: network.old.url } },
    })
  })
  after(async () => {
    domain?.close()
    await network.stop()
  })

  const get = async (host: ServerProcess, nsid: string, token?: string) =>
    (await network.call(host, nsid, token === undefined ? {} : { token })).body

  test('is made for a token of its own key, and opens once the document names the host', async () => {
    const { did: aud } = await get(network.old, 'com.atproto.server.describeServer')
    const lxm = 'com.atproto.server.createAccount'
    const claims = { iss: did, aud, lxm, nowMs: Date.now(), jti: 'once' }
    const token = signServiceAuth({ ...claims, key: ownKey })
    const password = 'password of nour'
    const input = { did, handle: 'nour.test', email: 'nour@mail.example', password }
    const made = await network.call(network.old, lxm, { token, input })
    assert.equal(made.status, 200, JSON.stringify(made.body))
    nour = { ...made.body, password }
    const activate = () =>
      fetch(`${network.old.url}/xrpc/com.atproto.server.activateAccount`, {
        method: 'POST',
        headers: { authorization: `Bearer ${nour.accessJwt}` },
      })
    assert.notEqual((await activate()).status, 200, 'its own key still signs')
    const nsid = 'com.atproto.identity.getRecommendedDidCredentials'
    publish(await get(network.old, nsid, nour.accessJwt))
    const opened = await activate()
    assert.equal(opened.status, 200, await opened.text())
    for (let i = 0; i < 7; i++)
      await network.owner(nour, 'com.atproto.repo.createRecord', {
        repo: did,
        collection: 'com.example.note',
        record: { text: `note ${i}` },
      })
    await network.picture(nour, 1, 9_000)
  })

  test('moves when the document names the new host, and not before', async () => {
    const token = await network.begin(nour)
    const asked = await network.watch(token, ({ needs }) => needs === 'document')
    assert.equal(asked.state, 'waiting', JSON.stringify(asked))
    assert.equal(pdsNamed(), network.old.url, 'no host writes it')
    const status = await get(network.old, 'com.atproto.server.checkAccountStatus', nour.accessJwt)
    assert.equal(status.activated, true, 'it lives on where it is')
    publish(asked.wanted as unknown as Credentials)
    const moved = await network.watch(token, ({ state }) => state === 'done', 120_000)
    assert.equal(moved.state, 'done', JSON.stringify(moved))
    const { receipt } = moved
    assert.deepEqual([receipt!.records, receipt!.blobs, receipt!.sameRoot], [8, 1, true])
    assert.deepEqual(receipt!.missingBlobs, [])
  })

  test('is at home there alone, under the same DID and name', async () => {
    assert.equal(document.kept, 'as it was')
    assert.equal(pdsNamed(), network.new.url)
    const at = `com.atproto.sync.getRepoStatus?did=${encodeURIComponent(did)}`
    assert.equal((await get(network.new, at)).active, true)
    assert.equal((await get(network.old, at)).active, false)
    const session = { identifier: did, password: nour.password }
    const nsid = 'com.atproto.server.createSession'
    const { status, body } = await network.call(network.new, nsid, { input: session })
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.handle, 'nour.test')
    const input = {
      repo: did,
      collection: 'com.example.note',
      record: { text: 'from the new one' },
    }
    const written = await network.call(network.new, 'com.atproto.repo.createRecord', {
      token: body.accessJwt,
      input,
    })
    assert.equal(written.status, 200)
  })
})
