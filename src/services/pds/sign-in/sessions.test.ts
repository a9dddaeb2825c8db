/** Password sessions: what is ended opens nothing from that moment. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Did } from '#protocol/syntax'
import { Browser } from '../pages/browser.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { EndedSessions } from './ended-sessions.ts'

let host: TestHost
let alice: Person
let count = 0

before(async () => {
  host = await TestHost.open()
})
beforeEach(async () => {
  alice = await host.signUp(`alice${++count}`)
})
after(() => host.close())

type Tokens = Pick<Person, 'accessJwt' | 'refreshJwt'>

async function signIn({ handle, password }: Person, given = password): Promise<Tokens> {
  const input = { identifier: handle, password: given }
  return (await host.post('com.atproto.server.createSession', input)).body
}

/** 'open', or the error of a call with an access token. */
async function stateOf({ accessJwt }: Tokens, at = host): Promise<string> {
  const answer = await at.get('com.atproto.server.getSession', {}, accessJwt)
  return answer.status === 200 ? 'open' : `${answer.status} ${answer.body.error}`
}

const renew = (refreshJwt: string) =>
  host.post('com.atproto.server.refreshSession', undefined, refreshJwt)

const ENDED = '400 ExpiredToken'

test('signing out ends the access tokens of that session and of no other', async () => {
  const [here, there] = [await signIn(alice), await signIn(alice)]
  assert.deepEqual([await stateOf(here), await stateOf(there)], ['open', 'open'])
  await host.post('com.atproto.server.deleteSession', undefined, here.refreshJwt)
  assert.deepEqual([await stateOf(here), await stateOf(there)], [ENDED, 'open'])
})

test('tokens from before a renewal end with their session, and bring it back no more', async () => {
  const first = await signIn(alice)
  const second = (await renew(first.refreshJwt)).body
  const third = (await renew(second.refreshJwt)).body
  assert.deepEqual(await Promise.all([first, second, third].map((one) => stateOf(one))), [
    ...['open', 'open', 'open'],
  ])
  await host.post('com.atproto.server.deleteSession', undefined, third.refreshJwt)
  for (const one of [first, second, third]) {
    assert.equal(await stateOf(one), ENDED)
    assert.equal((await renew(one.refreshJwt)).body.error, 'ExpiredToken')
  }
})

test('a session that is ended at the account’s pages stops at once', async () => {
  const session = await signIn(alice)
  const browser = new Browser(host)
  await browser.signIn(alice)
  await browser.open('/account/sessions')
  await browser.send('name="all"', { all: '1' })
  assert.deepEqual([await stateOf(session), await stateOf(alice)], [ENDED, ENDED])
  assert.equal(await stateOf(await signIn(alice)), 'open')
})

test('an app password that is taken back ends what it opened, and nothing else', async () => {
  const create = { name: 'old phone' }
  const made = await host.post('com.atproto.server.createAppPassword', create, alice.accessJwt)
  const byApp = await signIn(alice, made.body.password)
  assert.equal(await stateOf(byApp), 'open')
  await host.post('com.atproto.server.revokeAppPassword', create, alice.accessJwt)
  assert.deepEqual([await stateOf(byApp), await stateOf(alice)], [ENDED, 'open'])
})

test('a new password ends every session at once, and the same second opens a new one', async () => {
  const before = await signIn(alice)
  await host.post('com.atproto.server.requestPasswordReset', { email: alice.email })
  const token = await host.mailedCode(alice)
  const password = 'another password'
  await host.post('com.atproto.server.resetPassword', { token, password })
  assert.deepEqual([await stateOf(before), await stateOf(alice)], [ENDED, ENDED])
  assert.equal(await stateOf(await signIn(alice, password)), 'open')
})

test('what was ended stays ended when the host starts again', async () => {
  const [ended, open] = [await signIn(alice), await signIn(alice)]
  await host.post('com.atproto.server.deleteSession', undefined, ended.refreshJwt)
  host = await host.restart()
  assert.deepEqual([await stateOf(ended), await stateOf(open)], [ENDED, 'open'])
})

test('a session from before sessions had names ends at once too', async () => {
  const old = await signIn(alice)
  await host.sql.run('UPDATE refresh_tokens SET session_id = NULL WHERE did = ?', [alice.did])
  const renewed = (await renew(old.refreshJwt)).body
  assert.equal(await stateOf(renewed), 'open')
  await host.post('com.atproto.server.deleteSession', undefined, renewed.refreshJwt)
  assert.equal(await stateOf(renewed), ENDED)
  assert.equal((await renew(old.refreshJwt)).body.error, 'ExpiredToken')
})

test('who is taken down is told so, and what was open is not open again afterwards', async () => {
  const standing = (applied: boolean) =>
    host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
      headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
      input: {
        subject: { $type: 'com.atproto.admin.defs#repoRef', did: alice.did },
        takedown: { applied },
      },
    })
  await standing(true)
  assert.equal(await stateOf(alice), '401 AccountTakedown')
  await standing(false)
  assert.equal(await stateOf(alice), ENDED)
})

const did = 'did:plc:abcdefghijklmnopqrstuvwx' as Did
const startMs = 1_700_000_000_000

/** What is remembered, on a clock of its own. */
async function memory() {
  await host.sql.run('DELETE FROM ended_sessions')
  const clock = { nowMs: startMs }
  const now = () => clock.nowMs
  const ended = await EndedSessions.load({ sql: host.sql, lifetimeMs: 3_600_000, now, max: 3 })
  return {
    ended,
    async end(sid: string, atMs: number) {
      clock.nowMs = atMs
      const remember = await host.sql.transaction((sql) => ended.note(sql, [sid]))
      remember()
    },
    isOver: (sid: string | undefined, madeMs: number) =>
      ended.has({ ...(sid !== undefined && { sid }), sub: did, iat: madeMs / 1000 }),
  }
}

test('more ended sessions than are remembered open nothing: what is older is to be renewed', async () => {
  const { end, isOver } = await memory()
  const ids = ['a', 'b', 'c', 'd', 'e']
  for (const [i, id] of ids.entries()) await end(id, startMs + i * 1_000)
  for (const id of ids) assert.equal(isOver(id, startMs - 1_000), true, id)
  assert.equal(isOver('another, of before', startMs), true)
  assert.equal(isOver('another, made since', startMs + 2_000), false)
})

test('an ended session is forgotten when its last access token is over', async () => {
  const { end, isOver } = await memory()
  await end('first', startMs)
  await end('second', startMs + 3_600_000)
  assert.equal(isOver('second', startMs + 3_600_000), true)
  assert.equal(isOver('first', startMs + 3_600_000), false)
  assert.equal(isOver('a third', startMs - 1_000), false, 'nothing had to be renewed')
})

test('a token that names no session ends with all of its account, one made later does not', async () => {
  const { end, isOver } = await memory()
  await end(did, startMs)
  assert.equal(isOver(undefined, startMs - 1_000), true)
  assert.equal(isOver(undefined, startMs + 1_000), false)
  assert.equal(isOver('named', startMs - 1_000), false)
})
