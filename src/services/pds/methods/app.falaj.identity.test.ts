/** Keys that people hold to their own names, as a host puts them into identities and shows them. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { generateKey, type SigningKey } from '#protocol/crypto'
import {
  type PlcOperation,
  planPlcTakeover,
  plcState,
  proveKey,
  recoveryKey,
  signPlcOperation,
  type WrappedRecoveryKey,
} from '#protocol/identity'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let alice: Person
const key = recoveryKey(new Uint8Array(16).fill(3))
const { didKey } = key.publicKey

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
})
after(() => host.close())

const call = (method: string, input: object, person = alice, on = host): Promise<Answer> =>
  on.post(`app.falaj.identity.${method}`, input, person.accessJwt)
const health = async (person = alice, on = host) =>
  (await on.get('app.falaj.identity.getKeyHealth', {}, person.accessJwt)).body
const keysOf = (person = alice, on = host) =>
  plcState(on.plc.log(person.did).at(-1)!.operation)!.rotationKeys
async function code(person = alice, on = host): Promise<string> {
  const nsid = 'com.atproto.identity.requestPlcOperationSignature'
  await on.post(nsid, undefined, person.accessJwt)
  return on.mailedCode(person)
}
const holders = ({ keys }: { keys: { holder: string }[] }) => keys.map(({ holder }) => holder)

describe('a recovery key', () => {
  test('of nobody: the host alone can change the name', async () => {
    const found = await health()
    assert.equal(found.state, 'none')
    assert.deepEqual(holders(found), ['host'])
  })

  test('is put above the host’s for a mailed code, and everything else stays', async () => {
    const { rotationKeys, ...before } = plcState(host.plc.log(alice.did).at(-1)!.operation)!
    const { status, body } = await call('registerRecoveryKey', {
      key: didKey,
      label: 'a sheet in the drawer',
      token: await code(),
    })
    assert.equal(status, 200)
    assert.deepEqual(keysOf(), [didKey, ...rotationKeys])
    const { rotationKeys: _, ...now } = plcState(host.plc.log(alice.did).at(-1)!.operation)!
    assert.deepEqual(now, before)
    assert.equal(body.state, 'unchecked')
    assert.deepEqual(holders(body), ['owner', 'host'])
    assert.equal(body.keys[0].label, 'a sheet in the drawer')
  })

  test('is in order once its owner has shown that they can read it, and only by its signature', async () => {
    const nowMs = host.outside.now()
    const proof = proveKey(key, alice.did, nowMs)
    const other = proveKey(generateKey('k256'), alice.did, nowMs)
    const wrongs: [object, string][] = [
      [{ ...proof, signature: other.signature }, 'InvalidSignature'],
      [{ ...proof, signature: '*' }, 'InvalidSignature'],
      [proveKey(key, 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', nowMs), 'InvalidSignature'],
      [proveKey(key, alice.did, nowMs - 3_600_000), 'InvalidSignature'],
      [other, 'KeyNotFound'],
    ]
    for (const [input, error] of wrongs)
      assert.equal((await call('checkRecoveryKey', input)).body.error, error)
    assert.equal((await health()).state, 'unchecked')
    const { body } = await call('checkRecoveryKey', proof)
    assert.equal(body.state, 'good')
    assert.equal(body.keys[0].checkedAt, new Date(nowMs).toISOString())
  })

  test('may be kept as a passkey locked it, and nothing else', async () => {
    const wrapped: WrappedRecoveryKey = {
      version: 1,
      credentialId: 'Y3JlZA',
      salt: 'A'.repeat(43),
      nonce: 'A'.repeat(16),
      sealed: 'A'.repeat(43),
    }
    const kept = await call('keepWrappedKey', { key: didKey, wrapped })
    assert.deepEqual(kept.body.keys[0].wrapped, wrapped)
    for (const wrong of [{ ...wrapped, sealed: 'AAAA' }, { ...wrapped, version: 2 }, {}]) {
      const { status } = await call('keepWrappedKey', { key: didKey, wrapped: wrong })
      assert.equal(status, 400, JSON.stringify(wrong))
    }
    const stranger = generateKey('k256').publicKey.didKey
    const missing = await call('keepWrappedKey', { key: stranger, wrapped })
    assert.equal(missing.body.error, 'KeyNotFound')
    const forgotten = await call('keepWrappedKey', { key: didKey })
    assert.equal(forgotten.body.keys[0].wrapped, undefined)
  })

  test('is taken out again for another code; the host’s and a stranger’s are not', async () => {
    const remove = async (gone: string) =>
      call('removeRecoveryKey', { key: gone, token: await code() })
    const { body } = await remove(didKey)
    assert.equal(body.state, 'none')
    assert.deepEqual(holders(body), ['host'])
    assert.equal((await remove(keysOf()[0]!)).body.error, 'KeyNotFound')
    assert.equal((await remove(didKey)).body.error, 'KeyNotFound')
  })

  test('given at sign-up is known as the owner’s', async () => {
    const bob = await host.signUp('bob', { recoveryKey: didKey })
    const found = await health(bob)
    assert.equal(found.state, 'unchecked')
    assert.deepEqual(holders(found), ['owner', 'host'])
  })
})

describe('what must not be', () => {
  test('no code, a wrong one, a used one: the identity stays as it is', async () => {
    const register = (token: string) => call('registerRecoveryKey', { key: didKey, token })
    const before = host.plc.log(alice.did).length
    assert.equal((await register('')).status, 400)
    assert.equal((await register('AAAAA-BBBBB')).body.error, 'InvalidToken')
    assert.equal(host.plc.log(alice.did).length, before)
    assert.equal((await health()).state, 'none', 'nothing is noted either')
  })

  test('a key that is none, or the host’s, is refused, and uses up no code', async () => {
    const own = await TestHost.open()
    const carol = await own.signUp('carol')
    const token = await code(carol, own)
    const [hostKey] = keysOf(carol, own)
    for (const wrong of ['did:key:zzz', 'did:plc:x', 'x', hostKey, ` ${didKey}`]) {
      const { status } = await call('registerRecoveryKey', { key: wrong, token }, carol, own)
      assert.equal(status, 400, String(wrong))
    }
    assert.equal(
      (await call('registerRecoveryKey', { key: didKey, token }, carol, own)).status,
      200,
    )
    await own.close()
  })

  test('a sixth key finds no room, and leaves no note', async () => {
    const own = await TestHost.open()
    const carol = await own.signUp('carol')
    const register = async (one: SigningKey) =>
      call(
        'registerRecoveryKey',
        { key: one.publicKey.didKey, token: await code(carol, own) },
        carol,
        own,
      )
    for (let i = 0; i < 4; i++) {
      assert.equal((await register(generateKey('k256'))).status, 200)
      await own.outside.advance(3_600_001)
      Object.assign(
        carol,
        (
          await own.post('com.atproto.server.createSession', {
            identifier: carol.did,
            password: carol.password,
          })
        ).body,
      )
    }
    assert.equal((await register(generateKey('k256'))).body.error, 'TooManyKeys')
    const found = await health(carol, own)
    assert.deepEqual([found.keys.length, found.lost.length], [5, 0])
    await own.close()
  })

  test('a directory that refuses leaves no note; one whose answer is lost is believed later', async () => {
    const own = await TestHost.open()
    const carol = await own.signUp('carol')
    const register = async () =>
      call('registerRecoveryKey', { key: didKey, token: await code(carol, own) }, carol, own)
    own.plc.mood = 'refuses'
    assert.equal((await register()).body.error, 'PlcRefused')
    own.plc.mood = 'well'
    assert.deepEqual((await health(carol, own)).lost, [])
    own.plc.mood = 'deaf'
    assert.equal((await register()).status, 502)
    own.plc.mood = 'well'
    assert.equal((await health(carol, own)).state, 'unchecked')
    await own.close()
  })
})

describe('an organisation’s key', () => {
  const organisation = generateKey('k256').publicKey.didKey

  test('is offered to accounts from before it, and goes above the host’s, below the owner’s', async () => {
    const early = await TestHost.open()
    const carol = await early.signUp('carol', { recoveryKey: didKey })
    const own = await early.restart({ config: { recoveryDidKey: organisation } })
    const offered = await health(carol, own)
    assert.equal(offered.organisation, organisation)
    const input = { key: organisation, token: await code(carol, own) }
    const { body } = await call('registerRecoveryKey', input, carol, own)
    assert.deepEqual(holders(body), ['owner', 'organisation', 'host'])
    assert.equal(body.state, 'unchecked')
    const dan = await own.signUp('dan')
    assert.deepEqual(holders(await health(dan, own)), ['organisation', 'host'])
    assert.equal((await health(dan, own)).state, 'none', 'it is not the owner’s')
    await own.close()
    rmSync(own.folder, { recursive: true })
  })

  test('is put by operators into identities from before it, once, and their owners are told', async () => {
    const early = await TestHost.open()
    const carol = await early.signUp('carol', { recoveryKey: didKey })
    const put = (on: TestHost) =>
      on.call('POST', 'app.falaj.admin.addOrganisationKey', {
        input: { did: carol.did },
        headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
      })
    assert.equal((await put(early)).body.error, 'NoOrganisationKey')
    const own = await early.restart({ config: { recoveryDidKey: organisation } })
    assert.deepEqual((await put(own)).body, { did: carol.did, added: true })
    assert.deepEqual(holders(await health(carol, own)), ['owner', 'organisation', 'host'])
    assert.deepEqual((await put(own)).body, { did: carol.did, added: false })
    const { letters } = await own.admin('listLetters', { recipient: carol.did, limit: 50 })
    const told = letters.filter(
      ({ purpose }: { purpose: string }) => purpose === 'notice-operator-key',
    )
    assert.equal(told.length, 1)
    await own.close()
    rmSync(own.folder, { recursive: true })
  })

  test('makes room for the owner’s above it, and can be declined', async () => {
    const own = await TestHost.open({ config: { recoveryDidKey: organisation } })
    const dan = await own.signUp('dan')
    const put = { key: didKey, token: await code(dan, own) }
    const { body } = await call('registerRecoveryKey', put, dan, own)
    assert.deepEqual(holders(body), ['owner', 'organisation', 'host'])
    const out = { key: organisation, token: await code(dan, own) }
    const left = await call('removeRecoveryKey', out, dan, own)
    assert.deepEqual(holders(left.body), ['owner', 'host'])
    await own.close()
  })
})

describe('health tells', () => {
  test('when somebody took the key out, and that its owner can undo it', async () => {
    const own = await TestHost.open()
    const carol = await own.signUp('carol', { recoveryKey: didKey })
    const token = await code(carol, own)
    const rotationKeys = keysOf(carol, own).slice(1)
    const nsid = 'com.atproto.identity.signPlcOperation'
    const signed = await own.post(nsid, { token, rotationKeys }, carol.accessJwt)
    own.plc.submit(carol.did, signed.body.operation as PlcOperation)
    const found = await health(carol, own)
    assert.equal(found.state, 'lost')
    assert.deepEqual(
      found.lost.map((one: { key: string }) => one.key),
      [didKey],
    )
    const log = own.plc.log(carol.did).filter((entry) => !entry.nullified)
    const nowMs = Date.parse(log.at(-1)!.createdAt) + 1_000
    const { operation } = planPlcTakeover(log, { didKey, to: {}, keep: rotationKeys, nowMs })
    own.plc.submit(carol.did, signPlcOperation(operation, key))
    assert.equal((await health(carol, own)).state, 'unchecked')
    await own.close()
  })

  test('when another key ranks above the owner’s', async () => {
    const own = await TestHost.open()
    const carol = await own.signUp('carol', { recoveryKey: didKey })
    const token = await code(carol, own)
    const thief = generateKey('k256').publicKey.didKey
    const nsid = 'com.atproto.identity.signPlcOperation'
    const rotationKeys = [thief, ...keysOf(carol, own)]
    const signed = await own.post(nsid, { token, rotationKeys }, carol.accessJwt)
    own.plc.submit(carol.did, signed.body.operation as PlcOperation)
    const found = await health(carol, own)
    assert.equal(found.state, 'outranked')
    assert.deepEqual(holders(found), ['unknown', 'owner', 'host'])
    await own.close()
  })

  test('a deleted account leaves no note of its keys', async () => {
    const own = await TestHost.open()
    const carol = await own.signUp('carol', { recoveryKey: didKey })
    await own.call('POST', 'com.atproto.admin.deleteAccount', {
      input: { did: carol.did },
      headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
    })
    assert.deepEqual(await own.sql.all('SELECT 1 FROM recovery_keys'), [])
    await own.close()
  })
})
