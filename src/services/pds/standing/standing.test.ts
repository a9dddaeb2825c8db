/** Sign-up and moving in, interrupted wherever they can be. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { nodeFiles } from '#platform/storage'
import { signServiceAuth } from '#protocol/auth'
import { generateKey, type SigningKey } from '#protocol/crypto'
import { plcDid, signPlcOperation } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import type { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const signUp = (host: TestHost, handle: string) =>
  host.post('com.atproto.server.createAccount', {
    handle,
    email: `${handle}@mail.example`,
    password: 'password',
  })
const resolve = async (host: TestHost, handle: string): Promise<Did | undefined> =>
  (await host.get('com.atproto.identity.resolveHandle', { handle })).body.did
const signIn = (host: TestHost, identifier: string) =>
  host.post('com.atproto.server.createSession', { identifier, password: 'password' })
const eventsOf = async (host: TestHost, did: Did) =>
  (await host.events()).filter((event) => event.did === did).map(({ type }) => type)

const NEW_ACCOUNT = ['#identity', '#account', '#commit']

test('a directory that refuses leaves nothing behind', async () => {
  const host = await TestHost.open()
  host.plc.mood = 'refuses'
  const refused = await signUp(host, 'alice.test')
  assert.deepEqual([refused.status, refused.body.error], [400, 'PlcRefused'])
  host.plc.mood = 'well'
  assert.equal((await signUp(host, 'alice.test')).status, 200)
  assert.equal((await host.events()).length, 3)
  await host.close()
})

test('a sign-up whose answer the directory lost is finished later, once', async () => {
  const host = await TestHost.open()
  host.plc.mood = 'deaf'
  const lost = await signUp(host, 'alice.test')
  assert.deepEqual([lost.status, lost.body.error], [502, 'UpstreamFailure'])
  assert.equal((await signIn(host, 'alice.test')).status, 401, 'nobody is let in half made')
  assert.equal(await resolve(host, 'alice.test'), undefined)
  host.plc.mood = 'down'
  assert.equal((await signUp(host, 'alice.test')).body.error, 'UpstreamFailure', 'still not')
  const loop = host.loop('resume')
  await host.outside.advance(40_000)
  assert.equal(await resolve(host, 'alice.test'), undefined)
  host.plc.mood = 'well'
  await host.outside.advance(40_000)
  await host.until(async () => (await resolve(host, 'alice.test')) !== undefined)
  await host.outside.advance(70_000)
  await loop.stop()
  const did = (await resolve(host, 'alice.test'))!
  assert.deepEqual(await eventsOf(host, did), NEW_ACCOUNT)
  assert.equal(host.plc.log(did).length, 1)
  assert.equal((await signIn(host, 'alice.test')).status, 200)
  await host.close()
})

test('who signs up again when the directory is back gets the account that was begun', async () => {
  for (const mood of ['down', 'deaf'] as const) {
    const host = await TestHost.open()
    host.plc.mood = mood
    assert.equal((await signUp(host, 'alice.test')).status, 502)
    host.plc.mood = 'well'
    const stranger = await host.post('com.atproto.server.createAccount', {
      handle: 'alice.test',
      email: 'alice.test@mail.example',
      password: 'a guess of it',
    })
    assert.equal(stranger.body.error, 'HandleNotAvailable')
    const again = await signUp(host, 'alice.test')
    assert.equal(again.status, 200)
    const { did } = again.body
    assert.deepEqual(await eventsOf(host, did), NEW_ACCOUNT)
    assert.equal(host.plc.log(did).length, 1)
    assert.equal((await host.write(again.body as Person, 'hello')).status, 200)
    assert.equal((await signUp(host, 'alice.test')).body.error, 'HandleNotAvailable')
    await host.close()
  }
})

test('killed between the claim and the directory, or between directory and journal, it is finished', async () => {
  for (const mood of ['down', 'deaf'] as const) {
    const host = await TestHost.open()
    host.plc.mood = mood
    await signUp(host, 'alice.test')
    const folder = host.copy()
    host.plc.mood = 'well'
    const again = await host.again({ folder })
    const loop = again.loop('resume')
    await again.until(async () => (await resolve(again, 'alice.test')) !== undefined)
    await loop.stop()
    const did = (await resolve(again, 'alice.test'))!
    assert.deepEqual(await eventsOf(again, did), NEW_ACCOUNT)
    const { body } = await signIn(again, 'alice.test')
    const person = { ...body, did } as Person
    assert.equal((await again.write(person, 'hello')).status, 200)
    await again.assertChain({ did, handle: body.handle })
    await again.close({ keep: true })
    await host.close()
  }
})

test('killed between the journal and its projections, it is finished by the replay', async () => {
  const host = await TestHost.open()
  await host.sql.run(
    `CREATE TRIGGER broken BEFORE UPDATE OF status ON accounts BEGIN SELECT RAISE(ABORT, 'no'); END`,
  )
  const answer = await signUp(host, 'alice.test')
  assert.equal(answer.body.error, 'AccountStopped')
  const folder = host.copy()
  const db = new DatabaseSync(`${folder}/directory.sqlite`)
  db.exec('DROP TRIGGER broken')
  db.close()
  const again = await host.again({ folder })
  const did = (await resolve(again, 'alice.test'))!
  assert.deepEqual(await eventsOf(again, did), NEW_ACCOUNT)
  const loop = again.loop('resume')
  await again.outside.advance(61_000)
  await loop.stop()
  assert.deepEqual(await eventsOf(again, did), NEW_ACCOUNT, 'resuming says nothing twice')
  await again.close({ keep: true })
  await host.close()
})

test('a sign-up under way is nobody else’s to finish', async () => {
  const host = await TestHost.open()
  const answer = Promise.withResolvers<void>()
  const fetch = host.plc.fetch.bind(host.plc)
  host.plc.fetch = async (url, init) => {
    const response = await fetch(url, init)
    if (init?.method === 'POST') await answer.promise
    return response
  }
  const made = signUp(host, 'alice.test')
  await host.until(() => host.plc.asked.some((line) => line.startsWith('POST') && line.length > 30))
  const loop = host.loop('resume')
  await host.outside.advance(61_000)
  answer.resolve()
  assert.equal((await made).status, 200)
  await loop.stop()
  assert.deepEqual(await eventsOf(host, (await made).body.did), NEW_ACCOUNT)
  await host.close()
})

test('one refused row does not keep the others waiting', async () => {
  const host = await TestHost.open()
  host.plc.mood = 'down'
  await signUp(host, 'alice.test')
  await signUp(host, 'bella.test')
  // The directory has never heard of the first, and never will.
  await host.sql.run(
    `UPDATE accounts SET plc_operation = replace(plc_operation, 'alice.test', 'mallory.test')
     WHERE handle = 'alice.test'`,
  )
  host.plc.mood = 'well'
  const loop = host.loop('resume')
  await host.until(async () => (await resolve(host, 'bella.test')) !== undefined)
  await loop.stop()
  assert.equal(await resolve(host, 'alice.test'), undefined)
  assert.equal((await signUp(host, 'alice.test')).status, 200, 'the name is free again')
  await host.close()
})

/** An identity that lives elsewhere, with its key. */
function foreigner(plc: FakePlc, handle: string): { did: Did; key: SigningKey } {
  const key = generateKey('k256')
  const genesis = signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: [key.publicKey.didKey],
      verificationMethods: { atproto: key.publicKey.didKey },
      alsoKnownAs: [`at://${handle}`],
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://old.example' },
      },
      prev: null,
    },
    key,
  )
  const did = plcDid(genesis)
  plc.submit(did, genesis)
  return { did, key }
}

function moveIn(host: TestHost, { did, key }: { did: Did; key: SigningKey }, handle: string) {
  const token = signServiceAuth({
    iss: did,
    aud: host.service.did,
    lxm: 'com.atproto.server.createAccount',
    nowMs: host.outside.now(),
    jti: 'x',
    key,
  })
  const input = { did, handle, email: `${handle}@mail.example`, password: 'password' }
  return host.post('com.atproto.server.createAccount', input, token)
}

test('who moves in is here, deactivated, and the network hears nothing of it', async () => {
  const host = await TestHost.open()
  const cursor = (await host.events()).length
  const newcomer = foreigner(host.plc, 'alice.test')
  const { status, body } = await moveIn(host, newcomer, 'alice.test')
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal((await host.events()).length, cursor)
  const session = await host.get('com.atproto.server.getSession', {}, body.accessJwt)
  assert.deepEqual([session.body.active, session.body.status], [false, 'deactivated'])
  const check = await host.get('com.atproto.server.checkAccountStatus', {}, body.accessJwt)
  assert.deepEqual([check.body.activated, check.body.validDid], [false, false])
  const write = await host.write(body as Person, 'too early')
  assert.equal(write.status, 401)
  const twice = await moveIn(host, newcomer, 'other.test')
  assert.equal(twice.body.error, 'AlreadyExists')
  const again = await host.restart()
  assert.equal((await again.events()).length, cursor)
  await again.close()
})

test('who moves in brings proof, and a handle that is theirs', async () => {
  const host = await TestHost.open()
  const newcomer = foreigner(host.plc, 'alice.test')
  const mallory = { did: newcomer.did, key: generateKey('k256') }
  assert.equal((await moveIn(host, mallory, 'alice.test')).body.error, 'BadJwtSignature')
  const other = foreigner(host.plc, 'bob.example.com')
  const stolen = await moveIn(host, other, 'alice.example.com')
  assert.ok(stolen.status >= 400)
  await host.signUp('carol')
  assert.equal((await moveIn(host, newcomer, 'carol.test')).body.error, 'HandleNotAvailable')
  assert.equal((await moveIn(host, newcomer, 'alice.test')).status, 200)
  await host.close()
})

test('a reserved key becomes the account’s, and stays reserved when that failed', async () => {
  const host = await TestHost.open()
  const newcomer = foreigner(host.plc, 'alice.test')
  const reserve = async () =>
    (await host.post('com.atproto.server.reserveSigningKey', { did: newcomer.did })).body.signingKey
  const reserved = await reserve()
  await host.signUp('carol')
  assert.equal((await moveIn(host, newcomer, 'carol.test')).body.error, 'HandleNotAvailable')
  assert.equal(await reserve(), reserved)
  const { body } = await moveIn(host, newcomer, 'alice.test')
  const credentials = await host.get(
    'com.atproto.identity.getRecommendedDidCredentials',
    {},
    body.accessJwt,
  )
  assert.equal(credentials.body.verificationMethods.atproto, reserved)
  assert.notEqual(await reserve(), reserved)
  await host.close()
})

/** Files whose writes wait while they are held. */
function heldFiles() {
  let disk: PromiseWithResolvers<void> | undefined
  const files = { ...nodeFiles }
  files.open = async (path, flags) => {
    const file = await nodeFiles.open(path, flags)
    const write = async (bytes: Uint8Array, position: number) => {
      await disk?.promise
      return file.write(bytes, position)
    }
    return { ...file, write }
  }
  const hold = () => void (disk = Promise.withResolvers())
  return { files, hold, letGo: () => disk?.resolve() }
}

const hasAccounts = async (host: TestHost) =>
  (await host.sql.get('SELECT 1 FROM accounts')) !== undefined

test('a move-in under way is nobody else’s to drop', async () => {
  const { files, hold, letGo } = heldFiles()
  const host = await TestHost.open({ files })
  const newcomer = foreigner(host.plc, 'alice.test')
  hold()
  const made = moveIn(host, newcomer, 'alice.test')
  await host.until(() => hasAccounts(host))
  const loop = host.loop('resume')
  await host.outside.advance(61_000)
  letGo()
  assert.equal((await made).status, 200)
  await host.outside.advance(61_000)
  await loop.stop()
  const { body } = await signIn(host, 'alice.test')
  assert.equal(body.status, 'deactivated')
  await host.close()
})

test('a move-in that was killed before the journal is forgotten, and can be done again', async () => {
  const { files, hold, letGo } = heldFiles()
  const host = await TestHost.open({ files })
  const newcomer = foreigner(host.plc, 'alice.test')
  hold()
  const made = moveIn(host, newcomer, 'alice.test')
  await host.until(() => hasAccounts(host))
  const again = await host.again({ folder: host.copy(), files: nodeFiles })
  assert.equal((await moveIn(again, newcomer, 'alice.test')).body.error, 'AlreadyExists')
  const loop = again.loop('resume')
  await again.until(async () => (await moveIn(again, newcomer, 'alice.test')).status === 200)
  await loop.stop()
  await again.close({ keep: true })
  letGo()
  assert.equal((await made).status, 200)
  await host.close()
})

test('an account that was deleted may come back, with a repository of its own', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.write(alice, 'of the first life')
  const key = host.forgedKey
  // Its owner takes the identity elsewhere first: only then can they prove that it is theirs.
  await host.post('com.atproto.identity.requestPlcOperationSignature', undefined, alice.accessJwt)
  const signed = await host.post(
    'com.atproto.identity.signPlcOperation',
    {
      token: await host.mailedCode(alice),
      verificationMethods: { atproto: key.publicKey.didKey },
    },
    alice.accessJwt,
  )
  host.plc.submit(alice.did, signed.body.operation)
  await host.post('com.atproto.server.requestAccountDelete', undefined, alice.accessJwt)
  await host.post('com.atproto.server.deleteAccount', {
    did: alice.did,
    password: alice.password,
    token: await host.mailedCode(alice),
  })
  const early = await moveIn(host, { did: alice.did, key }, 'alice.test')
  assert.match(early.body.message, /still being erased/)
  const jobs = host.loop('jobs')
  await host.until(async () => !(await host.sql.get('SELECT 1 FROM jobs')))
  await jobs.stop()
  const { body, status } = await moveIn(host, { did: alice.did, key }, 'alice.test')
  assert.equal(status, 200, JSON.stringify(body))
  const again = await host.restart()
  const check = await again.get('com.atproto.server.checkAccountStatus', {}, body.accessJwt)
  assert.equal(check.body.indexedRecords, 0)
  assert.equal(again.metrics.value('pds_stopped_accounts'), 0)
  await again.close()
})
