import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ComAtprotoServerGetSession } from '@atcute/atproto'
import { FakeHosts, FROM, ok, refused } from './fake-hosts.test-support.ts'
import { isUnknownMethod, resumeSession, type SessionState, signIn } from './session.ts'

const session = { handle: 'alice.example', accessJwt: 'access-1', refreshJwt: 'refresh-1' }

/** A host whose access tokens run out when the test says so. */
function host() {
  const hosts = new FakeHosts()
  let good = 'access-1'
  hosts.on(FROM, 'com.atproto.server.createSession', () => ok({ ...session, did: hosts.did }))
  hosts.on(FROM, 'com.atproto.server.getSession', ({ authorization }) =>
    authorization === `Bearer ${good}`
      ? ok({ did: hosts.did, handle: session.handle })
      : refused(400, 'ExpiredToken'),
  )
  hosts.on(FROM, 'com.atproto.server.refreshSession', ({ authorization }) => {
    if (authorization !== 'Bearer refresh-1') return refused(401, 'ExpiredToken')
    good = 'access-2'
    const fresh = { accessJwt: 'access-2', refreshJwt: 'refresh-2' }
    return ok({ ...session, ...fresh, did: hosts.did })
  })
  return { hosts, expire: () => (good = 'none') }
}

const ask = ({ client }: Awaited<ReturnType<typeof signIn>>) =>
  client.get(ComAtprotoServerGetSession.mainSchema, {})

describe('an owner’s session', () => {
  test('calls with its token', async () => {
    const { hosts } = host()
    const owner = await signIn({ service: FROM, fetch: hosts.fetch }, 'alice.example', 'password')
    assert.equal((await ask(owner)).handle, 'alice.example')
    assert.equal(hosts.count(FROM, 'com.atproto.server.refreshSession'), 0)
  })

  test('asks for a code where the host wants one, and only there', async () => {
    const { hosts } = host()
    const at = { service: FROM, fetch: hosts.fetch }
    const askFactor = async () => '123456'
    await signIn(at, 'alice.example', 'password', { askFactor })
    assert.equal(hosts.count(FROM, 'com.atproto.server.createSession'), 1)
    hosts.on(FROM, 'com.atproto.server.createSession', ({ input }) =>
      (input as { authFactorToken?: string }).authFactorToken === '123456'
        ? ok({ ...session, did: hosts.did })
        : refused(401, 'AuthFactorTokenRequired'),
    )
    const owner = await signIn(at, 'alice.example', 'password', { askFactor })
    assert.equal(owner.state.accessJwt, 'access-1')
    const error = 'AuthFactorTokenRequired'
    await assert.rejects(signIn(at, 'alice.example', 'password'), { error })
  })

  test('renews a token that ran out, once for all who wait, and tells its keeper', async () => {
    const { hosts, expire } = host()
    const kept: SessionState[] = []
    const state = { ...session, service: FROM, did: hosts.did } as SessionState
    const changed = (now: SessionState) => void kept.push({ ...now })
    const owner = resumeSession(state, { fetch: hosts.fetch, changed })
    expire()
    const answers = await Promise.all([ask(owner), ask(owner), ask(owner)])
    assert.equal(answers.length, 3)
    assert.equal(hosts.count(FROM, 'com.atproto.server.refreshSession'), 1)
    assert.deepEqual(
      kept.map((one) => one.refreshJwt),
      ['refresh-2'],
    )
    assert.equal(owner.state.accessJwt, 'access-2')
    assert.equal(state.accessJwt, 'access-1', 'what was handed in is not changed')
  })

  test('gives up when the session itself has ended', async () => {
    const { hosts, expire } = host()
    const state = { ...session, refreshJwt: 'gone', service: FROM, did: hosts.did } as SessionState
    const owner = resumeSession(state, { fetch: hosts.fetch })
    expire()
    await assert.rejects(ask(owner), { error: 'ExpiredToken' })
  })

  test('knows a host that lacks a method from one that refuses', async () => {
    const hosts = new FakeHosts()
    const state = { ...session, service: FROM, did: hosts.did } as SessionState
    const owner = resumeSession(state, { fetch: hosts.fetch })
    await assert.rejects(ask(owner), isUnknownMethod)
    hosts.on(FROM, 'com.atproto.server.getSession', () => refused(401, 'AuthMissing'))
    await assert.rejects(ask(owner), (error) => !isUnknownMethod(error))
    const passedOn = { error: 'UpstreamFailure', message: 'Upstream service unreachable' }
    hosts.on(FROM, 'com.atproto.server.getSession', () => ({ status: 502, json: passedOn }))
    await assert.rejects(ask(owner), isUnknownMethod)
    const inFront = () => ({ status: 502, json: {} })
    hosts.on(FROM, 'com.atproto.server.getSession', inFront)
    await assert.rejects(ask(owner), (error) => !isUnknownMethod(error))
  })
})
