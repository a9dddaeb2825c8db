import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { ProtocolError } from '#protocol/syntax'
import { xrpcClient } from '#protocol/xrpc'
import {
  type ArchiveToRestore,
  PRIVATE_STATE_FILE,
  restoreArchive,
  type TakenArchive,
  takeArchive,
} from './archive.ts'
import { FakeHosts, FROM, ok, refused, repoOf, TO } from './fake-hosts.test-support.ts'
import type { OwnerSession } from './session.ts'

const EXPORT = 'app.falaj.appview.exportPrivate'
const IMPORT = 'app.falaj.appview.importPrivate'
const BLOB = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
const PREFERENCES = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }]
const MUTED = 'did:plc:mutedmutedmutedmutedmute'
const ITEM = {
  $type: 'app.falaj.appview.defs#mutedThread',
  root: `at://${MUTED}/app.bsky.feed.post/1`,
}

let hosts: FakeHosts
/** Methods asked of the host that an archive is taken back into, in order. */
const askedTo = () => hosts.asked.filter(({ host }) => host === TO).map(({ nsid }) => nsid)

beforeEach(() => {
  hosts = new FakeHosts()
  const on = (host: string, nsid: string, json: unknown) => hosts.on(host, nsid, () => ok(json))
  on(FROM, 'com.atproto.server.getSession', { did: hosts.did, handle: 'alice.example' })
  hosts.on(FROM, 'com.atproto.sync.getRepo', () => ({ bytes: repoOf(hosts.did, hosts.key, 3).car }))
  on(FROM, 'com.atproto.repo.listRecords', { records: [] })
  on(FROM, 'app.bsky.actor.getPreferences', { preferences: PREFERENCES })
  on(FROM, 'com.atproto.server.listAppPasswords', { passwords: [] })
  on(FROM, 'com.atproto.sync.listBlobs', { cids: [BLOB] })
  hosts.on(FROM, 'com.atproto.sync.getBlob', () => ({ bytes: Buffer.from('a picture') }))
  on(FROM, EXPORT, { did: 'did:web:view.example', items: [ITEM] })
  on(TO, 'com.atproto.server.checkAccountStatus', status(true))
  on(TO, 'com.atproto.repo.listMissingBlobs', { blobs: [] })
  for (const nsid of [
    'com.atproto.server.deactivateAccount',
    'com.atproto.server.activateAccount',
    'com.atproto.repo.importRepo',
    'app.bsky.actor.putPreferences',
    'app.bsky.graph.muteActor',
  ]) {
    hosts.on(TO, nsid, () => ({}))
  }
  on(TO, IMPORT, { refused: 0 })
})

const status = (activated: boolean) => ({
  activated,
  validDid: true,
  repoCommit: BLOB,
  repoRev: '3jzfcijpj2z2a',
  repoBlocks: 1,
  indexedRecords: 3,
  privateStateValues: 1,
  expectedBlobs: 0,
  importedBlobs: 0,
})

const sessionAt = (service: string) =>
  ({
    client: xrpcClient({ service, fetch: hosts.fetch }),
    state: { did: hosts.did, service },
  }) as unknown as OwnerSession

async function take(): Promise<{ files: Map<string, Buffer>; taken: TakenArchive }> {
  const taken: TakenArchive = { blobs: 0, missingBlobs: [], silent: [] }
  const files = new Map<string, Buffer>()
  const run = { language: 'en', now: () => Date.UTC(2026, 0, 1) } as const
  for await (const { name, body } of takeArchive(sessionAt(FROM), run, taken)) {
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    files.set(name, Buffer.concat(chunks))
  }
  return { files, taken }
}

function archiveOf(files: Map<string, Buffer>): ArchiveToRestore {
  const json = async (name: string) =>
    files.has(name) ? JSON.parse(files.get(name)!.toString()) : undefined
  return {
    async *repo() {
      yield files.get('repo.car')!
    },
    blob: async (cid) => files.get(`blobs/${cid}`),
    preferences: () => json('preferences.json'),
    privateState: () => json(PRIVATE_STATE_FILE),
    file: async (name) => files.get(name),
  }
}

async function restore(files: Map<string, Buffer>) {
  const steps = restoreArchive(sessionAt(TO), archiveOf(files))
  for (;;) {
    const next = await steps.next()
    if (next.done) return next.value
  }
}

describe('an archive', () => {
  test('holds all of an account, also what only its owner can read', async () => {
    const { files, taken } = await take()
    assert.deepEqual(
      [...files.keys()],
      [
        'account.json',
        'repo.car',
        'index.html',
        'preferences.json',
        PRIVATE_STATE_FILE,
        `blobs/${BLOB}`,
      ],
    )
    assert.deepEqual(taken, { blobs: 1, missingBlobs: [], silent: [] })
    const { appview } = JSON.parse(files.get(PRIVATE_STATE_FILE)!.toString())
    assert.deepEqual(appview, { did: 'did:web:view.example', items: [ITEM] })
  })

  test('gives it back to an app view when the account is awake again', async () => {
    const { files } = await take()
    const { appviewItems, mutes, preferences, records } = await restore(files)
    assert.deepEqual([appviewItems, mutes, preferences, records], [1, 0, 1, 3])
    const order = askedTo()
    assert.ok(order.indexOf('com.atproto.server.activateAccount') < order.indexOf(IMPORT))
    assert.equal(hosts.count(TO, 'app.bsky.actor.putPreferences'), 1)
    assert.deepEqual(hosts.asked.at(-1)!.input, { items: [ITEM] })
  })

  test('has the names of the muted from an app view that gives no more, and mutes them again', async () => {
    hosts.on(FROM, EXPORT, () => refused(501, 'MethodNotImplemented'))
    // A page without anybody is the last one.
    hosts.on(FROM, 'app.bsky.graph.getMutes', ({ cursor }) =>
      ok(
        cursor ? { mutes: [] } : { mutes: [{ did: MUTED, handle: 'muted.example' }], cursor: '1' },
      ),
    )
    const { files, taken } = await take()
    assert.deepEqual(taken.silent, ['bookmarks', 'drafts'])
    assert.deepEqual(JSON.parse(files.get('private/mutes.json')!.toString()), [MUTED])
    const { appviewItems, mutes } = await restore(files)
    assert.deepEqual([appviewItems, mutes], [0, 1])
    assert.equal(hosts.count(TO, IMPORT), 0)
  })

  test('of a paused account leaves it paused, and asks no app view', async () => {
    const { files } = await take()
    hosts.on(TO, 'com.atproto.server.checkAccountStatus', () => ok(status(false)))
    assert.equal((await restore(files)).appviewItems, 0)
    assert.equal(hosts.count(TO, 'com.atproto.server.activateAccount'), 0)
    assert.equal(hosts.count(TO, IMPORT), 0)
  })

  test('of another account is refused before anything is touched', async () => {
    const { files } = await take()
    files.set('account.json', Buffer.from(JSON.stringify({ did: MUTED })))
    await assert.rejects(
      restore(files),
      (error: unknown) => error instanceof ProtocolError && error.code === 'WrongArchive',
    )
    assert.deepEqual(askedTo(), [])
  })

  test('that a host does not take leaves the account open as it was', async () => {
    const { files } = await take()
    hosts.on(TO, 'com.atproto.repo.importRepo', () => {
      hosts.on(TO, 'com.atproto.server.checkAccountStatus', () => ok(status(false)))
      return refused(400, 'InvalidRequest')
    })
    await assert.rejects(restore(files), /InvalidRequest/)
    assert.equal(hosts.count(TO, 'com.atproto.server.activateAccount'), 1)
  })
})
