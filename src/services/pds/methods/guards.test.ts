/** Who may call what: every method of the table, and everybody who must not get in. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { signServiceAuth, signSession } from '#protocol/auth'
import { generateKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

/**
 * `open`: everybody. `owner`: by access token, also while deactivated; `active`: only while active.
 * `full` and `activeFull`: the same by the account's own password alone. `refresh`: by refresh
 * token. The others: by an operator whose role has that permission, `admin` by one that may all.
 */
type Guard =
  | 'open'
  | 'vault'
  | 'standby'
  | 'owner'
  | 'active'
  | 'full'
  | 'activeFull'
  | 'refresh'
  | OperatorGuard
type OperatorGuard = 'admin' | 'look' | 'moderate' | 'invite' | 'care' | 'audit'

/** Which roles get past which of the operators' guards. */
const roles: Record<OperatorGuard, readonly string[]> = {
  admin: ['admin'],
  look: ['admin', 'moderator', 'support', 'viewer'],
  moderate: ['admin', 'moderator'],
  invite: ['admin', 'support'],
  care: ['admin', 'moderator', 'support'],
  audit: ['admin', 'viewer'],
}

/** What the owner of an account that was taken down may still do. */
const takendownMay = [
  'app.bsky.actor.getPreferences',
  'app.falaj.identity.acknowledgeAlarm',
  'app.falaj.identity.getKeyHealth',
  'app.falaj.identity.listAlarms',
  'app.falaj.identity.undoOperation',
  'com.atproto.identity.requestPlcOperationSignature',
  'com.atproto.identity.signPlcOperation',
  'com.atproto.server.deactivateAccount',
  'com.atproto.server.getServiceAuth',
]

const ANY_CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
const repo = { repo: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
const did = { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
const collection = 'app.bsky.feed.post'

const guards: Record<string, [verb: 'GET' | 'POST', Guard, params?: Record<string, unknown>]> = {
  'app.bsky.actor.getPreferences': ['GET', 'owner'],
  'app.bsky.actor.putPreferences': ['POST', 'owner'],
  'app.bsky.notification.registerPush': ['POST', 'owner'],
  'app.bsky.notification.unregisterPush': ['POST', 'owner'],
  'app.falaj.account.confirmPassword': ['POST', 'full'],
  'app.falaj.admin.letGo': ['POST', 'admin'],
  'app.falaj.fleet.addAccounts': ['POST', 'admin'],
  'app.falaj.fleet.create': ['POST', 'admin'],
  'app.falaj.fleet.decide': ['POST', 'admin'],
  'app.falaj.fleet.get': ['GET', 'look', { id: 'none' }],
  'app.falaj.fleet.list': ['GET', 'look'],
  'app.falaj.fleet.listAccounts': ['GET', 'look', { id: 'none' }],
  'app.falaj.standby.getAccountFile': ['GET', 'standby'],
  'app.falaj.standby.getBlob': ['GET', 'standby'],
  'app.falaj.standby.getDirectory': ['GET', 'standby'],
  'app.falaj.standby.join': ['POST', 'standby'],
  'app.falaj.standby.pull': ['GET', 'standby'],
  'app.falaj.account.exportPrivate': ['GET', 'vault', did],
  'app.falaj.account.letVaultRead': ['POST', 'activeFull', { vault: 'https://vault.test' }],
  'app.falaj.account.listVaults': ['GET', 'full'],
  'app.falaj.account.signRescue': ['POST', 'full'],
  'app.falaj.account.stopVault': ['POST', 'full'],
  'app.falaj.identity.acknowledgeAlarm': ['POST', 'full'],
  'app.falaj.identity.changeDocument': ['POST', 'full'],
  'app.falaj.identity.listAlarms': ['GET', 'full'],
  'app.falaj.identity.undoOperation': ['POST', 'full'],
  'app.falaj.identity.checkRecoveryKey': ['POST', 'full'],
  'app.falaj.identity.getKeyHealth': ['GET', 'full'],
  'app.falaj.identity.keepWrappedKey': ['POST', 'full'],
  'app.falaj.identity.registerRecoveryKey': ['POST', 'full'],
  'app.falaj.identity.removeRecoveryKey': ['POST', 'full'],
  'app.falaj.move.abandon': ['POST', 'full'],
  'app.falaj.move.confirm': ['POST', 'full'],
  'app.falaj.move.freeze': ['POST', 'activeFull'],
  'app.falaj.move.get': ['GET', 'full'],
  'app.falaj.move.list': ['GET', 'full'],
  'app.falaj.move.pause': ['POST', 'full'],
  'app.falaj.move.plan': ['POST', 'open'],
  'app.falaj.move.resume': ['POST', 'full'],
  'app.falaj.move.start': ['POST', 'open'],
  'app.falaj.move.wayBack': ['POST', 'full'],
  'app.falaj.admin.addOperator': ['POST', 'admin'],
  'app.falaj.admin.addOrganisationKey': ['POST', 'admin'],
  'app.falaj.admin.getHealth': ['GET', 'look'],
  'app.falaj.admin.getLetter': ['GET', 'admin', { id: 1 }],
  'app.falaj.admin.listAudit': ['GET', 'audit'],
  'app.falaj.admin.listLetters': ['GET', 'look'],
  'app.falaj.admin.listOperators': ['GET', 'audit'],
  'app.falaj.admin.resendLetter': ['POST', 'care'],
  'app.falaj.admin.revokeOperator': ['POST', 'admin'],
  'app.falaj.admin.endSuspension': ['POST', 'moderate'],
  'app.falaj.admin.listSuspensions': ['GET', 'look'],
  'app.falaj.admin.suspendAccount': ['POST', 'moderate'],
  'com.atproto.admin.deleteAccount': ['POST', 'admin'],
  'com.atproto.admin.disableAccountInvites': ['POST', 'care'],
  'com.atproto.admin.disableInviteCodes': ['POST', 'care'],
  'com.atproto.admin.enableAccountInvites': ['POST', 'care'],
  'com.atproto.admin.getAccountInfo': ['GET', 'look', did],
  'com.atproto.admin.getAccountInfos': ['GET', 'look', { dids: [did.did] }],
  'com.atproto.admin.getInviteCodes': ['GET', 'look'],
  'com.atproto.admin.getSubjectStatus': ['GET', 'look'],
  'com.atproto.admin.searchAccounts': ['GET', 'look'],
  'com.atproto.admin.sendEmail': ['POST', 'care'],
  'com.atproto.admin.updateAccountEmail': ['POST', 'admin'],
  'com.atproto.admin.updateAccountHandle': ['POST', 'admin'],
  'com.atproto.admin.updateAccountPassword': ['POST', 'admin'],
  'com.atproto.admin.updateAccountSigningKey': ['POST', 'admin'],
  'com.atproto.admin.updateSubjectStatus': ['POST', 'moderate'],
  'com.atproto.identity.getRecommendedDidCredentials': ['GET', 'owner'],
  'com.atproto.identity.refreshIdentity': ['POST', 'owner'],
  'com.atproto.identity.requestPlcOperationSignature': ['POST', 'full'],
  'com.atproto.identity.resolveDid': ['GET', 'open', did],
  'com.atproto.identity.resolveHandle': ['GET', 'open', { handle: 'nobody.test' }],
  'com.atproto.identity.resolveIdentity': ['GET', 'open', { identifier: 'nobody.test' }],
  'com.atproto.identity.signPlcOperation': ['POST', 'full'],
  'com.atproto.identity.submitPlcOperation': ['POST', 'full'],
  'com.atproto.identity.updateHandle': ['POST', 'activeFull'],
  'com.atproto.repo.applyWrites': ['POST', 'active'],
  'com.atproto.repo.createRecord': ['POST', 'active'],
  'com.atproto.repo.deleteRecord': ['POST', 'active'],
  'com.atproto.repo.describeRepo': ['GET', 'open', repo],
  'com.atproto.repo.getRecord': ['GET', 'open', { ...repo, collection, rkey: 'a' }],
  'com.atproto.repo.importRepo': ['POST', 'full'],
  'com.atproto.repo.listMissingBlobs': ['GET', 'owner'],
  'com.atproto.repo.listRecords': ['GET', 'open', { ...repo, collection }],
  'com.atproto.repo.putRecord': ['POST', 'active'],
  'com.atproto.repo.uploadBlob': ['POST', 'owner'],
  'com.atproto.server.activateAccount': ['POST', 'full'],
  'com.atproto.server.checkAccountStatus': ['GET', 'owner'],
  'com.atproto.server.confirmEmail': ['POST', 'owner'],
  'com.atproto.server.createAccount': ['POST', 'open'],
  'com.atproto.server.createAppPassword': ['POST', 'activeFull'],
  'com.atproto.server.createInviteCode': ['POST', 'invite'],
  'com.atproto.server.createInviteCodes': ['POST', 'invite'],
  'com.atproto.server.createSession': ['POST', 'open'],
  'com.atproto.server.deactivateAccount': ['POST', 'full'],
  'com.atproto.server.deleteAccount': ['POST', 'open'],
  'com.atproto.server.deleteSession': ['POST', 'refresh'],
  'com.atproto.server.describeServer': ['GET', 'open'],
  'com.atproto.server.getAccountInviteCodes': ['GET', 'full'],
  'com.atproto.server.getServiceAuth': ['GET', 'owner', { aud: 'did:web:other.example' }],
  'com.atproto.server.getSession': ['GET', 'owner'],
  'com.atproto.server.listAppPasswords': ['GET', 'activeFull'],
  'com.atproto.server.refreshSession': ['POST', 'refresh'],
  'com.atproto.server.requestAccountDelete': ['POST', 'full'],
  'com.atproto.server.requestEmailConfirmation': ['POST', 'owner'],
  'com.atproto.server.requestEmailUpdate': ['POST', 'full'],
  'com.atproto.server.requestPasswordReset': ['POST', 'open'],
  'com.atproto.server.reserveSigningKey': ['POST', 'open'],
  'com.atproto.server.resetPassword': ['POST', 'open'],
  'com.atproto.server.revokeAppPassword': ['POST', 'activeFull'],
  'com.atproto.server.updateEmail': ['POST', 'full'],
  'com.atproto.sync.getBlob': ['GET', 'open', { ...did, cid: ANY_CID }],
  'com.atproto.sync.getBlocks': ['GET', 'open', { ...did, cids: [ANY_CID] }],
  'com.atproto.sync.getCheckout': ['GET', 'open', did],
  'com.atproto.sync.getHead': ['GET', 'open', did],
  'com.atproto.sync.getLatestCommit': ['GET', 'open', did],
  'com.atproto.sync.getRecord': ['GET', 'open', { ...did, collection, rkey: 'a' }],
  'com.atproto.sync.getRepo': ['GET', 'open', did],
  'com.atproto.sync.getRepoStatus': ['GET', 'open', did],
  'com.atproto.sync.listBlobs': ['GET', 'open', did],
  'com.atproto.sync.listRepos': ['GET', 'open'],
  'com.atproto.sync.subscribeRepos': ['GET', 'open'],
  'com.atproto.temp.addReservedHandle': ['POST', 'admin'],
  'com.atproto.temp.revokeAccountCredentials': ['POST', 'admin'],
  'com.atproto.temp.checkHandleAvailability': ['GET', 'open', { handle: 'nobody.test' }],
  'com.atproto.temp.checkSignupQueue': ['GET', 'owner'],
}

const isGuardedBy =
  (...kinds: Guard[]) =>
  ([, [, guard]]: [string, (typeof guards)[string]]) =>
    kinds.includes(guard)
const ownerMethods = Object.entries(guards).filter(
  isGuardedBy('owner', 'active', 'full', 'activeFull'),
)

const operatorMethods = Object.entries(guards).flatMap(([nsid, [, guard]]) =>
  guard in roles ? [[nsid, guard as OperatorGuard] as const] : [],
)

let host: TestHost
let alice: Person
let appPassword: string
let privileged: string

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
  appPassword = await appToken('plain', false)
  privileged = await appToken('more', true)
})
after(() => host.close())

async function appToken(name: string, isPrivileged: boolean): Promise<string> {
  const made = await host.post(
    'com.atproto.server.createAppPassword',
    { name, privileged: isPrivileged },
    alice.accessJwt,
  )
  const session = await host.post('com.atproto.server.createSession', {
    identifier: alice.handle,
    password: made.body.password,
  })
  return session.body.accessJwt
}

/** Each from another place: who guesses often from one is made to wait. */
let knocks = 0

function knock(nsid: string, headers: Record<string, string>): Promise<Answer> {
  const [verb, , params] = guards[nsid]!
  return host.call(verb, nsid, { params, headers, ip: `10.0.0.${++knocks}` })
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${btoa(`${user}:${password}`)}`,
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Got past the guard: whatever is wrong then is the missing input, or that there is nothing yet. */
function isLetIn({ status, body }: Answer): boolean {
  return status < 400 || status === 404 || (status === 400 && !/Token|Auth/.test(body.error))
}

test('every method of the table is listed here with its guard', () => {
  const files = readdirSync(import.meta.dirname)
    .filter((name) => /^[a-z]+(\.[a-zA-Z]+){2,}\.ts$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
  assert.deepEqual(Object.keys(guards).sort(), files.sort())
})

test('open methods ask nobody who they are', async () => {
  for (const [nsid] of Object.entries(guards).filter(isGuardedBy('open'))) {
    if (nsid.endsWith('subscribeRepos')) continue
    const { status, body } = await knock(nsid, {})
    assert.ok(status < 401 || status === 404, `${nsid}: ${status} ${JSON.stringify(body)}`)
  }
})

test('nobody gets in without a token, or with something that is none', async () => {
  const attempts: Record<string, Record<string, string>> = {
    nothing: {},
    'an empty header': { authorization: '' },
    'an empty token': { authorization: 'Bearer ' },
    'a name': bearer('alice'),
    'three dots': bearer('a.b.c'),
    'no algorithm': bearer(`${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims())}.`),
    'Basic instead': { authorization: `Basic ${btoa('alice.test:password of alice')}` },
    'DPoP instead': { authorization: `DPoP ${alice.accessJwt}` },
  }
  for (const [nsid] of [
    ...ownerMethods,
    ...Object.entries(guards).filter(isGuardedBy('refresh')),
    ...operatorMethods,
  ]) {
    for (const [name, headers] of Object.entries(attempts)) {
      const { status, body } = await knock(nsid, headers)
      assert.ok(status === 400 || status === 401, `${nsid}, ${name}: ${status}`)
      assert.match(body.error, /Auth|InvalidToken|BadJwt|UntrustedIss/, `${nsid}, ${name}`)
    }
  }
})

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function claims(change: Record<string, unknown> = {}) {
  const iat = Math.floor(host.outside.now() / 1000)
  const scope = 'com.atproto.access' as const
  return { scope, sub: alice.did, aud: host.service.did, iat, exp: iat + 60, ...change }
}

test('nobody gets in with a token that this host did not make for this', async () => {
  const secret = new Uint8Array(32).fill(9)
  const key = generateKey('k256')
  const attempts = {
    'another host signed it': signSession(claims(), secret),
    'it says it is for another host': signSession(claims({ aud: 'did:web:b.test' as Did }), secret),
    'a refresh token': alice.refreshJwt,
    'a changed token': `${alice.accessJwt.slice(0, -4)}AAAA`,
    'changed claims': swapClaims(alice.accessJwt, { sub: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb' }),
    'a longer life': swapClaims(alice.accessJwt, { exp: 9_999_999_999 }),
    'a service token': signServiceAuth({
      iss: alice.did,
      aud: host.service.did,
      nowMs: host.outside.now(),
      jti: 'x',
      key,
    }),
  }
  for (const [nsid] of ownerMethods) {
    for (const [name, token] of Object.entries(attempts)) {
      const { status, body } = await knock(nsid, bearer(token))
      assert.ok(status === 400 || status === 401, `${nsid}, ${name}: ${status}`)
      assert.match(body.error, /InvalidToken|BadJwt/, `${nsid}, ${name}`)
    }
  }
})

function swapClaims(token: string, change: Record<string, unknown>): string {
  const [head, body, signature] = token.split('.')
  const old = JSON.parse(Buffer.from(body!, 'base64url').toString())
  return `${head}.${encode({ ...old, ...change })}.${signature}`
}

test('an access token is good for two hours', async () => {
  const later = await TestHost.open()
  const bob = await later.signUp('bob')
  later.outside.setNow(later.outside.now() + 2 * 3_600_000 - 1_000)
  const stillGood = await later.get('com.atproto.server.getSession', {}, bob.accessJwt)
  assert.equal(stillGood.status, 200)
  later.outside.setNow(later.outside.now() + 2_000)
  const over = await later.get('com.atproto.server.getSession', {}, bob.accessJwt)
  assert.deepEqual([over.status, over.body.error], [400, 'ExpiredToken'])
  await later.close()
})

test('an access token does not do for a refresh token', async () => {
  for (const nsid of ['com.atproto.server.refreshSession', 'com.atproto.server.deleteSession']) {
    const { status, body } = await knock(nsid, bearer(alice.accessJwt))
    assert.deepEqual([status, body.error], [400, 'InvalidToken'], nsid)
  }
})

test('app passwords stop where the account password is asked for', async () => {
  for (const [nsid, [, guard]] of ownerMethods) {
    for (const token of [appPassword, privileged]) {
      const answer = await knock(nsid, bearer(token))
      if (guard === 'full' || guard === 'activeFull') {
        assert.deepEqual([answer.status, answer.body.error], [400, 'InvalidToken'], nsid)
      } else assert.ok(isLetIn(answer), `${nsid}: ${answer.status} ${answer.body.error}`)
    }
  }
})

test('operators do what their role may, and nothing else', async () => {
  const secrets: Record<string, string> = {}
  for (const role of ['admin', 'moderator', 'support', 'viewer']) {
    const { body } = await host.call('POST', 'app.falaj.admin.addOperator', {
      input: { name: `the-${role}`, role },
      headers: basic('admin', 'admin-pass'),
    })
    secrets[role] = body.secret
  }
  for (const [nsid, guard] of operatorMethods) {
    assert.ok(isLetIn(await knock(nsid, basic('admin', 'admin-pass'))), nsid)
    for (const [role, secret] of Object.entries(secrets)) {
      const answer = await knock(nsid, basic(`the-${role}`, secret))
      if (roles[guard].includes(role)) assert.ok(isLetIn(answer), `${nsid} as ${role}`)
      else assert.deepEqual([answer.status, answer.body.error], [403, 'Forbidden'], nsid)
    }
  }
})

test('nobody operates the host with another’s secret, an account or a guess', async () => {
  const attempts = [
    bearer(alice.accessJwt),
    basic('admin', 'wrong'),
    basic('root', 'admin-pass'),
    basic('admin', ''),
    basic('', 'admin-pass'),
    basic('the-viewer', 'admin-pass'),
    basic(alice.handle, alice.password),
    basic("' OR 1=1 --", "' OR 1=1 --"),
    basic('admin', 'x'.repeat(10_000)),
  ]
  for (const [nsid] of operatorMethods) {
    for (const headers of attempts) assert.equal((await knock(nsid, headers)).status, 401, nsid)
  }
})

test('without an admin password there is no operator', async () => {
  const closed = await TestHost.open({ config: { adminPassword: undefined } })
  for (const password of ['', 'undefined', 'admin-pass']) {
    const { status } = await closed.call('POST', 'com.atproto.server.createInviteCode', {
      input: { useCount: 1 },
      headers: { authorization: `Basic ${btoa(`admin:${password}`)}` },
    })
    assert.equal(status, 401)
  }
  await closed.close()
})

test('a deactivated owner gets in where a move needs it, and nowhere else', async () => {
  const carol = await host.signUp('carol')
  await host.post('com.atproto.server.deactivateAccount', {}, carol.accessJwt)
  for (const [nsid, [, guard]] of ownerMethods) {
    if (nsid.endsWith('activateAccount')) continue
    const answer = await knock(nsid, bearer(carol.accessJwt))
    if (guard === 'active' || guard === 'activeFull') {
      assert.deepEqual([answer.status, answer.body.error], [401, 'AccountDeactivated'], nsid)
    } else assert.ok(isLetIn(answer), `${nsid}: ${answer.status} ${answer.body.error}`)
  }
})

test('nobody gets in with the tokens of an account that was taken down or deleted', async () => {
  const first = await TestHost.open()
  const dora = await first.signUp('dora')
  const emil = await first.signUp('emil')
  await first.sql.run(`UPDATE accounts SET status = 'takendown' WHERE did = ?`, [dora.did])
  const taken = await first.restart()
  await taken.post('com.atproto.server.requestAccountDelete', undefined, emil.accessJwt)
  const deleted = await taken.post('com.atproto.server.deleteAccount', {
    did: emil.did,
    password: emil.password,
    token: await taken.mailedCode(emil),
  })
  assert.equal(deleted.status, 200, JSON.stringify(deleted.body))
  const session = await taken.post('com.atproto.server.createSession', {
    identifier: dora.did,
    password: dora.password,
    allowTakendown: true,
  })
  for (const [nsid, [verb, , params]] of ownerMethods) {
    const knockWith = (token: string) => taken.call(verb, nsid, { params, token })
    assert.equal((await knockWith(emil.accessJwt)).status, 401, nsid)
    const [before, leaving] = [
      await knockWith(dora.accessJwt),
      await knockWith(session.body.accessJwt),
    ]
    if (takendownMay.includes(nsid)) {
      const isTold = ({ status, body }: Answer) =>
        // A token for nobody in particular is none that lets an account leave.
        isLetIn({ status, body } as Answer) || nsid.endsWith('getServiceAuth')
      assert.ok(isTold(before) && isTold(leaving), nsid)
    } else {
      assert.deepEqual([before.status, before.body.error], [401, 'AccountTakedown'], nsid)
      assert.deepEqual([leaving.status, leaving.body.error], [400, 'InvalidToken'], nsid)
    }
  }
  for (const refreshJwt of [dora.refreshJwt, emil.refreshJwt, session.body.refreshJwt]) {
    const { status } = await taken.post('com.atproto.server.refreshSession', undefined, refreshJwt)
    assert.equal(status, 401)
  }
  await taken.close()
})

test('nobody writes into the repository of another', async () => {
  const mallory = await host.signUp('mallory')
  const record = { $type: collection, text: 'forged', createdAt: '2026-01-01T00:00:00Z' }
  const before = await host.events()
  for (const repo of [alice.did, alice.handle]) {
    const attempts: [string, Record<string, unknown>][] = [
      ['createRecord', { repo, collection, record }],
      ['putRecord', { repo, collection, rkey: 'self', record }],
      ['deleteRecord', { repo, collection, rkey: 'self' }],
      [
        'applyWrites',
        {
          repo,
          writes: [{ $type: `com.atproto.repo.applyWrites#create`, collection, value: record }],
        },
      ],
    ]
    for (const [name, input] of attempts) {
      const { status } = await host.post(`com.atproto.repo.${name}`, input, mallory.accessJwt)
      assert.equal(status, 403, name)
    }
  }
  assert.deepEqual(await host.listTexts(alice), [])
  assert.equal((await host.events()).length, before.length)
})

test('an unknown method that nobody takes on is not implemented', async () => {
  for (const verb of ['GET', 'POST'] as const) {
    const { status, body } = await host.call(verb, 'com.example.nothing', {
      token: alice.accessJwt,
    })
    assert.deepEqual([status, body.error], [501, 'MethodNotImplemented'])
  }
})
