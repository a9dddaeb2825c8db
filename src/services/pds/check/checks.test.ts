/** Damage of every kind is found, named and put right, as far as anything is left to do it from. */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { verifyRepoCar } from '#protocol/repo'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const NOTE = 'com.example.note'
const COUNT = 60
const PREFERENCES = [{ $type: 'app.bsky.actor.defs#interestsPref', tags: ['water'] }]
let origin: TestHost
let alice: Person
let bob: Person

const textOf = (i: number) => `note ${i}: ${'so it is '.repeat(30)}`

before(async () => {
  origin = await TestHost.open()
  alice = await origin.signUp('alice')
  bob = await origin.signUp('bob')
  for (let i = 0; i < COUNT; i++) {
    const input = { repo: alice.did, collection: NOTE, rkey: `k${i}`, record: { text: textOf(i) } }
    await origin.post('com.atproto.repo.createRecord', input, alice.accessJwt)
  }
  const picture = await origin.upload(alice, 'a picture')
  const record = { text: 'look', picture }
  const input = { repo: alice.did, collection: NOTE, rkey: 'picture', record }
  await origin.post('com.atproto.repo.createRecord', input, alice.accessJwt)
  await origin.post('app.bsky.actor.putPreferences', { preferences: PREFERENCES }, alice.accessJwt)
  await origin.write(bob, 'hello')
  // Closed and opened: everything is in the files, the write-ahead files are folded in.
  origin = await origin.restart()
})
after(() => origin.close())

/** A copy of the host on which `damage` was done while it was down; without its journal if so said. */
async function damaged(
  damage: (parts: {
    path: string
    folder: string
    db(work: (db: DatabaseSync) => void): void
  }) => void,
  { journal = true } = {},
): Promise<TestHost> {
  origin.outside.setNow(origin.outside.now() + 60_000)
  const folder = origin.copy()
  const path = origin.accountFile(alice.did).replace(origin.folder, folder)
  const db = (work: (db: DatabaseSync) => void) => {
    const open = new DatabaseSync(path)
    work(open)
    open.close()
  }
  db((open) => open.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
  damage({ path, folder, db })
  if (!journal) rmSync(join(folder, 'streams'), { recursive: true })
  return origin.again({ folder })
}

const kindsOf = ({ problems }: { problems: readonly { kind: string }[] }) =>
  problems.map(({ kind }) => kind)

/** The account is whole: readable, writable, verifiable, told of; bob was never touched. */
async function assertWhole(host: TestHost, count: number): Promise<void> {
  const answer = await host.get('com.atproto.sync.getRepo', { did: alice.did })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const key = (await host.signingKey(alice.did))!
  const repo = verifyRepoCar(answer.bytes, { did: alice.did, keys: [key] })
  assert.equal(repo.records.length, count)
  const input = { repo: alice.did, collection: NOTE, rkey: 'after', record: { text: 'after' } }
  const write = await host.post('com.atproto.repo.createRecord', input, alice.accessJwt)
  assert.equal(write.status, 200, JSON.stringify(write.body))
  assert.equal((await host.write(bob, 'still here')).status, 200)
  assert.equal((await host.service.checks.check(alice.did)).ok, true)
  assert.equal((await host.service.checks.check(bob.did)).ok, true)
}

const seesPreferences = async (host: TestHost) =>
  (await host.get('app.bsky.actor.getPreferences', {}, alice.accessJwt)).body.preferences

test('a sound account is sound', async () => {
  const report = await origin.service.checks.check(alice.did)
  assert.deepEqual(kindsOf(report), [])
  assert.deepEqual([report.ok, report.records, report.blobs], [true, COUNT + 1, 1])
  assert.equal((await origin.service.checks.check('alice.test')).did, alice.did, 'by its handle')
  assert.deepEqual(await origin.service.checks.dids(undefined, 10), [alice.did, bob.did].sort())
  assert.equal(await origin.service.checks.count(), 2)
  await assert.rejects(origin.service.checks.check('nobody.test'), /RepoNotFound|Could not find/)
})

test('a check without repair changes nothing', async () => {
  const host = await damaged(({ db }) => db((one) => one.exec('DELETE FROM nodes')))
  assert.deepEqual(kindsOf(await host.service.checks.check(alice.did)), ['wrong-nodes'])
  assert.deepEqual(kindsOf(await host.service.checks.check(alice.did)), ['wrong-nodes'])
  await host.close({ keep: true })
})

test('what follows from the records is made again', async () => {
  const host = await damaged(({ db }) =>
    db((one) => one.exec('DELETE FROM nodes; DELETE FROM blob_refs')),
  )
  const report = await host.service.checks.check(alice.did, { repair: true })
  assert.deepEqual(kindsOf(report).sort(), ['wrong-blob-references', 'wrong-nodes'])
  assert.deepEqual([report.ok, report.repairs, report.blobs], [true, ['derived'], 1])
  await assertWhole(host, COUNT + 1)
  await host.close({ keep: true })
})

/** Pages that hold the notes with these numbers, overwritten. */
function tearPages(path: string, notes: readonly number[]): void {
  const bytes = readFileSync(path)
  for (const note of notes) {
    for (let at = -1; (at = bytes.indexOf(`note ${note}: `, at + 1)) >= 0; ) {
      const page = Math.floor(at / 4096) * 4096
      bytes.fill(0xee, page, page + 4096)
    }
  }
  writeFileSync(path, bytes)
}

test('torn pages are made good from the journal, under a new commit and a #sync', async () => {
  const host = await damaged(({ path }) => tearPages(path, [20, 40]))
  const cursor = (await host.events()).at(-1)!.seq
  // What is known counts, not what the clock says.
  const nowMs = host.outside.now()
  host.outside.setNow(nowMs - 3_600_000)
  const report = await host.service.checks.check(alice.did, { repair: true })
  assert.ok(kindsOf(report).includes('damaged-file'), kindsOf(report).join())
  assert.deepEqual([report.ok, report.repairs, report.lost], [true, ['rebuilt'], []])
  const events = await host.events(cursor)
  assert.deepEqual(
    events.map(({ type, did }) => [type, did]),
    [['#sync', alice.did]],
  )
  const before = (await origin.get('com.atproto.sync.getLatestCommit', { did: alice.did })).body
  assert.ok(events[0]!.body.rev > before.rev, 'above every rev known')
  host.outside.setNow(nowMs)
  assert.deepEqual(await seesPreferences(host), PREFERENCES)
  await assertWhole(host, COUNT + 1)
  const again = await host.restart()
  assert.equal(again.metrics.value('pds_stopped_accounts'), 0)
  assert.equal((await again.service.checks.check(alice.did)).ok, true)
  await again.close({ keep: true })
})

test('without a journal, what is left of the records is the repository, and what is lost is named', async () => {
  const host = await damaged(({ path }) => tearPages(path, [20]), { journal: false })
  const report = await host.service.checks.check(alice.did, { repair: true })
  assert.equal(report.ok, true, JSON.stringify(report))
  assert.deepEqual(report.repairs, ['rebuilt'])
  assert.ok(report.lost.includes(`record ${NOTE}/k20`), report.lost.join())
  assert.equal(report.records + report.lost.length, COUNT + 1)
  assert.deepEqual(
    (await host.events()).map(({ type }) => type),
    ['#sync'],
  )
  await assertWhole(host, report.records)
  await host.close({ keep: true })
})

test('what the journal has beyond a file that takes no more of it is in the rebuilt one', async () => {
  const [folder, older] = [origin.copy(), origin.copy()]
  const busy = await origin.again({ folder })
  const { did: repo, accessJwt } = alice
  const note = (rkey: string, text: string) => {
    return { repo, collection: NOTE, rkey, record: { text } }
  }
  const acts = [
    ['putRecord', note('k10', 'changed since')],
    ['deleteRecord', { repo, collection: NOTE, rkey: 'k11' }],
    ['createRecord', note('since', 'new since')],
    ['createRecord', note('k11', 'again since')],
    ['deleteRecord', { repo, collection: NOTE, rkey: 'k12' }],
  ] as const
  for (const [method, input] of acts) {
    const { status } = await busy.post(`com.atproto.repo.${method}`, input, accessJwt)
    assert.equal(status, 200)
  }
  const told = (await busy.get('com.atproto.sync.getLatestCommit', { did: repo })).body.rev
  await busy.close({ keep: true })
  const path = busy.accountFile(alice.did)
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
  cpSync(dirname(path).replace(folder, older), dirname(path), { recursive: true })
  // Readable, and nothing can be written to it.
  const db = new DatabaseSync(path)
  db.exec(`CREATE TRIGGER worn BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'worn'); END`)
  db.close()
  const host = await busy.again()
  const report = await host.service.checks.check(repo, { repair: true })
  assert.deepEqual([report.ok, report.repairs, report.lost], [true, ['rebuilt'], []])
  const latest = (await host.get('com.atproto.sync.getLatestCommit', { did: repo })).body.rev
  assert.ok(latest > told, 'above what the network was told')
  const read = async (rkey: string) => {
    const params = { repo, collection: NOTE, rkey }
    const { status, body } = await host.get('com.atproto.repo.getRecord', params)
    return status === 200 ? body.value.text : body.error
  }
  assert.deepEqual(await Promise.all(['k10', 'k11', 'since', 'k12'].map(read)), [
    ...['changed since', 'again since', 'new since', 'RecordNotFound'],
  ])
  await assertWhole(host, COUNT + 1)
  await host.close({ keep: true })
})

test('what was there before an import does not come back when the imported file is rebuilt', async () => {
  const own = await TestHost.open()
  const carol = await own.signUp('carol')
  await own.write(carol, 'kept')
  const { bytes } = await own.get('com.atproto.sync.getRepo', { did: carol.did })
  await own.write(carol, 'left behind')
  await own.post('com.atproto.server.deactivateAccount', {}, carol.accessJwt)
  const imported = await own.call('POST', 'com.atproto.repo.importRepo', {
    input: bytes,
    token: carol.accessJwt,
    headers: { 'content-type': 'application/vnd.ipld.car' },
  })
  assert.equal(imported.status, 200, JSON.stringify(imported.body))
  await own.post('com.atproto.server.activateAccount', undefined, carol.accessJwt)
  await own.write(carol, 'written since')
  await own.close({ keep: true })
  const damages = [
    // What it reflects is known, and then is not: then all of the journal is looked through.
    ['DELETE FROM nodes WHERE 1; UPDATE head SET data = cid', ['kept', 'written since']],
    ['DROP TABLE head', ['kept', 'written since']],
    ['DROP TABLE head; DROP TABLE records', ['written since']],
  ] as const
  for (const [damage, texts] of damages) {
    const folder = own.copy()
    const db = new DatabaseSync(own.accountFile(carol.did, 2).replace(own.folder, folder))
    db.exec(damage)
    db.close()
    const host = await own.again({ folder })
    const report = await host.service.checks.check(carol.did, { repair: true })
    assert.deepEqual([report.ok, report.repairs], [true, ['rebuilt']], damage)
    assert.deepEqual((await host.listTexts(carol)).sort(), texts, damage)
    await host.close({ keep: true })
  }
  rmSync(own.folder, { recursive: true, force: true })
})

test('one changed byte of a record is found, and the record brought back', async () => {
  const host = await damaged(({ path }) => {
    const bytes = readFileSync(path)
    for (let at = -1; (at = bytes.indexOf('note 7: so', at + 1)) >= 0; ) bytes[at + 9]! ^= 1
    writeFileSync(path, bytes)
  })
  const report = await host.service.checks.check(alice.did, { repair: true })
  assert.deepEqual(kindsOf(report), ['damaged-records'])
  assert.deepEqual([report.ok, report.lost], [true, []])
  await assertWhole(host, COUNT + 1)
  await host.close({ keep: true })
})

test('a record that went missing, a forged commit and a foreign key are told apart', async () => {
  const missing = await damaged(({ db }) =>
    db((one) => one.exec(`DELETE FROM records WHERE path = '${NOTE}/k3'`)),
  )
  assert.deepEqual(kindsOf(await missing.service.checks.check(alice.did)), ['wrong-tree'])
  assert.equal((await missing.service.checks.check(alice.did, { repair: true })).ok, true)
  await assertWhole(missing, COUNT + 1)
  await missing.close({ keep: true })
  const forged = await damaged(({ db }) =>
    db((one) => {
      const { bytes } = one.prepare('SELECT bytes FROM head').get() as { bytes: Uint8Array }
      // Within the signature, which stands in the middle of the block.
      const at = Buffer.from(bytes).indexOf('csig') + 10
      bytes[at]! ^= 1
      const cid = Buffer.from(origin.cidOf(bytes))
      one.prepare('UPDATE head SET bytes = ?, cid = ?').run(bytes, cid)
    }),
  )
  assert.deepEqual(kindsOf(await forged.service.checks.check(alice.did)), ['wrong-signature'])
  assert.equal((await forged.service.checks.check(alice.did, { repair: true })).ok, true)
  await forged.close({ keep: true })
})

test('a file that is gone comes back from the journal, or is told to be behind it', async () => {
  const host = await damaged(({ path }) => rmSync(path))
  const report = await host.service.checks.check(alice.did)
  assert.deepEqual([report.ok, report.repairs], [true, ['replayed']])
  await assertWhole(host, COUNT + 1)
  await host.close({ keep: true })
})

test('a blob that is gone or changed is found, and then missing, to be brought again', async () => {
  const host = await damaged(({ folder }) => {
    const blobs = join(folder, 'blobs')
    for (const name of readdirSync(blobs, { recursive: true, encoding: 'utf8' })) {
      if (!name.includes('bafkrei')) continue
      writeFileSync(join(blobs, name), 'a Picture')
    }
  })
  const report = await host.service.checks.check(alice.did, { repair: true })
  assert.deepEqual(kindsOf(report), ['damaged-blobs'])
  assert.deepEqual([report.ok, report.missingBlobs, report.lost.length], [true, 1, 1])
  const { body } = await host.get('com.atproto.repo.listMissingBlobs', {}, alice.accessJwt)
  assert.equal(body.blobs.length, 1)
  await host.upload(alice, 'a picture')
  assert.equal((await host.service.checks.check(alice.did)).missingBlobs, 0)
  await host.close({ keep: true })
})

test('preferences that do not open are given up, and nothing else', async () => {
  const host = await damaged(({ db }) =>
    db((one) => one.exec(`UPDATE preferences SET sealed = x'010203'`)),
  )
  const report = await host.service.checks.check(alice.did, { repair: true })
  assert.deepEqual(kindsOf(report), ['sealed-preferences'])
  assert.deepEqual([report.ok, report.lost], [true, ['preferences']])
  assert.deepEqual(await seesPreferences(host), [])
  await host.close({ keep: true })
})

test('files that are ahead of a journal that lost its end are announced by a #sync', async () => {
  const older = origin.copy()
  const input = {
    repo: alice.did,
    collection: NOTE,
    rkey: 'k0',
    record: { text: 'told, then lost' },
  }
  await origin.post('com.atproto.repo.putRecord', input, alice.accessJwt)
  const host = await damaged(({ folder }) => {
    rmSync(join(folder, 'streams'), { recursive: true })
    cpSync(join(older, 'streams'), join(folder, 'streams'), { recursive: true })
  })
  const cursor = (await host.events()).at(-1)!.seq
  const report = await host.service.checks.check(alice.did)
  assert.deepEqual(kindsOf(report), ['ahead-of-journal'])
  const repaired = await host.service.checks.check(alice.did, { repair: true })
  assert.deepEqual([repaired.ok, repaired.repairs], [true, ['announced']])
  const told = (await origin.events()).at(-1)!
  const [event, ...others] = await host.events(cursor)
  assert.deepEqual([event!.type, others], ['#sync', []])
  assert.ok(event!.seq > told.seq && event!.body.rev > told.body.rev, 'above all that was told')
  await assertWhole(host, COUNT + 1)
  await host.close({ keep: true })
})

test('an account that is away is rebuilt silently, and announced when it comes back', async () => {
  await origin.post('com.atproto.server.deactivateAccount', {}, bob.accessJwt)
  const folder = origin.copy()
  await origin.post('com.atproto.server.activateAccount', undefined, bob.accessJwt)
  const db = new DatabaseSync(origin.accountFile(bob.did).replace(origin.folder, folder))
  db.exec('DELETE FROM records')
  db.close()
  const host = await origin.again({ folder })
  const cursor = (await host.events()).at(-1)!.seq
  const report = await host.service.checks.check(bob.did, { repair: true })
  assert.deepEqual([report.ok, report.repairs, report.records], [true, ['rebuilt'], 1])
  assert.deepEqual(await host.events(cursor), [])
  await host.post('com.atproto.server.activateAccount', undefined, bob.accessJwt)
  assert.deepEqual(
    (await host.events(cursor)).map(({ type }) => type),
    ['#identity', '#account', '#sync'],
  )
  await host.close({ keep: true })
})
