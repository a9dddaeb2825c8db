import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { xrpcClient } from '#protocol/xrpc'
import { FakeHosts, FROM, ok, refused, TO } from './fake-hosts.test-support.ts'
import type { PrivatePartCopied } from './move-state.ts'
import { copyLateParts, copyPrivateParts } from './private-parts.ts'
import type { PrivateItem } from './private-state-lexicons.ts'

const EXPORT = 'app.falaj.appview.exportPrivate'
const IMPORT = 'app.falaj.appview.importPrivate'
const OLD = 'did:plc:oldoldoldoldoldoldoldold'
const NEW = 'did:plc:newnewnewnewnewnewnewnew'
const ITEMS: PrivateItem[] = ['a', 'b', 'c'].map((rkey) => ({
  $type: 'app.falaj.appview.defs#mutedThread',
  root: `at://did:plc:oldoldoldoldoldoldoldold/app.bsky.feed.post/${rkey}`,
}))

let hosts: FakeHosts
let given: PrivateItem[]
beforeEach(() => {
  hosts = new FakeHosts()
  given = []
  for (const host of [FROM, TO]) {
    hosts.on(host, 'app.bsky.actor.getPreferences', () => ok({ preferences: [] }))
    hosts.on(host, 'com.atproto.server.listAppPasswords', () => ok({ passwords: [] }))
  }
  hosts.on(TO, 'app.bsky.actor.putPreferences', () => ({}))
  hosts.on(FROM, EXPORT, () => ok({ did: OLD, items: [] }))
  hosts.on(TO, EXPORT, ({ proxy, cursor }) => {
    if (proxy === null) return ok({ did: NEW, items: [] })
    assert.equal(proxy, `${OLD}#bsky_appview`)
    if (cursor === null) return ok({ did: OLD, items: ITEMS.slice(0, 2), cursor: 'more' })
    return ok({ did: OLD, items: ITEMS.slice(2) })
  })
  hosts.on(TO, IMPORT, ({ input }) => {
    given.push(...(input as { items: PrivateItem[] }).items)
    return ok({ refused: given.length === 3 ? 1 : 0 })
  })
})

const both = () => ({
  did: hosts.did,
  source: xrpcClient({ service: FROM, fetch: hosts.fetch }),
  destination: xrpcClient({ service: TO, fetch: hosts.fetch }),
})
const appviewOf = (parts: readonly PrivatePartCopied[]) =>
  parts.find(({ part }) => part === 'appview')

test('what the old app view alone knows is given to the new one, asked for by the new host', async () => {
  const before = await copyPrivateParts(both())
  assert.deepEqual(appviewOf(before), { part: 'appview', outcome: 'named', count: 0, names: [OLD] })
  assert.deepEqual(given, [], 'nothing before the account is at home')
  const after = appviewOf(await copyLateParts(both(), before))
  assert.deepEqual(given, ITEMS)
  assert.deepEqual(after, { part: 'appview', outcome: 'carried', count: 2, names: [NEW] })
})

test('nothing is copied where both hosts use one app view', async () => {
  hosts.on(TO, EXPORT, () => ok({ did: OLD, items: [] }))
  const after = appviewOf(await copyLateParts(both(), await copyPrivateParts(both())))
  assert.deepEqual([after!.outcome, given], ['shared', []])
})

test('a move goes on without an app view that does not know this, or does not answer', async () => {
  hosts.on(FROM, EXPORT, () => refused(502, 'UpstreamFailure'))
  const silent = await copyPrivateParts(both())
  assert.equal(appviewOf(silent)!.outcome, 'silent')
  assert.equal(appviewOf(await copyLateParts(both(), silent))!.outcome, 'silent')
  hosts.on(FROM, EXPORT, () => ok({ did: OLD, items: [] }))
  const before = await copyPrivateParts(both())
  hosts.on(TO, EXPORT, () => refused(501, 'MethodNotImplemented'))
  const after = appviewOf(await copyLateParts(both(), before))
  assert.deepEqual([after!.outcome, after!.names], ['named', [OLD]])
})
