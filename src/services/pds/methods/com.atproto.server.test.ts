/** Accounts and sign-in: what each method answers, announces, and must not let through. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { signServiceAuth, verifyServiceAuth } from '#protocol/auth'
import { parseDidKey } from '#protocol/crypto'
import { readCar } from '#protocol/data'
import { plcState } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let alice: Person

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
})
after(() => host.close())

const server = (method: string, input?: unknown, token?: string): Promise<Answer> =>
  host.post(`com.atproto.server.${method}`, input, token)
const ask = (method: string, params?: Record<string, unknown>, token?: string): Promise<Answer> =>
  host.get(`com.atproto.server.${method}`, params, token)

/** Answers speak of nothing that must stay here. */
function assertNoSecrets(answer: Answer): void {
  assert.doesNotMatch(new TextDecoder().decode(answer.bytes), /argon2|password of|signing_key/)
}

test('describeServer tells what a client needs to sign up', async () => {
  const { body } = await ask('describeServer')
  assert.equal(body.did, host.service.did)
  assert.deepEqual(body.availableUserDomains, ['.test'])
  assert.equal(body.inviteCodeRequired, false)
  assert.equal(body.phoneVerificationRequired, false)
  assert.equal(body.blobUploadLimit, 50_000_000)
  assert.deepEqual([body.links, body.contact], [{}, {}])
})

test('describeServer shows the operator’s documents and address', async () => {
  const own = await TestHost.open({
    config: {
      privacyPolicyUrl: 'https://pds.test/privacy',
      termsOfServiceUrl: 'https://pds.test/terms',
      contactEmail: 'operator@pds.test',
    },
  })
  const { body } = await own.get('com.atproto.server.describeServer')
  assert.deepEqual(body.links, {
    privacyPolicy: 'https://pds.test/privacy',
    termsOfService: 'https://pds.test/terms',
  })
  assert.deepEqual(body.contact, { email: 'operator@pds.test' })
  await own.close()
})

test('createAccount makes an identity, a repository and a session', async () => {
  const cursor = (await host.events()).at(-1)!.seq
  const answer = await server('createAccount', {
    handle: 'Carol.test',
    email: 'Carol@Mail.Example',
    password: 'password of carol',
  })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assertNoSecrets(answer)
  const { did, handle, didDoc } = answer.body
  assert.equal(handle, 'carol.test')
  assert.equal(didDoc.id, did)
  const genesis = plcState(host.plc.log(did)[0]!.operation)!
  assert.deepEqual(genesis.alsoKnownAs, ['at://carol.test'])
  assert.equal(genesis.services.atproto_pds!.endpoint, host.url)
  const events = await host.events(cursor)
  assert.deepEqual(
    events.map((event) => [event.type, event.did]),
    [
      ['#identity', did],
      ['#account', did],
      ['#commit', did],
    ],
  )
  assert.deepEqual(events[0]!.body.handle, 'carol.test')
  assert.equal(events[1]!.body.active, true)
  assert.equal(events[2]!.commit!.since, null)
  const session = await ask('getSession', {}, answer.body.accessJwt)
  assert.equal(session.body.email, 'carol@mail.example')
})

test('createAccount refuses, and leaves nothing behind', async () => {
  const good = { handle: 'dave.test', email: 'dave@mail.example', password: 'password of dave' }
  const cursor = (await host.events()).at(-1)!.seq
  const asked = host.plc.asked.length
  const cases: [change: Record<string, unknown>, error: string, message?: RegExp][] = [
    [{ handle: 'alice.test' }, 'HandleNotAvailable'],
    [{ handle: 'admin.test' }, 'HandleNotAvailable', /Reserved/],
    [{ handle: 'dave.example' }, 'UnsupportedDomain'],
    [{ handle: 'a.b.test' }, 'InvalidHandle', /no dot/],
    [{ handle: 'dave.local' }, 'InvalidHandle', /TLD/],
    [{ handle: 'da.test' }, 'InvalidHandle', /short/],
    [{ handle: `${'d'.repeat(19)}.test` }, 'InvalidHandle', /long/],
    [{ handle: 'da_ve.test' }, 'InvalidRequest'],
    [{ email: 'alice@mail.example' }, 'InvalidRequest', /Email already taken/],
    [{ email: 'ALICE@mail.example' }, 'InvalidRequest', /Email already taken/],
    [{ email: 'nonsense' }, 'InvalidRequest', /email/],
    [{ email: 'a@b.example\r\nBcc: x@y.z' }, 'InvalidRequest', /email/],
    [{ password: undefined }, 'InvalidPassword'],
    [{ password: 'seven 7' }, 'InvalidPassword', /8/],
    [{ plcOp: {} }, 'InvalidRequest', /plcOp/],
    [{ inviteCode: 'pds-test-aaaaa-bbbbb' }, 'InvalidInviteCode'],
    [{ password: 'x'.repeat(257) }, 'InvalidPassword'],
    [{ recoveryKey: 'did:key:nonsense' }, 'InvalidKey'],
    [{ did: alice.did }, 'AuthMissing'],
  ]
  for (const [change, error, message] of cases) {
    const { status, body } = await server('createAccount', { ...good, ...change })
    assert.ok(status === 400 || status === 401, `${JSON.stringify(change)}: ${status}`)
    assert.equal(body.error, error, JSON.stringify(change))
    if (message) assert.match(body.message, message)
  }
  assert.deepEqual(await host.events(cursor), [])
  assert.equal(host.plc.asked.length, asked, 'the directory was not asked')
  assert.equal((await server('createAccount', good)).status, 200)
})

test('of sign-ups for one handle at once, one wins', async () => {
  const answers = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      server('createAccount', {
        handle: 'wanted.test',
        email: `${name}@x.example`,
        password: 'password',
      }),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  const refused = answers.filter(({ body }) => body.error === 'HandleNotAvailable')
  assert.equal(refused.length, 3)
})

test('a recovery key ranks above the key of the host', async () => {
  const recoveryKey = (await host.signingKey(alice.did))!.didKey
  const { did } = await host.signUp('erin', { recoveryKey })
  const { rotationKeys } = plcState(host.plc.log(did)[0]!.operation)!
  assert.equal(rotationKeys[0], recoveryKey)
  assert.equal(rotationKeys.length, 2)
})

test('the operator’s recovery key ranks below the owner’s and above the host’s', async () => {
  const recoveryDidKey = host.forgedKey.publicKey.didKey
  const own = await TestHost.open({ config: { recoveryDidKey } })
  const plain = await own.signUp('plain')
  const keysOf = ({ did }: Person) => plcState(own.plc.log(did)[0]!.operation)!.rotationKeys
  const [first, hostKey, ...others] = keysOf(plain)
  assert.deepEqual([first, others], [recoveryDidKey, []])
  const recoveryKey = (await own.signingKey(plain.did))!.didKey
  const careful = await own.signUp('careful', { recoveryKey })
  assert.deepEqual(keysOf(careful), [recoveryKey, recoveryDidKey, hostKey])
  const { body } = await own.get(
    'com.atproto.identity.getRecommendedDidCredentials',
    {},
    plain.accessJwt,
  )
  assert.deepEqual(body.rotationKeys, [recoveryDidKey, hostKey])
  await own.close()
  await assert.rejects(TestHost.open({ config: { recoveryDidKey: 'did:key:nonsense' } }))
})

test('a name kept for a service is given to whoever proves to be it, without an invite', async () => {
  const plain = await TestHost.open()
  const service = await plain.signUp('maker')
  const stranger = await plain.signUp('stranger')
  await plain.close({ keep: true })
  const config = { reservedFor: [`feeds.test=${service.did}`], inviteRequired: true }
  const own = await plain.again({ config })
  const signUp = async (by?: Person, claims: { iss?: string; handle?: string } = {}) => {
    const token = by && {
      iss: claims.iss ?? by.did,
      aud: own.service.did,
      lxm: 'com.atproto.server.createAccount',
      nowMs: own.outside.now(),
      jti: 'x',
      key: await own.leakedKey(by.did),
    }
    return own.post(
      'com.atproto.server.createAccount',
      { handle: claims.handle ?? 'feeds.test', password: 'password', email: 'f@mail.example' },
      token && signServiceAuth(token),
    )
  }
  assert.equal((await signUp()).body.error, 'HandleNotAvailable')
  assert.equal((await signUp(stranger)).body.error, 'HandleNotAvailable')
  assert.equal((await signUp(stranger, { iss: service.did })).status, 401)
  assert.equal((await signUp(service, { handle: 'admin.test' })).body.error, 'HandleNotAvailable')
  const other = await signUp(service, { handle: 'another.test' })
  assert.equal(other.body.error, 'InvalidInviteCode')
  const { status, body } = await signUp(service)
  assert.deepEqual([status, body.handle], [200, 'feeds.test'], JSON.stringify(body))
  assert.notEqual(body.did, service.did, 'it is an account of its own')
  await own.close()
  rmSync(own.folder, { recursive: true, force: true })
  await assert.rejects(TestHost.open({ config: { reservedFor: ['feeds.test'] } }))
})

test('an invite is used up by a sign-up that succeeds, and by no other', async () => {
  const closed = await TestHost.open({ config: { inviteRequired: true } })
  const admin = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const { body } = await closed.call('POST', 'com.atproto.server.createInviteCode', {
    input: { useCount: 1 },
    headers: admin,
  })
  const signUp = (handle: string, inviteCode?: string) =>
    closed.post('com.atproto.server.createAccount', { handle, password: 'password', inviteCode })
  assert.equal((await signUp('one.test')).body.error, 'InvalidInviteCode')
  assert.equal((await signUp('one.test', 'falaj-aaaaa-bbbbb')).body.error, 'InvalidInviteCode')
  assert.equal((await signUp('admin.test', body.code)).body.error, 'HandleNotAvailable')
  assert.equal((await signUp('one.test', body.code)).status, 200)
  assert.equal((await signUp('other.test', body.code)).body.error, 'InvalidInviteCode')
  await closed.close()
})

test('createSession takes handle, DID and email, and one answer for all that is wrong', async () => {
  for (const identifier of ['alice.test', 'ALICE.test', alice.did, 'Alice@mail.example']) {
    const answer = await server('createSession', { identifier, password: alice.password })
    assert.equal(answer.status, 200, identifier)
    assert.equal(answer.body.did, alice.did)
    assert.equal(answer.body.active, true)
    assertNoSecrets(answer)
  }
  const wrong = [
    { identifier: 'alice.test', password: 'wrong' },
    { identifier: 'alice.test', password: '' },
    { identifier: 'alice.test', password: 'x'.repeat(600) },
    { identifier: 'nobody.test', password: alice.password },
    { identifier: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', password: alice.password },
    { identifier: 'nobody@mail.example', password: alice.password },
    { identifier: "' OR 1=1 --", password: alice.password },
  ]
  const answers = await Promise.all(wrong.map((input) => server('createSession', input)))
  const told = new Set(answers.map(({ status, body }) => JSON.stringify([status, body])))
  assert.deepEqual(
    [...told],
    [
      JSON.stringify([
        401,
        { error: 'AuthenticationRequired', message: 'Invalid identifier or password' },
      ]),
    ],
  )
})

test('a refresh token is used once; its answer can be asked for again for a while', async () => {
  const { body } = await server('createSession', {
    identifier: alice.handle,
    password: alice.password,
  })
  const first = await server('refreshSession', undefined, body.refreshJwt)
  assert.equal(first.status, 200)
  assert.notEqual(first.body.refreshJwt, body.refreshJwt)
  const lost = await server('refreshSession', undefined, body.refreshJwt)
  assert.equal(claim(lost.body.refreshJwt, 'jti'), claim(first.body.refreshJwt, 'jti'))
  const both = await Promise.all([
    server('refreshSession', undefined, first.body.refreshJwt),
    server('refreshSession', undefined, first.body.refreshJwt),
  ])
  assert.equal(claim(both[0]!.body.refreshJwt, 'jti'), claim(both[1]!.body.refreshJwt, 'jti'))
})

const claim = (token: string, name: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())[name]

test('a used refresh token is dead after its grace time', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  await own.post('com.atproto.server.refreshSession', undefined, bob.refreshJwt)
  own.outside.setNow(own.outside.now() + 2 * 3_600_000 + 1)
  const late = await own.post('com.atproto.server.refreshSession', undefined, bob.refreshJwt)
  assert.deepEqual([late.status, late.body.error], [400, 'ExpiredToken'])
  await own.close()
})

test('deleteSession ends the session, also with a token that has run out', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  const refresh = (token: string) => own.post('com.atproto.server.refreshSession', undefined, token)
  const next = await refresh(bob.refreshJwt)
  const end = (token: string) => own.post('com.atproto.server.deleteSession', undefined, token)
  assert.equal((await end(next.body.refreshJwt)).status, 200)
  for (const token of [bob.refreshJwt, next.body.refreshJwt]) {
    assert.equal((await refresh(token)).body.error, 'ExpiredToken')
  }
  own.outside.setNow(own.outside.now() + 100 * 24 * 3_600_000)
  assert.equal((await end(next.body.refreshJwt)).status, 200)
  await own.close()
})

test('app passwords: made, listed without their secret, revoked with their sessions', async () => {
  const made = await server('createAppPassword', { name: 'phone' }, alice.accessJwt)
  assert.match(made.body.password, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
  const twice = await server('createAppPassword', { name: 'phone' }, alice.accessJwt)
  assert.equal(twice.body.error, 'InvalidRequest')
  const listed = await ask('listAppPasswords', {}, alice.accessJwt)
  assert.deepEqual(
    listed.body.passwords.map(({ name }: { name: string }) => name),
    ['phone'],
  )
  assert.ok(!JSON.stringify(listed.body).includes(made.body.password))
  const signIn = () =>
    server('createSession', { identifier: alice.handle, password: made.body.password })
  const { body } = await signIn()
  assert.equal(claim(body.accessJwt, 'scope'), 'com.atproto.appPass')
  const refreshed = await server('refreshSession', undefined, body.refreshJwt)
  assert.equal(claim(refreshed.body.accessJwt, 'scope'), 'com.atproto.appPass')
  await server('revokeAppPassword', { name: 'phone' }, alice.accessJwt)
  assert.equal((await signIn()).status, 401)
  const late = await server('refreshSession', undefined, refreshed.body.refreshJwt)
  assert.equal(late.body.error, 'ExpiredToken')
})

test('an app password of one account opens no other', async () => {
  const made = await server('createAppPassword', { name: 'mine' }, alice.accessJwt)
  const frank = await host.signUp('frank')
  const { status } = await server('createSession', {
    identifier: frank.handle,
    password: made.body.password,
  })
  assert.equal(status, 401)
})

test('at most fifty app passwords', async () => {
  const grace = await host.signUp('grace')
  const make = (name: string) => server('createAppPassword', { name }, grace.accessJwt)
  for (let i = 0; i < 50; i++) assert.equal((await make(`app ${i}`)).status, 200)
  assert.equal((await make('one more')).body.error, 'InvalidRequest')
})

test('getServiceAuth signs for one service and one method, for a limited time', async () => {
  const aud = 'did:web:video.example'
  const lxm = 'com.atproto.repo.uploadBlob'
  const nowS = Math.floor(host.outside.now() / 1000)
  const get = (params: Record<string, unknown>, token = alice.accessJwt) =>
    ask('getServiceAuth', { aud, ...params }, token)
  const { body } = await get({ lxm, exp: nowS + 600 })
  const key = (await host.signingKey(alice.did))!
  const claims = await verifyServiceAuth(body.token, {
    aud,
    lxm,
    nowMs: host.outside.now(),
    signingKey: async () => key,
  })
  assert.deepEqual([claims.iss, claims.exp], [alice.did, nowS + 600])
  for (const params of [{ lxm, exp: nowS - 1 }, { lxm, exp: nowS + 3_601 }, { exp: nowS + 61 }]) {
    assert.equal((await get(params)).body.error, 'BadExpiration', JSON.stringify(params))
  }
  for (const params of [
    { aud: 'nonsense' },
    { aud: 'did:web:a.example#' },
    { lxm: 'com.atproto.server.createAppPassword' },
    { lxm: 'com.atproto.server.deactivateAccount' },
    { lxm: 'com.atproto.identity.signPlcOperation' },
    { lxm: 'com.atproto.admin.sendEmail' },
  ]) {
    assert.equal((await get(params)).body.error, 'InvalidRequest', JSON.stringify(params))
  }
})

test('app passwords get service tokens for what they may do themselves', async () => {
  const tokenOf = async (name: string, privileged: boolean) => {
    const made = await server('createAppPassword', { name, privileged }, alice.accessJwt)
    const input = { identifier: alice.handle, password: made.body.password }
    return (await server('createSession', input)).body.accessJwt as string
  }
  const plain = await tokenOf('plain', false)
  const more = await tokenOf('more', true)
  const get = (lxm: string, token: string) =>
    ask('getServiceAuth', { aud: 'did:web:other.example', lxm }, token)
  assert.equal((await get('app.bsky.video.uploadVideo', plain)).status, 200)
  for (const lxm of ['chat.bsky.convo.listConvos', 'com.atproto.server.createAccount']) {
    assert.equal((await get(lxm, plain)).status, 400, lxm)
    assert.equal((await get(lxm, more)).status, 200, lxm)
  }
})

test('a service may bring a blob in the owner’s name, with a token for just that', async () => {
  const upload = (token: string) =>
    host.call('POST', 'com.atproto.repo.uploadBlob', {
      input: new TextEncoder().encode('a video'),
      token,
      headers: { 'content-type': 'video/mp4' },
    })
  const tokenFor = async (params: Record<string, unknown>) =>
    (await ask('getServiceAuth', params, alice.accessJwt)).body.token as string
  const aud = host.service.did
  const good = await tokenFor({ aud, lxm: 'com.atproto.repo.uploadBlob' })
  assert.equal((await upload(good)).status, 200)
  for (const params of [
    { aud },
    { aud, lxm: 'com.atproto.repo.createRecord' },
    { aud: 'did:web:other.example', lxm: 'com.atproto.repo.uploadBlob' },
  ]) {
    assert.equal((await upload(await tokenFor(params))).status, 401, JSON.stringify(params))
  }
  const write = await host.post(
    'com.atproto.repo.createRecord',
    { repo: alice.did, collection: 'com.example.note', record: {} },
    await tokenFor({ aud, lxm: 'com.atproto.repo.createRecord' }),
  )
  assert.ok(write.status >= 400, 'nothing else is done for services')
})

test('email: confirmed by a code, changed by a code once it is confirmed', async () => {
  const hana = await host.signUp('hana')
  const post = (method: string, input?: unknown) => server(method, input, hana.accessJwt)
  assert.equal((await post('requestEmailUpdate')).body.tokenRequired, false)
  assert.equal((await post('updateEmail', { email: 'new@mail.example' })).status, 200)
  await post('requestEmailConfirmation')
  const code = await host.mailedCode(hana)
  const confirm = (email: string, token: string) => post('confirmEmail', { email, token })
  assert.equal((await confirm('old@mail.example', code)).body.error, 'InvalidEmail')
  assert.equal((await confirm('new@mail.example', 'AAAAA-BBBBB')).body.error, 'InvalidToken')
  assert.equal((await confirm('New@mail.example', code.toLowerCase())).status, 200)
  const session = await ask('getSession', {}, hana.accessJwt)
  assert.deepEqual([session.body.email, session.body.emailConfirmed], ['new@mail.example', true])
  assert.equal((await confirm('new@mail.example', code)).body.error, 'InvalidToken', 'used once')
  const change = (token?: string) => post('updateEmail', { email: 'third@mail.example', token })
  assert.equal((await change()).body.error, 'TokenRequired')
  assert.equal((await post('requestEmailUpdate')).body.tokenRequired, true)
  assert.equal((await change('AAAAA-BBBBB')).body.error, 'InvalidToken')
  assert.equal((await change(await host.mailedCode(hana))).status, 200)
  const taken = await post('updateEmail', { email: 'alice@mail.example' })
  assert.match(taken.body.message, /already taken/)
})

test('a code dies of age and of wrong guesses', async () => {
  const own = await TestHost.open()
  const ivan = await own.signUp('ivan')
  const request = () =>
    own.post('com.atproto.server.requestEmailConfirmation', undefined, ivan.accessJwt)
  const confirm = (token: string) =>
    own.post('com.atproto.server.confirmEmail', { email: ivan.email, token }, ivan.accessJwt)
  await request()
  const old = await own.mailedCode(ivan)
  own.outside.setNow(own.outside.now() + 16 * 60_000)
  assert.equal((await confirm(old)).body.error, 'ExpiredToken')
  await request()
  const guessed = await own.mailedCode(ivan)
  for (let i = 0; i < 10; i++) await confirm('AAAAA-AAAAA')
  assert.equal((await confirm(guessed)).body.error, 'InvalidToken')
  for (let i = 0; i < 3; i++) assert.equal((await request()).status, 200)
  const many = await request()
  assert.deepEqual([many.status, many.body.error], [429, 'RateLimitExceeded'])
  assert.ok(Number(many.headers['retry-after']) <= 3_600)
  own.outside.setNow(own.outside.now() + 61 * 60_000)
  assert.equal((await request()).status, 200)
  await own.close()
})

test('a password is reset by a mailed code, and every session ends', async () => {
  const judy = await host.signUp('judy')
  const unknown = await server('requestPasswordReset', { email: 'nobody@mail.example' })
  const known = await server('requestPasswordReset', { email: judy.email })
  assert.deepEqual([unknown.status, unknown.body], [known.status, known.body], 'both look alike')
  const token = await host.mailedCode(judy)
  const password = 'another password'
  const wrong = await server('resetPassword', { token: 'AAAAA-BBBBB', password })
  assert.equal(wrong.body.error, 'InvalidToken')
  assert.equal((await server('resetPassword', { token, password })).status, 200)
  assert.equal((await server('resetPassword', { token, password })).body.error, 'InvalidToken')
  const signIn = (given: string) =>
    server('createSession', { identifier: judy.handle, password: given })
  assert.equal((await signIn(judy.password)).status, 401)
  assert.equal((await signIn(password)).status, 200)
  const old = await server('refreshSession', undefined, judy.refreshJwt)
  assert.equal(old.body.error, 'ExpiredToken')
})

test('a code of one purpose does for no other', async () => {
  const kim = await host.signUp('kim')
  await server('requestEmailConfirmation', undefined, kim.accessJwt)
  const token = await host.mailedCode(kim)
  const reset = await server('resetPassword', { token, password: 'taken over' })
  assert.equal(reset.body.error, 'InvalidToken')
  const gone = await server('deleteAccount', { did: kim.did, password: kim.password, token })
  assert.equal(gone.body.error, 'InvalidToken')
})

test('deactivated and back: told to the network, unreadable meanwhile, unbroken afterwards', async () => {
  const leo = await host.signUp('leo')
  await host.write(leo, 'before')
  const cursor = (await host.events()).at(-1)!.seq
  assert.equal((await server('deactivateAccount', {}, leo.accessJwt)).status, 200)
  assert.equal((await server('deactivateAccount', {}, leo.accessJwt)).status, 200, 'again')
  const [event, ...more] = await host.events(cursor)
  assert.deepEqual(
    [event!.type, event!.body.active, event!.body.status],
    ['#account', false, 'deactivated'],
  )
  assert.deepEqual(more, [])
  const { did } = leo
  const closed = await host.get('com.atproto.sync.getRepo', { did })
  assert.equal(closed.body.error, 'RepoDeactivated')
  const owners = await host.get('com.atproto.sync.getRepo', { did }, leo.accessJwt)
  assert.equal(owners.status, 200)
  const params = { repo: did, collection: 'app.bsky.feed.post' }
  const records = await host.get('com.atproto.repo.listRecords', params)
  assert.equal(records.body.error, 'RepoDeactivated')
  const status = await ask('checkAccountStatus', {}, leo.accessJwt)
  assert.deepEqual([status.body.activated, status.body.validDid], [false, true])
  assert.equal((await server('activateAccount', undefined, leo.accessJwt)).status, 200)
  const back = (await host.events(cursor)).slice(1)
  assert.deepEqual(
    back.map(({ type }) => type),
    ['#identity', '#account', '#commit'],
  )
  assert.equal((await server('activateAccount', undefined, leo.accessJwt)).status, 200)
  assert.equal((await host.events(cursor)).length, 4, 'activating twice says nothing')
  assert.equal((await host.write(leo, 'after')).status, 200)
  await host.assertChain(leo)
})

test('checkAccountStatus counts what an export holds, and what else is here', async () => {
  const max = await host.signUp('max')
  const picture = await host.upload(max, 'a picture')
  await host.upload(max, 'another that nothing mentions')
  const embed = { $type: 'app.bsky.embed.images', images: [{ alt: '', image: picture }] }
  for (let count = 0; count < 60; count++) {
    const record = {
      $type: 'app.bsky.feed.post',
      text: String(count),
      createdAt: '2026-01-01T00:00:00Z',
    }
    await host.write(max, '', { record: count === 0 ? { ...record, embed } : record })
  }
  const { body } = await ask('checkAccountStatus', {}, max.accessJwt)
  const { bytes } = await host.get('com.atproto.sync.getRepo', { did: max.did })
  const latest = await host.get('com.atproto.sync.getLatestCommit', { did: max.did })
  assert.deepEqual(body, {
    activated: true,
    validDid: true,
    repoCommit: latest.body.cid,
    repoRev: latest.body.rev,
    repoBlocks: [...readCar(bytes).blocks].length,
    indexedRecords: 60,
    privateStateValues: 0,
    expectedBlobs: 1,
    importedBlobs: 2,
  })
})

test('an account whose identity points elsewhere cannot be activated here', async () => {
  const own = await TestHost.open()
  const mia = await own.signUp('mia')
  await own.post('com.atproto.server.deactivateAccount', {}, mia.accessJwt)
  await own.close({ keep: true })
  const moved = await own.again({ publicUrl: 'https://elsewhere.test' })
  const { body } = await moved.post('com.atproto.server.activateAccount', undefined, mia.accessJwt)
  assert.equal(body.error, 'InvalidRequest')
  assert.match(body.message, /pds\.test/)
  await moved.close()
})

test('deleteAccount asks for password and code, and then nothing is left', async () => {
  const nils = await host.signUp('nils')
  const blob = await host.upload(nils, 'a picture of nils')
  await host.write(nils, 'remember me', { record: withImage('remember me', blob) })
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  await host.post('app.bsky.actor.putPreferences', { preferences }, nils.accessJwt)
  await server('requestAccountDelete', undefined, nils.accessJwt)
  const token = await host.mailedCode(nils)
  const { did, password } = nils
  const remove = (input: Record<string, unknown>) => server('deleteAccount', { did, ...input })
  assert.equal((await remove({ password: 'wrong', token })).status, 401)
  assert.equal((await remove({ password, token: 'AAAAA-BBBBB' })).body.error, 'InvalidToken')
  const app = await server('createAppPassword', { name: 'x' }, nils.accessJwt)
  assert.equal((await remove({ password: app.body.password, token })).status, 401)
  const cursor = (await host.events()).at(-1)!.seq
  assert.equal((await remove({ password, token })).status, 200)
  const [event, ...more] = await host.events(cursor)
  assert.deepEqual(
    [event!.type, event!.did, event!.body.active, event!.body.status],
    ['#account', did, false, 'deleted'],
  )
  assert.deepEqual(more, [])
  const status = await host.get('com.atproto.sync.getRepoStatus', { did })
  assert.deepEqual(status.body, { did, active: false, status: 'deleted' })
  for (const nsid of ['getRepo', 'getLatestCommit', 'listBlobs']) {
    const { body } = await host.get(`com.atproto.sync.${nsid}`, { did })
    assert.equal(body.error, 'RepoNotFound', nsid)
  }
  assert.equal((await server('createSession', { identifier: did, password })).status, 401)
  const jobs = host.loop('jobs')
  await host.until(async () => !(await host.sql.get('SELECT 1 FROM jobs')))
  await jobs.stop()
  // Of its past the stream keeps only that it is deleted.
  const left = (await host.events()).filter((one) => one.did === did)
  assert.deepEqual(
    left.map(({ type, body }) => [type, body.status]),
    [['#account', 'deleted']],
  )
  for await (const batch of host.stream.tail(0)) {
    for (const { payload } of batch) {
      assert.ok(!Buffer.from(payload).includes('remember me'), 'its words are in the journal')
    }
  }
  const row = await host.sql.get<Record<string, unknown>>('SELECT * FROM accounts WHERE did = ?', [
    did,
  ])
  assert.equal((row!.signing_key as Uint8Array).length, 0)
  assert.equal((row!.data_key as Uint8Array).length, 0)
  assert.equal(row!.email, null)
  assert.deepEqual(host.filesOf(did), [])
  assert.equal((await host.signUp('nils', { email: 'nils2@mail.example' })).handle, 'nils.test')
})

function withImage(text: string, image: object) {
  return {
    $type: 'app.bsky.feed.post',
    text,
    createdAt: '2026-01-01T00:00:00.000Z',
    embed: { $type: 'app.bsky.embed.images', images: [{ alt: '', image }] },
  }
}

test('deactivated with a date, an account is deleted when the date has come', async () => {
  const own = await TestHost.open()
  const olga = await own.signUp('olga')
  const pia = await own.signUp('pia')
  const deleteAfter = new Date(own.outside.now() + 24 * 3_600_000).toISOString()
  for (const { accessJwt } of [olga, pia]) {
    await own.post('com.atproto.server.deactivateAccount', { deleteAfter }, accessJwt)
  }
  await own.post('com.atproto.server.activateAccount', undefined, pia.accessJwt)
  const loop = own.loop('housekeeping')
  const statusOf = async ({ did }: Person) =>
    (await own.get('com.atproto.sync.getRepoStatus', { did })).body.status
  await own.outside.advance(23 * 3_600_000)
  assert.equal(await statusOf(olga), 'deactivated')
  await own.outside.advance(2 * 3_600_000)
  await own.until(async () => (await statusOf(olga)) === 'deleted')
  assert.equal(await statusOf(pia), undefined, 'who came back stays')
  await loop.stop()
  await own.close()
})

test('a signing key is reserved once for an identity', async () => {
  const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' as Did
  const keys = await Promise.all(
    Array.from({ length: 4 }, () => server('reserveSigningKey', { did })),
  )
  assert.equal(new Set(keys.map(({ body }) => body.signingKey)).size, 1)
  assert.equal(parseDidKey(keys[0]!.body.signingKey).curve, 'k256')
  const other = await server('reserveSigningKey', {})
  assert.notEqual(other.body.signingKey, keys[0]!.body.signingKey)
})

test('a token of another service is not enough to move somebody in', async () => {
  const token = signServiceAuth({
    iss: alice.did,
    aud: 'did:web:elsewhere.example',
    lxm: 'com.atproto.server.createAccount',
    nowMs: host.outside.now(),
    jti: 'x',
    key: host.forgedKey,
  })
  const { status } = await server(
    'createAccount',
    { did: alice.did, handle: 'alice.test', password: 'password' },
    token,
  )
  assert.equal(status, 401)
})
