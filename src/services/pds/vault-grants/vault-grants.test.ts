import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import { signServiceAuth } from '#protocol/auth'
import { generateKey, type SigningKey } from '#protocol/crypto'
import { plcDid, signPlcOperation } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { Browser, plainText } from '../pages/browser.test-support.ts'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const EXPORT = 'app.falaj.account.exportPrivate'
const PREFERENCES = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }]
const URLS = { 'https://vault.test': 'vault', 'https://house.test': 'house' } as const

let host: TestHost
let alice: Person
const vaults: Record<string, { did: Did; key: SigningKey }> = {}
/** Who was told of a change, by whose word. */
const told: string[] = []

before(async () => {
  const outside = testOutside({ seed: 21 })
  const plc = new FakePlc()
  const fetch: typeof outside.fetch = async (target, init) => {
    const url = new URL(String(target))
    const name = URLS[url.origin as keyof typeof URLS]
    if (!name) throw new TypeError('no such host')
    if (url.pathname.endsWith('.describe')) {
      const did = vaults[name]!.did
      return Response.json({ did, openVault: true, windowDays: 30 })
    }
    const { iss } = claimsOf(new Headers((init as RequestInit)?.headers).get('authorization')!)
    told.push(`${name} ${url.pathname.split('.').at(-1)} ${iss}`)
    return new Response(null)
  }
  host = await TestHost.open({
    plc,
    outside,
    fetch,
    config: { privateVaults: ['https://house.test'] },
  })
  alice = await host.signUp('alice')
  for (const name of ['vault', 'house', 'stranger']) {
    const key = generateKey('k256')
    const { didKey } = key.publicKey
    const genesis = signPlcOperation(
      {
        ...{ type: 'plc_operation', rotationKeys: [didKey], alsoKnownAs: [], services: {} },
        ...{ verificationMethods: { atproto: didKey }, prev: null },
      },
      key,
    )
    vaults[name] = { did: plcDid(genesis), key }
    plc.submit(plcDid(genesis), genesis)
  }
})
after(() => host.close())

const claimsOf = (authorization: string) =>
  JSON.parse(Buffer.from(authorization.split('.')[1]!, 'base64url').toString())

const read = (name: string, did: string, key = vaults[name]!.key) => {
  const token = signServiceAuth({
    ...{ iss: vaults[name]!.did, aud: host.service.did, lxm: EXPORT, key },
    ...{ nowMs: host.outside.now(), jti: crypto.randomUUID() },
  })
  const headers = { authorization: `Bearer ${token}` }
  return host.call('GET', EXPORT, { params: { did }, headers })
}

test('nobody’s private state is read by a vault that neither its owner nor the operator lets', async () => {
  await host.post('app.bsky.actor.putPreferences', { preferences: PREFERENCES }, alice.accessJwt)
  const { status, body } = await read('stranger', alice.did)
  assert.deepEqual([status, body.error], [401, 'UntrustedIss'])
  const forged = await read('house', alice.did, generateKey('k256'))
  assert.equal(forged.body.error, 'BadJwtSignature')
  const ours = await read('house', alice.did)
  assert.deepEqual(ours.body.preferences, PREFERENCES)
  assert.deepEqual(Object.keys(ours.body).sort(), [
    ...['appPasswords', 'did', 'host', 'preferences', 'takenAt'],
  ])
})

test('a vault that the owner lets reads that owner’s and no other’s, until it is taken back', async () => {
  const bob = await host.signUp('bob')
  const browser = new Browser(host, { 'accept-language': 'en' })
  await browser.signIn(alice, '/account/sign-in?return=/account/vaults')
  assert.match(plainText(browser.seen!.text), /house.test .*the operator/s)
  await browser.send('name="vault"', { vault: 'nowhere.test' })
  assert.match(plainText(browser.seen!.text), /no vault answers there/)
  await browser.send('name="vault"', { vault: 'vault.test' })
  assert.match(plainText(browser.seen!.text), /vault.test/)
  assert.equal((await read('vault', alice.did)).status, 200)
  assert.equal((await read('vault', bob.did)).body.error, 'NotGranted')
  const { body } = await host.get('app.falaj.account.listVaults', {}, alice.accessJwt)
  assert.deepEqual(
    body.vaults.map(({ url }: { url: string }) => url),
    ['https://vault.test', 'https://house.test'],
  )
  await browser.send('name="stop"', { stop: vaults.vault!.did })
  assert.match(plainText(browser.seen!.text), /Taken back/)
  assert.equal((await read('vault', alice.did)).body.error, 'UntrustedIss')
})

test('who may read is told of changes in the account’s own name, once for many', async () => {
  const stop = new AbortController()
  const running = host.service.loops.find(({ name }) => name === 'vault-notes')!.run(stop.signal)
  await until(() => told.length > 0, 'those of before')
  told.length = 0
  const change = async (enabled: boolean) =>
    host.post(
      'app.bsky.actor.putPreferences',
      { preferences: [{ ...PREFERENCES[0]!, enabled }] },
      alice.accessJwt,
    )
  await change(true)
  await change(false)
  await until(() => told.length > 0, 'a note')
  stop.abort()
  await running
  assert.deepEqual(told, [`house noteChange ${alice.did}`])
})

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (isTrue()) return
    await host.outside.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail(`${what}: never came`)
}
