/** What operators do with accounts and invite codes, and that each of it is on record. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signServiceAuth } from '#protocol/auth'
import { plcState } from '#protocol/identity'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let ann: Person
let ben: Person
let mod: Person
before(async () => {
  const plain = await TestHost.open()
  mod = await plain.signUp('the-mod')
  await plain.close({ keep: true })
  host = await plain.again({ config: { moderators: [mod.did] } })
  ann = await host.signUp('ann')
  ben = await host.signUp('ben')
})
after(() => host.close())

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const NOBODY = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

const admin = (method: string, input: unknown, headers: Record<string, string> = ADMIN) =>
  host.call('POST', `com.atproto.admin.${method}`, { input, headers })
const ask = (method: string, params: Record<string, unknown>, headers = ADMIN) =>
  host.call('GET', `com.atproto.admin.${method}`, { params, headers })
const info = async ({ did }: Person) => (await ask('getAccountInfo', { did })).body
const signIn = ({ did, password }: Pick<Person, 'did' | 'password'>) =>
  host.post('com.atproto.server.createSession', { identifier: did, password })

test('an account is shown with its profile, its dates and its invites', async () => {
  const displayName = 'Ann of the hills'
  await host.write(ann, '', {
    collection: 'app.bsky.actor.profile',
    rkey: 'self',
    record: { $type: 'app.bsky.actor.profile', displayName },
  })
  const view = await info(ann)
  assert.deepEqual(
    [view.did, view.handle, view.email, view.invites, view.invitesDisabled],
    [ann.did, ann.handle, ann.email, [], false],
  )
  assert.equal(view.relatedRecords[0].displayName, displayName)
  assert.equal(view.emailConfirmedAt, undefined)
  assert.doesNotMatch(JSON.stringify(view), /argon2|password|key/i)
  await host.post('com.atproto.server.deactivateAccount', {}, ben.accessJwt)
  assert.ok((await info(ben)).deactivatedAt)
  await host.post('com.atproto.server.activateAccount', undefined, ben.accessJwt)
  assert.equal((await info(ben)).deactivatedAt, undefined)
})

test('several accounts are shown at once, without those that are not here', async () => {
  const { body } = await ask('getAccountInfos', { dids: [ann.did, NOBODY, ben.did, ann.did] })
  assert.deepEqual(body.infos.map(({ did }: Person) => did).sort(), [ann.did, ben.did].sort())
  const many = Array.from({ length: 101 }, () => ann.did)
  assert.equal((await ask('getAccountInfos', { dids: many })).body.error, 'InvalidRequest')
})

test('accounts are found by a part of their address or handle, and listed page by page', async () => {
  const found = async (params: Record<string, unknown>) =>
    (await ask('searchAccounts', params)).body.accounts.map(({ handle }: Person) => handle)
  assert.deepEqual(await found({ email: 'BEN@mail' }), ['ben.test'])
  assert.deepEqual(await found({ email: 'the-mo' }), ['the-mod.test'])
  assert.deepEqual(await found({ email: '%' }), [])
  assert.deepEqual(await found({ email: '_en@' }), [])
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const { body } = await ask('searchAccounts', { limit: 1, cursor })
    seen.push(...body.accounts.map(({ handle }: Person) => handle))
    cursor = body.cursor
  } while (cursor)
  assert.deepEqual(seen.sort(), ['ann.test', 'ben.test', 'the-mod.test'])
})

test('an address set by the operator has to be confirmed, and is nobody else’s', async () => {
  assert.equal(
    (await admin('updateAccountEmail', { account: ann.handle, email: 'Ann@New.example' })).status,
    200,
  )
  const view = await info(ann)
  assert.deepEqual([view.email, view.emailConfirmedAt], ['ann@new.example', undefined])
  const rows: [string, string][] = [
    [ann.did, ben.email],
    [ann.did, 'nonsense'],
  ]
  for (const [account, email] of rows) {
    const { body } = await admin('updateAccountEmail', { account, email })
    assert.equal(body.error, 'InvalidRequest')
  }
  const unknown = await admin('updateAccountEmail', { account: NOBODY, email: 'a@b.example' })
  assert.equal(unknown.body.error, 'NotFound')
})

test('a handle set by the operator may be a reserved one, and reaches identity and network', async () => {
  const cursor = (await host.events()).at(-1)!.seq
  assert.equal(
    (await admin('updateAccountHandle', { did: ann.did, handle: 'press.test' })).status,
    200,
  )
  const state = plcState(host.plc.log(ann.did).at(-1)!.operation)!
  assert.deepEqual(state.alsoKnownAs, ['at://press.test'])
  const events = await host.events(cursor)
  assert.deepEqual(
    events.map(({ type, body }) => [type, body.handle]),
    [['#identity', 'press.test']],
  )
  const rows: [string, string, string][] = [
    [ann.did, 'ben.test', 'HandleNotAvailable'],
    [ann.did, 'ab.test', 'InvalidHandle'],
    [ann.did, 'elsewhere.example', 'InvalidHandle'],
    [NOBODY, 'new-name.test', 'NotFound'],
  ]
  for (const [did, handle, error] of rows) {
    assert.equal((await admin('updateAccountHandle', { did, handle })).body.error, error, handle)
  }
})

test('a password set by the operator ends every session', async () => {
  const password = 'a new password'
  assert.equal((await admin('updateAccountPassword', { did: ann.did, password })).status, 200)
  const old = await host.post('com.atproto.server.refreshSession', undefined, ann.refreshJwt)
  assert.equal(old.body.error, 'ExpiredToken')
  assert.equal((await host.get('com.atproto.server.getSession', {}, ann.accessJwt)).status, 400)
  assert.equal((await signIn(ann)).status, 401)
  const again = await signIn({ did: ann.did, password })
  assert.equal(again.status, 200)
  Object.assign(ann, again.body, { password })
  const short = await admin('updateAccountPassword', { did: ann.did, password: 'short' })
  assert.equal(short.body.error, 'InvalidPassword')
})

test('the owner is told what operators did to a password, an address, and every way in', async () => {
  const fay = await host.signUp('fay')
  await admin('updateAccountPassword', { did: fay.did, password: 'set by the operator' })
  await admin('updateAccountEmail', { account: fay.did, email: 'fay@new.example' })
  await admin('updateAccountEmail', { account: fay.did, email: 'fay@new.example' })
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const input = { account: fay.did }
  await host.call('POST', 'com.atproto.temp.revokeAccountCredentials', { input, headers })
  const { letters } = await host.admin('listLetters', { recipient: fay.did, limit: 50 })
  const told = letters
    .filter(({ purpose }: { purpose: string }) => purpose.startsWith('notice-operator'))
    .map((one: { purpose: string; recipient: string }) => [one.purpose, one.recipient])
  assert.deepEqual(told.toReversed(), [
    ['notice-operator-password', fay.email],
    ['notice-operator-email', fay.email],
    ['notice-operator-shut', 'fay@new.example'],
  ])
})

test('credentials that leaked are revoked: password, app passwords and sessions', async () => {
  const eve = await host.signUp('eve')
  const { body: app } = await host.post(
    'com.atproto.server.createAppPassword',
    { name: 'app' },
    eve.accessJwt,
  )
  const answer = await host.call('POST', 'com.atproto.temp.revokeAccountCredentials', {
    input: { account: eve.handle },
    headers: ADMIN,
  })
  assert.equal(answer.status, 200)
  assert.equal((await signIn(eve)).status, 401)
  assert.equal((await signIn({ did: eve.did, password: app.password })).status, 401)
  const refresh = await host.post('com.atproto.server.refreshSession', undefined, eve.refreshJwt)
  assert.equal(refresh.body.error, 'ExpiredToken')
})

test('invites of an account are stopped with a note, and let go on', async () => {
  await admin('disableAccountInvites', { account: ben.did, note: 'sold codes' })
  let view = await info(ben)
  assert.deepEqual([view.invitesDisabled, view.inviteNote], [true, 'sold codes'])
  await admin('enableAccountInvites', { account: ben.did })
  view = await info(ben)
  assert.deepEqual([view.invitesDisabled, view.inviteNote], [false, undefined])
  const unknown = await admin('disableAccountInvites', { account: NOBODY })
  assert.equal(unknown.body.error, 'NotFound')
})

test('codes are listed by age and by use, page by page, and stopped', async () => {
  const make = async (useCount: number, forAccount?: string) => {
    host.outside.setNow(host.outside.now() + 1_000)
    const { body } = await host.call('POST', 'com.atproto.server.createInviteCode', {
      input: { useCount, forAccount },
      headers: ADMIN,
    })
    return body.code as string
  }
  const codes = [await make(3), await make(1, ben.did), await make(2)]
  const carl = await host.signUp('carl', { inviteCode: codes[0] })
  const list = async (sort: string) => {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const { body } = await ask('getInviteCodes', { sort, limit: 1, cursor })
      seen.push(...body.codes.map(({ code }: { code: string }) => code))
      cursor = body.cursor
    } while (cursor)
    return seen
  }
  assert.deepEqual(await list('recent'), codes.toReversed())
  assert.equal((await list('usage'))[0], codes[0])
  assert.equal((await list('usage')).length, 3)
  const { invitedBy } = await info(carl)
  assert.deepEqual(
    [invitedBy.code, invitedBy.available, invitedBy.uses[0].usedBy],
    [codes[0], 3, carl.did],
  )
  await admin('disableInviteCodes', { codes: [codes[0]], accounts: [ben.did] })
  for (const inviteCode of [codes[0], codes[1]]) {
    const { body } = await host.post('com.atproto.server.createAccount', {
      handle: 'dora.test',
      password: 'password of dora',
      inviteCode,
    })
    assert.equal(body.error, 'InvalidInviteCode')
  }
  for (const [params, error] of [
    [{ sort: 'beauty' }, 'InvalidRequest'],
    [{ cursor: 'x' }, 'InvalidRequest'],
  ] as const) {
    assert.equal((await ask('getInviteCodes', params)).body.error, error)
  }
  const own = await admin('disableInviteCodes', { accounts: ['admin'] })
  assert.equal(own.body.error, 'InvalidRequest')
})

test('a name kept back is nobody’s to sign up with', async () => {
  const input = { handle: 'Sultan-Qaboos' }
  await host.call('POST', 'com.atproto.temp.addReservedHandle', { input, headers: ADMIN })
  host = await host.restart()
  const { body } = await host.post('com.atproto.server.createAccount', {
    handle: 'sultan-qaboos.test',
    password: 'password of nobody',
  })
  assert.equal(body.error, 'HandleNotAvailable')
})

test('an account is deleted by the operator’s word, announced, and opens to nobody', async () => {
  const gone = await host.signUp('gone')
  const cursor = (await host.events()).at(-1)!.seq
  assert.equal((await admin('deleteAccount', { did: gone.did })).status, 200)
  const events = await host.events(cursor)
  assert.deepEqual(
    events.map(({ type, body }) => [type, body.status]),
    [['#account', 'deleted']],
  )
  assert.equal((await signIn(gone)).status, 401)
  assert.equal((await ask('getAccountInfo', { did: gone.did })).body.error, 'NotFound')
  assert.equal((await admin('deleteAccount', { did: gone.did })).body.error, 'NotFound')
})

async function tokenOf(person: Person, claims: { lxm?: string; aud?: string; iss?: string }) {
  const token = signServiceAuth({
    iss: claims.iss ?? person.did,
    aud: claims.aud ?? host.service.did,
    lxm: claims.lxm,
    nowMs: host.outside.now(),
    jti: 'x',
    key: await host.leakedKey(person.did),
  })
  return { authorization: `Bearer ${token}` }
}

test('the moderation service that was named moderates by its own tokens; no other does', async () => {
  const takedown = (headers: Record<string, string>) =>
    admin(
      'updateSubjectStatus',
      {
        subject: { $type: 'com.atproto.admin.defs#repoRef', did: ben.did },
        takedown: { applied: false },
      },
      headers,
    )
  const lxm = 'com.atproto.admin.updateSubjectStatus'
  assert.equal((await takedown(await tokenOf(mod, { lxm }))).status, 200)
  const attempts: [Parameters<typeof tokenOf>, string][] = [
    [[mod, { lxm: 'com.atproto.admin.getSubjectStatus' }], 'BadJwtLexiconMethod'],
    [[mod, { lxm, aud: 'did:web:other.example' }], 'BadJwtAudience'],
    [[ben, { lxm }], 'UntrustedIss'],
    [[ben, { lxm, iss: mod.did }], 'BadJwtSignature'],
    [[mod, { lxm, iss: `${mod.did}#atproto_labeler` }], 'BadJwtIss'],
  ]
  for (const [args, error] of attempts) {
    const answer = await takedown(await tokenOf(...args))
    assert.deepEqual([answer.status, answer.body.error], [401, error])
  }
  const deleting = await tokenOf(mod, { lxm: 'com.atproto.admin.deleteAccount' })
  const refused = await admin('deleteAccount', { did: ben.did }, deleting)
  assert.deepEqual([refused.status, refused.body.error], [403, 'Forbidden'])
})

test('it reads an account’s preferences, all of them, which is on record; nobody else does', async () => {
  const preferences = [
    { $type: 'app.bsky.actor.defs#adultContentPref', enabled: true },
    { $type: 'app.bsky.actor.defs#personalDetailsPref', birthDate: '1990-01-01T00:00:00.000Z' },
  ]
  const lxm = 'app.bsky.actor.getPreferences'
  await host.post('app.bsky.actor.putPreferences', { preferences }, ann.accessJwt)
  const read = async (params: Record<string, unknown>, token: Promise<Record<string, string>>) =>
    host.call('GET', lxm, { params, headers: await token })
  const byMod = await read({ did: ann.did }, tokenOf(mod, { lxm }))
  assert.deepEqual(
    byMod.body.preferences.map(({ $type }: { $type: string }) => $type.split('#')[1]),
    ['adultContentPref', 'personalDetailsPref', 'declaredAgePref'],
  )
  const { entries } = await host.admin('listAudit', { method: lxm })
  assert.deepEqual(
    entries.map(({ operator, subject, outcome }: Record<string, string>) => [
      operator,
      subject,
      outcome,
    ]),
    [[mod.did, ann.did, 'ok']],
  )
  assert.equal((await read({}, tokenOf(mod, { lxm }))).body.error, 'InvalidRequest')
  assert.equal((await read({ did: NOBODY }, tokenOf(mod, { lxm }))).body.error, 'RepoNotFound')
  for (const token of [
    tokenOf(ben, { lxm }),
    tokenOf(mod, { lxm: 'app.bsky.actor.putPreferences' }),
    Promise.resolve(ADMIN),
  ]) {
    const { status } = await read({ did: ann.did }, token)
    assert.equal(status, 401)
  }
  const own = await host.get(lxm, { did: ann.did }, ben.accessJwt)
  assert.deepEqual(own.body.preferences, [], 'everybody else reads their own')
})
