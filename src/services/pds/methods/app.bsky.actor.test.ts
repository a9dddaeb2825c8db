/** Preferences: private, the owner's, and partly for the owner's own eyes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let alice: Person
let appToken: string

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
  const app = await host.post(
    'com.atproto.server.createAppPassword',
    { name: 'app' },
    alice.accessJwt,
  )
  const session = await host.post('com.atproto.server.createSession', {
    identifier: alice.handle,
    password: app.body.password,
  })
  appToken = session.body.accessJwt
})
after(() => host.close())

const put = (preferences: unknown[], token = alice.accessJwt): Promise<Answer> =>
  host.post('app.bsky.actor.putPreferences', { preferences }, token)
const get = async (token = alice.accessJwt) =>
  (await host.get('app.bsky.actor.getPreferences', {}, token)).body.preferences

const adult = { $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }
const birth = {
  $type: 'app.bsky.actor.defs#personalDetailsPref',
  birthDate: '2010-01-01T00:00:00.000Z',
}
const age = {
  $type: 'app.bsky.actor.defs#declaredAgePref',
  isOverAge13: true,
  isOverAge16: true,
  isOverAge18: false,
}

test('preferences start empty, are replaced whole, and are nobody else’s', async () => {
  assert.deepEqual(await get(), [])
  assert.equal((await put([adult])).status, 200)
  assert.deepEqual(await get(), [adult])
  const bob = await host.signUp('bob')
  assert.deepEqual(await get(bob.accessJwt), [])
  assert.equal((await put([])).status, 200)
  assert.deepEqual(await get(), [])
})

test('the birth date is the owner’s; an app learns which ages are passed', async () => {
  await put([adult, birth])
  assert.deepEqual(await get(), [adult, birth, age])
  assert.deepEqual(await get(appToken), [adult, age])
  const refused = await put([birth], appToken)
  assert.equal(refused.body.error, 'InvalidRequest')
  assert.equal((await put([{ ...adult, enabled: false }, age], appToken)).status, 200)
  assert.deepEqual(await get(), [{ ...adult, enabled: false }, birth, age], 'it was not lost')
})

test('what is no preference is refused, and nothing is changed', async () => {
  await put([adult])
  const cases: unknown[][] = [
    [{ enabled: true }],
    [{ $type: 'com.example.pref' }],
    Array.from({ length: 1001 }, () => adult),
    [{ $type: 'app.bsky.actor.defs#interestsPref', tags: ['x'.repeat(500_000)] }],
  ]
  for (const preferences of cases) {
    const { status } = await put(preferences)
    assert.equal(status, 400, JSON.stringify(preferences).slice(0, 80))
  }
  assert.deepEqual(await get(), [adult])
})
