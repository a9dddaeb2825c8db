import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { xrpcClient } from '#protocol/xrpc'
import { FakeHosts, FROM, ok, refused, TO } from './fake-hosts.test-support.ts'
import { givePrivateState, takePrivateState } from './private-copy.ts'

const EXPORT = 'app.falaj.appview.exportPrivate'
const IMPORT = 'app.falaj.appview.importPrivate'
const PREFERENCES = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }]
const ITEMS = Array.from({ length: 1_100 }, (_, i) => ({
  $type: 'app.falaj.appview.defs#mutedThread' as const,
  root: `at://did:plc:oldoldoldoldoldoldoldold/app.bsky.feed.post/${i}`,
}))

let hosts: FakeHosts
let given: unknown[]
beforeEach(() => {
  hosts = new FakeHosts()
  given = []
  hosts.on(FROM, 'app.bsky.actor.getPreferences', () => ok({ preferences: PREFERENCES }))
  hosts.on(FROM, 'com.atproto.server.listAppPasswords', () =>
    ok({ passwords: [{ name: 'phone', createdAt: '2026-01-01T00:00:00Z', privileged: true }] }),
  )
  hosts.on(FROM, EXPORT, ({ cursor }) => {
    const at = Number(cursor ?? 0)
    const next = at + 500 < ITEMS.length ? { cursor: String(at + 500) } : {}
    return ok({ did: hosts.did, items: ITEMS.slice(at, at + 500), ...next })
  })
  hosts.on(TO, 'app.bsky.actor.putPreferences', () => ({}))
  hosts.on(TO, IMPORT, ({ input }) => {
    given.push(...(input as { items: unknown[] }).items)
    return ok({ refused: 1 })
  })
})

const at = (service: string) => xrpcClient({ service, fetch: hosts.fetch })
const take = () =>
  takePrivateState({ client: at(FROM), did: hosts.did, host: FROM }, () => Date.UTC(2026, 0, 1))

test('what its owner may read is taken whole, page by page, and given back elsewhere', async () => {
  const state = JSON.parse(JSON.stringify(await take()))
  assert.equal(state.appview.items.length, ITEMS.length)
  assert.deepEqual(await givePrivateState(at(TO), state), [
    { part: 'preferences', outcome: 'carried', count: 1 },
    { part: 'app-passwords', outcome: 'named', count: 1, names: ['phone (privileged)'] },
    { part: 'appview', outcome: 'carried', count: ITEMS.length - 3, names: [hosts.did] },
  ])
  assert.deepEqual(given, ITEMS)
})

test('what a host does not say is left out, and told when it is missed', async () => {
  hosts.on(FROM, EXPORT, () => refused(502, 'UpstreamFailure'))
  hosts.on(FROM, 'com.atproto.server.listAppPasswords', () => refused(403, 'Forbidden'))
  const state = await take()
  assert.deepEqual(Object.keys(state), ['did', 'host', 'takenAt', 'preferences'])
  const outcomes = (await givePrivateState(at(TO), state)).map(({ outcome }) => outcome)
  assert.deepEqual(outcomes, ['carried', 'silent', 'silent'])
})

test('a new host that takes no part of it keeps nobody from arriving', async () => {
  hosts.on(TO, IMPORT, () => refused(501, 'MethodNotImplemented'))
  const parts = await givePrivateState(at(TO), await take())
  assert.deepEqual(parts.at(-1), { part: 'appview', outcome: 'silent', count: 0 })
})
