import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openLocalStreams } from '#platform/storage'
import { fileName } from '../account-files/index.ts'
import { TestHost } from '../testing/host.test-support.ts'
import { fetchAmong } from '../testing/hosts.test-support.ts'
import { openStandby, SEALING_KEY, SECRET, type TestStandby } from './standby.test-support.ts'

const URL_OF_FIRST = 'https://pds.test'

/** Everything in a database, table by table. */
function contents(path: string): Record<string, unknown[]> {
  const db = new DatabaseSync(path, { readOnly: true })
  const names = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table'
         AND name NOT IN ('standby_position', 'sqlite_sequence')`,
    )
    .all()
    .map(({ name }) => String(name))
  const all = names.map((name) => {
    const rows = db.prepare(`SELECT * FROM "${name}"`).all()
    return [name, rows.map((row) => JSON.stringify(row)).sort()] as const
  })
  db.close()
  return Object.fromEntries(all)
}

async function journal(folder: string): Promise<string[]> {
  const streams = await openLocalStreams(join(folder, 'streams'))
  const stream = await streams.open('journal')
  const found: string[] = []
  for await (const batch of stream.read({ after: 0 })) {
    for (const { seq, key, kind, timeMs, payload, blanked } of batch) {
      const bytes = Buffer.from(payload).toString('base64')
      found.push(JSON.stringify([seq, key, kind, timeMs, bytes, blanked]))
    }
  }
  await streams.close()
  return found
}

/** `name`'s people, posts and blobs before the standby begins, and after. */
async function busy(first: TestHost, standby: () => Promise<TestStandby>) {
  const ann = await first.signUp('ann')
  for (let n = 0; n < 5; n++) await first.write(ann, `before ${n}`)
  const picture = await first.upload(ann, 'a picture')
  const embed = { $type: 'app.bsky.embed.images', images: [{ alt: '', image: picture }] }
  await first.write(ann, 'with a picture', {
    record: {
      $type: 'app.bsky.feed.post',
      text: 'with a picture',
      createdAt: '2026-01-01T00:00:00.000Z',
      embed,
    },
  })
  const tail = await standby()
  await tail.inStep()
  const bob = await first.signUp('bob')
  const wrote = await Promise.all(
    Array.from({ length: 20 }, (_, n) => first.write(n % 2 ? ann : bob, `after ${n}`)),
  )
  for (const { status } of wrote) assert.equal(status, 200)
  return { ann, bob, tail, picture }
}

/** The host of the test, and what ends it whatever comes. */
async function firstHost(t: TestContext, config: TestHost['options']['config'] = {}) {
  const first = await TestHost.open({
    config: { standbySecret: SECRET, standbyMode: 'sync', ...config },
  })
  const hosts = new Map([[URL_OF_FIRST, first]])
  t.after(() => rmSync(first.folder, { recursive: true, force: true }))
  const standby = async (openHost?: (folder: string) => Promise<TestHost>) => {
    const tail = await openStandby({
      of: URL_OF_FIRST,
      fetch: fetchAmong(hosts),
      ...(openHost && { openHost }),
    })
    t.after(() => tail.close())
    return tail
  }
  return { first, hosts, standby }
}

test('a standby has on its disk what its host has: journal, directory, files, blobs, keys', async (t) => {
  const { first, standby } = await firstHost(t)
  const { ann, bob, tail, picture } = await busy(first, standby)
  await first.post('com.atproto.server.createSession', {
    identifier: bob.handle,
    password: bob.password,
  })
  await first.post('app.bsky.actor.putPreferences', { preferences: [] }, ann.accessJwt)
  await tail.inStep()
  assert.deepEqual(tail.key(), Buffer.from(SEALING_KEY))
  assert.deepEqual(tail.said, [])
  assert.ok(tail.status().blobsCopied >= 1, `the blob ${picture.ref.$link} came along`)
  await first.close({ keep: true })
  const { folder } = tail
  await tail.stop()
  assert.deepEqual(
    contents(join(folder, 'directory.sqlite')),
    contents(join(first.folder, 'directory.sqlite')),
  )
  assert.deepEqual(await journal(folder), await journal(first.folder))
})

test('every table of the directory has a primary key: others would not reach a standby', async (t) => {
  const host = await TestHost.open()
  t.after(() => host.close())
  const tables = await host.sql.all<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'sqlite_sequence'
       AND NOT EXISTS (SELECT 1 FROM pragma_table_info(sqlite_schema.name) WHERE pk > 0)`,
  )
  assert.deepEqual(tables, [])
})

test('a write that mentions a blob is answered when the standby has its bytes, and not before', async (t) => {
  const { first, hosts } = await firstHost(t, { standbyAwayMs: 60_000 })
  const asked = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const among = fetchAmong(hosts)
  const tail = await openStandby({
    of: URL_OF_FIRST,
    async fetch(target, init) {
      if (String(target).includes('.getBlob')) {
        asked.resolve()
        await open.promise
      }
      return among(target, init)
    },
  })
  t.after(() => tail.close())
  const ann = await first.signUp('ann')
  await tail.inStep()
  const image = await first.upload(ann, 'a picture')
  const embed = { $type: 'app.bsky.embed.images', images: [{ alt: '', image }] }
  const createdAt = '2026-01-01T00:00:00.000Z'
  const record = { $type: 'app.bsky.feed.post', text: 'look', createdAt, embed }
  let answered = false
  const wrote = first.write(ann, 'look', { record }).then((answer) => {
    answered = true
    return answer
  })
  await asked.promise
  await first.until(() => first.stream.bounds().durable > tail.status().seq)
  assert.equal(answered, false, 'it is on the disk of the first host, and that is not enough')
  open.resolve()
  assert.equal((await wrote).status, 200)
  assert.equal(tail.status().blobsCopied, 1)
  await first.close({ keep: true })
})

test('who is deleted at the host is gone at the standby: files, blobs, and words in the journal', async (t) => {
  const { first, standby } = await firstHost(t)
  const { ann, bob, tail } = await busy(first, standby)
  const jobs = first.loop('jobs')
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const input = { did: ann.did }
  const gone = await first.call('POST', 'com.atproto.admin.deleteAccount', { input, headers })
  assert.equal(gone.status, 200)
  await first.until(() => first.filesOf(ann.did).length === 0)
  const name = fileName(ann.did)
  const left = () =>
    readdirSync(tail.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath.includes(name))
      .map((entry) => entry.name)
  await first.until(() => left().length === 0)
  await first.until(async () => (await first.write(bob, 'still here')).status === 200)
  await tail.inStep()
  await jobs.stop()
  await first.close({ keep: true })
  const { folder } = tail
  await tail.stop()
  assert.deepEqual(await journal(folder), await journal(first.folder), 'blanks and all')
})

test('nobody follows without the secret, and nobody at all where none is set', async (t) => {
  const { first } = await firstHost(t)
  const pull = { standby: 'x', change: 0, seq: 0 }
  for (const token of [undefined, 'wrong', SECRET.slice(0, -1)]) {
    for (const [nsid, params] of [
      ['pull', pull],
      ['getDirectory', {}],
      ['getAccountFile', { did: 'did:plc:abcdefghijklmnopqrstuvwx' }],
    ] as const) {
      const answer = await first.get(`app.falaj.standby.${nsid}`, params, token)
      assert.equal(answer.status, 401, nsid)
      assert.match(answer.body.error, /^Auth(Missing|enticationRequired)$/)
    }
    assert.equal((await first.post('app.falaj.standby.join', { standby: 'x' }, token)).status, 401)
  }
  await first.close()
  const alone = await TestHost.open()
  t.after(() => alone.close())
  assert.equal((await alone.get('app.falaj.standby.pull', pull, SECRET)).status, 401)
})

test('a standby that takes over has every acknowledged write, every sign-in, and the same people', async (t) => {
  const { first, hosts, standby } = await firstHost(t)
  const open = (folder: string) =>
    TestHost.open({ ...first.options, folder, plc: first.plc, outside: first.outside })
  const { ann, bob, tail, picture } = await busy(first, () => standby(open))
  const session = await first.post('com.atproto.server.createSession', {
    identifier: bob.handle,
    password: bob.password,
  })
  const named = await first.post(
    'com.atproto.server.createAppPassword',
    { name: 'app' },
    bob.accessJwt,
  )
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  await first.post('app.bsky.actor.putPreferences', { preferences }, ann.accessJwt)
  const posts = [await first.listTexts(ann), await first.listTexts(bob)]
  const lastSeq = first.stream.bounds().last
  const before = await first.get('com.atproto.sync.getLatestCommit', { did: ann.did })
  // It is gone from one moment to the next.
  hosts.clear()
  const { seq, accountsStopped } = await tail.standby.promote({ firstIsOff: true })
  assert.deepEqual([seq, accountsStopped], [lastSeq, 0])
  const now = tail.host()
  assert.deepEqual([await now.listTexts(ann), await now.listTexts(bob)], posts)
  const refreshed = await now.post(
    'com.atproto.server.refreshSession',
    undefined,
    session.body.refreshJwt,
  )
  assert.equal(refreshed.status, 200)
  const entered = await now.post('com.atproto.server.createSession', {
    identifier: bob.handle,
    password: named.body.password,
  })
  assert.equal(entered.status, 200, 'the app password is good')
  const kept = await now.get('app.bsky.actor.getPreferences', {}, ann.accessJwt)
  assert.deepEqual(kept.body.preferences, preferences)
  const blob = await now.get('com.atproto.sync.getBlob', { did: ann.did, cid: picture.ref.$link })
  assert.equal(new TextDecoder().decode(blob.bytes), 'a picture')
  await now.until(
    async () => (await now.events(lastSeq)).filter(({ type }) => type === '#sync').length === 2,
  )
  const [event] = (await now.events(lastSeq)).filter(({ did }) => did === ann.did)
  assert.ok(event!.seq > lastSeq + 1_000_000, 'no seq can have been given out before')
  const after = await now.get('com.atproto.sync.getLatestCommit', { did: ann.did })
  assert.ok(after.body.rev > before.body.rev, 'a fresh commit above the newest rev')
  assert.equal((await now.write(ann, 'at the new host')).status, 200)
  await first.close({ keep: true })
})
