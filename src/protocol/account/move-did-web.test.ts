/** An account whose identity is a domain changes host: its document is the switch. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { cidForRaw, generateKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { type PlcCredentials, parseDidDocument } from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import { FakeHosts, FROM, ok, refused, repoOf, TO } from './fake-hosts.test-support.ts'
import { type MoveDeps, move, planMove } from './move.ts'
import type { MoveReceipt, MoveState } from './move-state.ts'
import { preflight } from './preflight.ts'
import { resumeSession } from './session.ts'

const did = 'did:web:alice.example' as Did
const ns = (name: string) => `com.atproto.${name}`
const newKey = generateKey('k256')
const ANY = cidText(cidForRaw(new Uint8Array([1])))

let hosts: FakeHosts
let copied: Uint8Array | undefined
/** What the document says, and what its owner was asked to write. */
let says: { pds: string; key: string }
let askedFor: PlcCredentials[]
let domains: string[]

beforeEach(() => {
  hosts = new FakeHosts()
  copied = undefined
  askedFor = []
  domains = []
  says = { pds: FROM, key: hosts.key.publicKey.didKey }
  const { car } = repoOf(did, hosts.key, 5)
  const head = {
    activated: true,
    validDid: true,
    repoCommit: ANY,
    repoRev: '3l3qo2vutsw2b',
    repoBlocks: 1,
  }
  const status = {
    ...head,
    indexedRecords: 5,
    privateStateValues: 0,
    expectedBlobs: 0,
    importedBlobs: 0,
  }
  const session = { did, handle: 'alice.example', accessJwt: 'a', refreshJwt: 'r' }
  hosts.on(FROM, ns('server.describeServer'), () =>
    ok({ did: 'did:web:from.example', availableUserDomains: domains, inviteCodeRequired: false }),
  )
  hosts.on(FROM, ns('server.getServiceAuth'), () => ok({ token: 'grant' }))
  hosts.on(FROM, ns('server.checkAccountStatus'), () => ok(status))
  hosts.on(FROM, ns('sync.getRepo'), () => ({ bytes: car }))
  hosts.on(FROM, 'app.bsky.actor.getPreferences', () => ok({ preferences: [] }))
  hosts.on(FROM, 'app.falaj.move.freeze', () => ok({ rev: '3l3qo2vutsw2b' }))
  hosts.on(FROM, 'app.falaj.account.confirmPassword', () => ok({ code: 'ABCDE-FGHIJ' }))
  hosts.on(FROM, ns('server.deactivateAccount'), () => ({}))
  hosts.on(TO, ns('server.describeServer'), () =>
    ok({ did: 'did:web:to.example', availableUserDomains: [], inviteCodeRequired: false }),
  )
  hosts.on(TO, ns('server.createAccount'), () => ok(session))
  hosts.on(TO, ns('repo.importRepo'), () => {
    copied = car
    return {}
  })
  hosts.on(TO, ns('sync.getRepo'), () =>
    copied ? { bytes: copied } : refused(400, 'RepoNotFound'),
  )
  hosts.on(TO, ns('repo.listMissingBlobs'), () => ok({ blobs: [] }))
  hosts.on(TO, ns('server.checkAccountStatus'), () => ok(status))
  hosts.on(TO, 'app.bsky.actor.putPreferences', () => ({}))
  hosts.on(TO, 'app.bsky.actor.getPreferences', () => ok({ preferences: [] }))
  hosts.on(TO, ns('identity.getRecommendedDidCredentials'), () =>
    ok({
      alsoKnownAs: ['at://alice.example'],
      verificationMethods: { atproto: newKey.publicKey.didKey },
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: TO } },
    }),
  )
  hosts.on(TO, ns('server.activateAccount'), () => ({}))
})

const owner = () =>
  resumeSession(
    { service: FROM, did, handle: 'alice.example' as Handle, accessJwt: 'a', refreshJwt: 'r' },
    { fetch: hosts.fetch },
  )
const check = (canChangeDocument: boolean) =>
  preflight({
    source: owner(),
    destination: TO,
    plc: hosts.plc,
    fetch: hosts.fetch,
    canChangeDocument,
  })

const document = async () =>
  parseDidDocument({
    id: did,
    alsoKnownAs: ['at://alice.example'],
    verificationMethod: [
      { id: '#atproto', type: 'Multikey', controller: did, publicKeyMultibase: says.key.slice(8) },
    ],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: says.pds }],
  })

const deps: MoveDeps = {
  fetch: (url, init) => hosts.fetch(url, init),
  plc: new FakeHosts().plc,
  now: () => 1_700_000_100_000,
  save: () => {},
  password: 'password',
  askCode: () => Promise.reject(new Error('nobody is asked')),
  document,
  async askDocument(wanted) {
    askedFor.push(wanted)
    says = { pds: TO, key: newKey.publicKey.didKey }
  },
  streamUploads: false,
}

async function run(state: MoveState, more: Partial<MoveDeps> = {}): Promise<MoveReceipt> {
  const moving = move(state, { ...deps, ...more })
  for (;;) {
    const next = await moving.next()
    if (next.done) return next.value
  }
}
const begin = async () => planMove(owner(), await check(true), 1_700_000_000_000)

describe('a move of a did:web', () => {
  test('is possible where its owner can be asked, and nowhere else', async () => {
    assert.deepEqual((await check(false)).obstacles, ['identity-not-plc'])
    assert.deepEqual((await check(true)).obstacles, [])
  })

  test('asks the owner to write the new host into their document, and asks no directory', async () => {
    const receipt = await run(await begin())
    assert.equal(askedFor.length, 1)
    assert.equal(askedFor[0]!.services!.atproto_pds!.endpoint, TO)
    assert.equal(askedFor[0]!.verificationMethods!.atproto, newKey.publicKey.didKey)
    assert.deepEqual([receipt.sameRoot, receipt.operation], [true, undefined])
    const order = hosts.asked.map(({ nsid }) => nsid)
    assert.ok(order.indexOf('app.falaj.move.freeze') < order.indexOf(ns('server.activateAccount')))
    assert.ok(!order.some((nsid) => nsid.includes('PlcOperation')))
  })

  test('stops before the switch when the document does not say so yet, and goes on later', async () => {
    const state = await begin()
    const early = { askDocument: async () => void (says = { ...says, pds: TO }) }
    await assert.rejects(run(state, early), { code: 'CannotMove' })
    assert.equal(state.step, 'switch')
    assert.equal(hosts.count(TO, ns('server.activateAccount')), 0)
    assert.equal(hosts.count(FROM, 'app.falaj.move.freeze'), 0)
    assert.equal((await run(state)).sameRoot, true)
  })

  test('is done by the old host where the identity is a name under it', async () => {
    domains = ['.example']
    hosts.on(FROM, 'app.falaj.identity.changeDocument', ({ input }) => {
      const { token, services } = input as { token: string; services: PlcCredentials['services'] }
      assert.equal(token, 'ABCDE-FGHIJ')
      says = { pds: services!.atproto_pds!.endpoint, key: newKey.publicKey.didKey }
      return {}
    })
    assert.equal((await run(await begin())).sameRoot, true)
    assert.deepEqual(askedFor, [])
  })
})
