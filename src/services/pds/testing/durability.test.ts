/** The rules of the write path, each with what breaks it: full disks, failed files, power cuts. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import {
  type Fault,
  type FileOperation,
  faultyFiles,
  MemoryFiles,
  nodeFiles,
} from '#platform/storage'
import { cidText } from '#protocol/data'
import { verifyRepoCar } from '#protocol/repo'
import { type Answer, type Person, TestHost } from './host.test-support.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'falaj-pds-'))
  folders.push(folder)
  return folder
}

/** The exported repository verifies, and holds exactly these records' texts. */
async function assertRepo(host: TestHost, person: Person, texts: readonly string[]): Promise<void> {
  const answer = await host.get('com.atproto.sync.getRepo', { did: person.did })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const key = (await host.signingKey(person.did))!
  const repo = verifyRepoCar(answer.bytes, { did: person.did, keys: [key] })
  const listed = await host.listTexts(person)
  assert.deepEqual(listed.sort(), [...texts].sort())
  assert.equal(repo.records.length, texts.length)
  assert.equal(cidText(repo.head.commit), await host.assertChain(person))
}

test('a write is answered only when it is on the disk', async () => {
  let hold: Promise<void> | undefined
  const files = { ...nodeFiles }
  files.open = async (path, flags) => {
    const file = await nodeFiles.open(path, flags)
    return {
      ...file,
      async datasync() {
        await hold
        return file.datasync()
      },
    }
  }
  const host = await TestHost.open({ files })
  const alice = await host.signUp('alice')
  const before = await host.events()
  const disk = Promise.withResolvers<void>()
  hold = disk.promise
  let isAnswered = false
  const answer = host.write(alice, 'hello').finally(() => {
    isAnswered = true
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(isAnswered, false)
  assert.deepEqual(await host.listTexts(alice), [], 'nobody reads what is not durable')
  assert.equal((await host.events()).length, before.length, 'nobody is told of it')
  disk.resolve()
  assert.equal((await answer).status, 200)
  assert.deepEqual(await host.listTexts(alice), ['hello'])
  assert.equal((await host.events()).length, before.length + 1)
  await host.close()
})

test('a full disk fails the writes behind it, keeps nothing of them, and ends when it ends', async () => {
  let isFull = false
  const files = faultyFiles(nodeFiles, (operation: FileOperation): Fault | undefined => {
    if (!isFull) return undefined
    return operation === 'write' ? 'ENOSPC' : operation === 'freeBytes' ? { free: 0 } : undefined
  })
  const host = await TestHost.open({ files, reserveBytes: 1 })
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.write(alice, 'before')
  isFull = true
  const people = [alice, alice, bob, alice, bob]
  const failed = await Promise.all(people.map((person, i) => host.write(person, `lost ${i}`)))
  for (const { status, body, headers } of failed) {
    assert.equal(status, 503, JSON.stringify(body))
    assert.equal(body.error, 'NotEnoughResources')
    assert.ok(Number(headers['retry-after']) > 0)
  }
  const later = await host.write(alice, 'lost as well')
  assert.equal(later.status, 503)
  assert.deepEqual(await host.listTexts(alice), ['before'], 'reads go on')
  isFull = false
  // The first refused append asks for the free space again; nobody waits for it.
  await host.until(async () => (await host.write(bob, 'knock')).status === 200)
  assert.equal((await host.write(alice, 'after')).status, 200)
  await assertRepo(host, alice, ['before', 'after'])
  await assertRepo(host, bob, ['knock'])
  const again = await host.restart()
  await assertRepo(again, alice, ['before', 'after'])
  await again.close()
})

test('a refusal without an append leaves the in-memory state as it was', async () => {
  let isFull = false
  const files = faultyFiles(nodeFiles, (operation): Fault | undefined =>
    isFull && operation === 'freeBytes' ? { free: 0 } : undefined,
  )
  const host = await TestHost.open({ files, reserveBytes: 1 })
  const alice = await host.signUp('alice')
  isFull = true
  // Free space is looked at once in 64 groups: write until it is noticed.
  const written: string[] = []
  for (let i = 0; i < 200; i++) {
    const [first, second] = await Promise.all([
      host.write(alice, `a ${i}`),
      host.write(alice, `b ${i}`),
    ])
    if (first!.status === 200) written.push(`a ${i}`)
    if (second!.status === 200) written.push(`b ${i}`)
    if (first!.status === 503) break
  }
  assert.ok(written.length < 400, 'the reserve was kept')
  isFull = false
  await host.until(async () => (await host.write(alice, 'last')).status === 200)
  written.push('last')
  await assertRepo(host, alice, written)
  await host.close()
})

test('a failed fsync ends the process and answers nobody with success', async () => {
  let isBroken = false
  const files = faultyFiles(nodeFiles, (operation, path): Fault | undefined =>
    isBroken && operation === 'datasync' && path.includes('journal') ? 'EIO' : undefined,
  )
  const host = await TestHost.open({ files })
  const alice = await host.signUp('alice')
  isBroken = true
  const answer = await host.write(alice, 'unknown')
  assert.equal(answer.status, 500)
  assert.ok(host.fatal, 'storage asked for the end of the process')
  assert.deepEqual(await host.listTexts(alice), [])
  await host.close().catch(() => {})
})

/** Makes every insert into the records of an account fail, as a damaged disk would. */
function breakFile(host: TestHost, person: Person): { mend(): void } {
  const db = new DatabaseSync(host.accountFile(person.did))
  db.exec(`CREATE TRIGGER broken BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'broken'); END`)
  db.close()
  return {
    mend() {
      const again = new DatabaseSync(host.accountFile(person.did))
      again.exec('DROP TRIGGER broken')
      again.close()
    },
  }
}

test('a failed apply stops that account alone, and the journal repairs it', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.write(alice, 'one')
  const broken = breakFile(host, alice)
  const answers = await Promise.all([host.write(alice, 'two'), host.write(bob, 'hello')])
  assert.deepEqual(
    answers.map(({ status, body }) => body.error ?? status),
    ['AccountStopped', 200],
  )
  // What needs no broken table must not overtake what waits.
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  const put = await host.post('app.bsky.actor.putPreferences', { preferences }, alice.accessJwt)
  assert.equal(put.body.error, 'AccountStopped')
  assert.equal((await host.write(alice, 'three')).body.error, 'AccountStopped')
  assert.equal((await host.write(bob, 'still here')).status, 200)
  assert.equal(host.metrics.value('pds_stopped_accounts'), 1)
  assert.deepEqual(await host.listTexts(alice), ['one'])
  assert.match(host.errors.join(), /account stopped/)
  broken.mend()
  assert.equal((await host.write(alice, 'four')).status, 200)
  assert.equal(host.metrics.value('pds_stopped_accounts'), 0)
  // 'two' was durable when applying it failed; 'three' never came to the journal.
  await assertRepo(host, alice, ['one', 'two', 'four'])
  await assertRepo(host, bob, ['hello', 'still here'])
  await host.close()
})

test('a stopped account is repaired by the loop, without waiting for its next writer', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const broken = breakFile(host, alice)
  const loop = host.loop('repair-accounts')
  assert.equal((await host.write(alice, 'one')).body.error, 'AccountStopped')
  broken.mend()
  await host.outside.advance(31_000)
  await host.until(() => host.metrics.value('pds_stopped_accounts') === 0)
  assert.deepEqual(await host.listTexts(alice), ['one'])
  await loop.stop()
  await host.close()
})

test('while an account is stopped the replay point stays before what it waits for', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  const broken = breakFile(host, alice)
  await host.write(alice, 'one')
  await host.write(bob, 'hello')
  await host.checkpoint()
  await host.write(bob, 'again')
  await host.checkpoint()
  const again = await host.restart()
  assert.equal(again.metrics.value('pds_stopped_accounts'), 1, 'a restart does not forget it')
  broken.mend()
  assert.equal((await again.write(alice, 'two')).status, 200)
  await assertRepo(again, alice, ['one', 'two'])
  await again.close()
})

test('changes that were under way when an account stopped are not forgotten by its repair', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const broken = breakFile(host, alice)
  const writes = Array.from({ length: 40 }, (_, i) => host.write(alice, `post ${i}`))
  const first = await writes[0]!
  assert.equal(first.body.error, 'AccountStopped')
  broken.mend()
  const late = host.write(alice, 'late')
  const answers = await Promise.all(writes)
  assert.equal((await late).status, 200)
  const commits = (await host.events()).filter(({ commit }) => commit)
  // Whatever came to the journal is in the file, answered with success or not.
  const texts = await host.listTexts(alice)
  assert.equal(texts.length, commits.length - 1)
  for (const [i, answer] of answers.entries()) {
    if (answer.status === 200) assert.ok(texts.includes(`post ${i}`))
  }
  await assertRepo(host, alice, texts)
  await host.close()
})

/** Files whose syncs wait for a word, one after the other, while `isHeld`. */
function heldSyncs() {
  const held = { isHeld: false, turns: [] as (() => void)[], files: { ...nodeFiles } }
  held.files.open = async (path, flags) => {
    const file = await nodeFiles.open(path, flags)
    return {
      ...file,
      async datasync() {
        if (held.isHeld) await new Promise<void>((resolve) => held.turns.push(resolve))
        return file.datasync()
      },
    }
  }
  return held
}

/** Writes where nothing can be written, and something else that comes in the next group. */
async function behindBrokenWrite(other: (host: TestHost, alice: Person) => Promise<Answer>) {
  const held = heldSyncs()
  const host = await TestHost.open({ files: held.files })
  const alice = await host.signUp('alice')
  const broken = breakFile(host, alice)
  held.isHeld = true
  const write = host.write(alice, 'one')
  await host.until(() => held.turns.length === 1)
  const behind = other(host, alice)
  await new Promise((resolve) => setImmediate(resolve))
  held.isHeld = false
  held.turns[0]!()
  assert.equal((await write).body.error, 'AccountStopped')
  assert.equal((await behind).body.error, 'AccountStopped')
  return { host, alice, broken }
}

test('what was under way behind a failed apply does not overtake it', async () => {
  // Needs no broken table.
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  const { host, alice, broken } = await behindBrokenWrite((host, { accessJwt }) =>
    host.post('app.bsky.actor.putPreferences', { preferences }, accessJwt),
  )
  broken.mend()
  assert.equal((await host.write(alice, 'two')).status, 200)
  await assertRepo(host, alice, ['one', 'two'])
  const kept = await host.get('app.bsky.actor.getPreferences', {}, alice.accessJwt)
  assert.deepEqual(kept.body.preferences, preferences)
  await host.close()
})

test('nor does a change of standing, which is the directory’s', async () => {
  const { host, alice, broken } = await behindBrokenWrite((host, { accessJwt }) =>
    host.post('com.atproto.server.deactivateAccount', {}, accessJwt),
  )
  const isActive = async () =>
    (await host.get('com.atproto.sync.getRepoStatus', { did: alice.did })).body.active
  assert.equal(await isActive(), true)
  broken.mend()
  assert.equal((await host.write(alice, 'two')).body.error, 'RepoDeactivated')
  assert.equal(await isActive(), false)
  await host.post('com.atproto.server.activateAccount', undefined, alice.accessJwt)
  await assertRepo(host, alice, ['one'])
  await host.close()
})

test('an account stopped in the directory is repaired too', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.sql.run(
    `CREATE TRIGGER broken BEFORE UPDATE OF status ON accounts BEGIN SELECT RAISE(ABORT, 'no'); END`,
  )
  const refused = await host.post('com.atproto.server.deactivateAccount', {}, alice.accessJwt)
  assert.equal(refused.body.error, 'AccountStopped')
  assert.equal((await host.write(alice, 'no')).body.error, 'AccountStopped')
  await host.sql.run('DROP TRIGGER broken')
  const write = await host.write(alice, 'too late')
  assert.equal(write.body.error, 'RepoDeactivated', 'the entry was durable: it counts')
  const status = await host.get('com.atproto.sync.getRepoStatus', { did: alice.did })
  assert.equal(status.body.active, false)
  await host.close()
})

test('one change of the directory that fails does not take its batch with it', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.sql.run(
    `CREATE TRIGGER broken BEFORE UPDATE OF status ON accounts WHEN NEW.did = '${alice.did}'
     BEGIN SELECT RAISE(ABORT, 'no'); END`,
  )
  const answers = await Promise.all(
    [alice, bob].map(({ accessJwt }) =>
      host.post('com.atproto.server.deactivateAccount', {}, accessJwt),
    ),
  )
  assert.deepEqual(
    answers.map(({ status, body }) => body.error ?? status),
    ['AccountStopped', 200],
  )
  await host.sql.run('DROP TRIGGER broken')
  const again = await host.restart()
  for (const { did } of [alice, bob]) {
    assert.equal((await again.get('com.atproto.sync.getRepoStatus', { did })).body.active, false)
  }
  await again.close()
})

test('a gap stops the account instead of being papered over', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.write(alice, 'one')
  await host.close({ keep: true })
  const db = new DatabaseSync(host.accountFile(alice.did))
  db.exec(`UPDATE head SET data = x'01', applied_seq = 0`)
  db.close()
  const again = await host.again()
  assert.equal((await again.write(alice, 'two')).body.error, 'AccountStopped')
  assert.equal(again.metrics.value('pds_stopped_accounts'), 1)
  assert.equal((await again.write(bob, 'hello')).status, 200)
  await again.close()
})

/** The state of a host at this instant, as kill -9 leaves it: what the system was told of. */
function killed(host: TestHost): string {
  const folder = temporary()
  cpSync(host.folder, folder, { recursive: true, filter: (from) => !from.endsWith('lock') })
  return folder
}

test('killed at any instant, it comes back with everything acknowledged', async () => {
  const host = await TestHost.open()
  const people = [await host.signUp('alice'), await host.signUp('bob')]
  const acknowledged: { person: Person; text: string }[] = []
  const copies: { folder: string; known: number }[] = []
  const writes = people.flatMap((person) =>
    Array.from({ length: 30 }, async (_, i) => {
      for (let round = 0; round < 3; round++) {
        const text = `${i}.${round}`
        if ((await host.write(person, text)).status === 200) acknowledged.push({ person, text })
        if (copies.length < 6 && acknowledged.length > copies.length * 25) {
          const known = acknowledged.length
          copies.push({ folder: killed(host), known })
        }
      }
    }),
  )
  await Promise.all(writes)
  await host.close()
  for (const { folder, known } of copies) {
    const again = await host.again({ folder })
    for (const person of people) {
      const texts = new Set(await again.listTexts(person))
      for (const one of acknowledged.slice(0, known)) {
        if (one.person === person) assert.ok(texts.has(one.text), `lost ${one.text}`)
      }
      assert.equal((await again.write(person, 'goes on')).status, 200)
      await assertRepo(again, person, [...texts, 'goes on'])
    }
    await again.close({ keep: true })
  }
})

test('an account file set back to an older synced copy is brought up again', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.write(alice, 'one')
  await host.checkpoint()
  const copy = temporary()
  cpSync(join(host.folder, 'accounts'), join(copy, 'accounts'), { recursive: true })
  await host.write(alice, 'two')
  await host.write(bob, 'hello')
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  await host.post('app.bsky.actor.putPreferences', { preferences }, bob.accessJwt)
  const folder = killed(host)
  await host.close()
  // The power went: of the files only what was synced is left.
  rmSync(join(folder, 'accounts'), { recursive: true })
  cpSync(join(copy, 'accounts'), join(folder, 'accounts'), { recursive: true })
  const again = await host.again({ folder })
  await assertRepo(again, alice, ['one', 'two'])
  await assertRepo(again, bob, ['hello'])
  const kept = await again.get('app.bsky.actor.getPreferences', {}, bob.accessJwt)
  assert.deepEqual(kept.body.preferences, preferences)
  await again.close({ keep: true })
})

test('a file older than the replay point is noticed when it is opened, and brought up', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.write(alice, 'one')
  await host.checkpoint()
  const copy = temporary()
  cpSync(join(host.folder, 'accounts'), join(copy, 'accounts'), { recursive: true })
  await host.write(alice, 'two')
  await host.checkpoint()
  await host.close({ keep: true })
  rmSync(join(host.folder, 'accounts'), { recursive: true })
  cpSync(join(copy, 'accounts'), join(host.folder, 'accounts'), { recursive: true })
  const again = await host.again()
  assert.equal((await again.write(alice, 'three')).status, 200)
  await assertRepo(again, alice, ['one', 'two', 'three'])
  assert.match(again.errors.join(), /was synced at/)
  await again.close()
})

test('a file that is gone is built again while the journal reaches back to its beginning', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.write(alice, 'one')
  await host.close({ keep: true })
  rmSync(join(host.folder, 'accounts'), { recursive: true })
  const again = await host.again()
  assert.equal((await again.write(alice, 'two')).status, 200)
  await assertRepo(again, alice, ['one', 'two'])
  await again.close()
})

test('a file the journal cannot bring up again stops its account for good', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.write(alice, 'one')
  await host.checkpoint()
  await host.stream.trim({ beforeSeq: host.stream.bounds().last + 1 })
  await host.close({ keep: true })
  rmSync(host.accountFile(alice.did))
  const again = await host.again()
  assert.equal((await again.write(alice, 'two')).body.error, 'AccountStopped')
  assert.equal((await again.write(bob, 'hello')).status, 200)
  await again.close()
})

test('replayed files are synced before the replay point passes them', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const bob = await host.signUp('bob')
  await host.checkpoint()
  const synced = temporary()
  cpSync(join(host.folder, 'accounts'), join(synced, 'accounts'), { recursive: true })
  await host.write(alice, 'one')
  const folder = killed(host)
  await host.close()
  // Killed, started again, and only bob writes: alice's file is in the page cache alone.
  const second = await host.again({ folder })
  await second.write(bob, 'hello')
  assert.equal(second.metrics.value('pds_unsynced_files'), 2)
  await second.checkpoint()
  const afterwards = killed(second)
  await second.close({ keep: true })
  const third = await host.again({ folder: afterwards })
  await assertRepo(third, alice, ['one'])
  await third.close({ keep: true })
})

test('a power cut loses nothing acknowledged, whatever the disk kept of the rest', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const disk = new MemoryFiles(1e12)
    let state = seed * 2_654_435_761
    const chance = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      return (state >>> 8) / 2 ** 24
    }
    const folder = temporary()
    const host = await TestHost.open({ files: disk, folder })
    const alice = await host.signUp('alice')
    await host.checkpoint()
    const copy = temporary()
    cpSync(join(folder, 'accounts'), join(copy, 'accounts'), { recursive: true })
    const texts: string[] = []
    const writes = Array.from({ length: 20 }, async (_, i) => {
      if ((await host.write(alice, `${i}`)).status === 200) texts.push(`${i}`)
    })
    await Promise.race(writes.slice(0, 5))
    disk.powerCut(chance)
    const known = [...texts]
    const cut = killed(host)
    await Promise.allSettled(writes)
    await host.close({ keep: true }).catch(() => {})
    // What the host did after the cut did not happen; of the files only what was synced is left.
    rmSync(folder, { recursive: true })
    cpSync(cut, folder, { recursive: true })
    rmSync(join(folder, 'accounts'), { recursive: true })
    cpSync(join(copy, 'accounts'), join(folder, 'accounts'), { recursive: true })
    const again = await host.again({ folder })
    const found = await again.listTexts(alice)
    for (const text of known) assert.ok(found.includes(text), `seed ${seed} lost ${text}`)
    await assertRepo(again, alice, found)
    await again.close({ keep: true })
  }
})

test('a hot account: 512 writes at once all succeed, and their chain is unbroken', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const answers = await Promise.all(
    Array.from({ length: 512 }, (_, i) => host.write(alice, `post ${i}`)),
  )
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  const revs = answers.map(({ body }) => body.commit.rev as string)
  assert.deepEqual(revs, [...new Set(revs)].sort())
  await assertRepo(
    host,
    alice,
    Array.from({ length: 512 }, (_, i) => `post ${i}`),
  )
  await host.close()
})

test('more than that is refused with a hint when to come back', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const answers = await Promise.all(
    Array.from({ length: 600 }, (_, i) => host.write(alice, `post ${i}`)),
  )
  const refused = answers.filter(({ status }) => status === 429)
  assert.equal(refused.length, 88)
  assert.equal(refused[0]!.headers['retry-after'], '1')
  assert.equal((await host.listTexts(alice)).length, 512)
  await host.close()
})

test('a clock that jumps back never gives a lower rev or seq', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.write(alice, 'one')
  host.outside.setNow(host.outside.now() - 3_600_000)
  await host.write(alice, 'two')
  const again = await host.restart()
  again.outside.setNow(again.outside.now() - 3_600_000)
  await again.write(alice, 'three')
  again.outside.setNow(again.outside.now() + 7_300_000)
  await assertRepo(again, alice, ['one', 'two', 'three'])
  const events = await again.events()
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map(({ seq }) => seq).sort((a, b) => a - b),
  )
  await again.close()
})

test('seqs go on from the clock when the end of the journal was lost', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const folder = killed(host)
  await host.write(alice, 'told to the network, then lost with the disk')
  const told = (await host.events()).at(-1)!.seq
  host.outside.setNow(host.outside.now() + 1)
  await host.close()
  const restored = await host.again({ folder })
  await restored.write(alice, 'new')
  assert.ok((await restored.events()).at(-1)!.seq > told)
  await restored.close({ keep: true })
})

test('seqs rise above what the directory remembers when the journal is lost and the clock went back', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.write(alice, 'one')
  await host.checkpoint()
  await host.write(alice, 'two')
  const told = (await host.events()).at(-1)!.seq
  await host.close({ keep: true })
  rmSync(join(host.folder, 'streams'), { recursive: true })
  host.outside.setNow(host.outside.now() - 3_600_000)
  const restored = await host.again()
  assert.equal((await restored.write(alice, 'three')).status, 200)
  const [event] = await restored.events()
  assert.ok(event!.seq > told)
  assert.deepEqual((await restored.listTexts(alice)).sort(), ['one', 'three', 'two'])
  await restored.close()
})

test('blobs are on the disk before the record that mentions them is answered', async () => {
  const done: string[] = []
  const blobFiles = faultyFiles(nodeFiles, (operation, path) => {
    if (operation === 'datasync' && path.includes('blobs')) done.push('blob synced')
    return undefined
  })
  const files = faultyFiles(nodeFiles, (operation) => {
    if (operation === 'write') done.push('journal written')
    return undefined
  })
  const host = await TestHost.open({ blobFiles, files })
  const alice = await host.signUp('alice')
  const blob = await host.upload(alice, 'a picture')
  done.length = 0
  const post = await host.write(alice, 'look', { record: withBlob('look', blob) })
  assert.equal(post.status, 200, JSON.stringify(post.body))
  assert.equal(done[0], 'blob synced')
  assert.ok(done.indexOf('journal written') > done.lastIndexOf('blob synced'))
  await host.close()
})

test('a blob that a durable record mentions survives the loss of its row', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  await host.checkpoint()
  const copy = temporary()
  cpSync(join(host.folder, 'accounts'), join(copy, 'accounts'), { recursive: true })
  const blob = await host.upload(alice, 'a picture')
  await host.write(alice, 'look', { record: withBlob('look', blob) })
  const folder = killed(host)
  await host.close()
  rmSync(join(folder, 'accounts'), { recursive: true })
  cpSync(join(copy, 'accounts'), join(folder, 'accounts'), { recursive: true })
  const again = await host.again({ folder })
  const read = await again.get('com.atproto.sync.getBlob', { did: alice.did, cid: blob.ref.$link })
  assert.equal(read.status, 200)
  assert.equal(new TextDecoder().decode(read.bytes), 'a picture')
  await again.close({ keep: true })
})

function withBlob(text: string, blob: { ref: { $link: string } }) {
  return {
    $type: 'app.bsky.feed.post',
    text,
    createdAt: '2026-01-01T00:00:00.000Z',
    embed: { $type: 'app.bsky.embed.images', images: [{ alt: '', image: blob }] },
  }
}

test('preferences are sealed in the journal and in the file', async () => {
  const host = await TestHost.open()
  const alice = await host.signUp('alice')
  const preferences = [{ $type: 'app.bsky.actor.defs#interestsPref', tags: ['xylophones'] }]
  const put = await host.post('app.bsky.actor.putPreferences', { preferences }, alice.accessJwt)
  assert.equal(put.status, 200)
  for await (const batch of host.stream.tail(0)) {
    for (const { payload } of batch) {
      assert.ok(!Buffer.from(payload).includes('xylophones'), 'plain text in the journal')
    }
  }
  const again = await host.restart()
  const kept = await again.get('app.bsky.actor.getPreferences', {}, alice.accessJwt)
  assert.deepEqual(kept.body.preferences, preferences)
  assert.ok(existsSync(again.accountFile(alice.did)))
  const db = new DatabaseSync(again.accountFile(alice.did), { readOnly: true })
  const { sealed } = db.prepare('SELECT sealed FROM preferences').get() as { sealed: Uint8Array }
  assert.ok(!Buffer.from(sealed).includes('xylophones'))
  db.close()
  await again.close()
})
