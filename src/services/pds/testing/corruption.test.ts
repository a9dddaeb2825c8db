/** Bytes that change behind the host's back: that account stops, loudly, and nobody else notices. */
import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { type Person, TestHost } from './host.test-support.ts'

const PAGE = 4096
const NOTE = 'com.example.note'

/** Changes bytes of a file in place, under whoever has it open. */
function scribble(path: string, places: (size: number) => readonly number[], length = 64): void {
  const file = openSync(path, 'r+')
  try {
    for (const at of places(fstatSync(file).size)) {
      const bytes = Buffer.alloc(length)
      const count = readSync(file, bytes, 0, length, at)
      for (let i = 0; i < count; i++) bytes[i] = bytes[i]! ^ 0xff
      writeSync(file, bytes, 0, count, at)
    }
  } finally {
    closeSync(file)
  }
}

const read = (host: TestHost, person: Person, rkey: string) =>
  host.get('com.atproto.repo.getRecord', {
    repo: person.did,
    collection: NOTE,
    rkey,
  })

/** Two people with many posts, in files that the host has closed since. */
async function twoPeople(): Promise<{ host: TestHost; alice: Person; bob: Person }> {
  const first = await TestHost.open()
  const alice = await first.signUp('alice')
  const bob = await first.signUp('bob')
  for (let i = 0; i < 60; i++) {
    for (const person of [alice, bob]) {
      const text = `${person.handle} says ${i}: ${'so it is '.repeat(20)}`
      const written = await first.write(person, text, {
        collection: NOTE,
        rkey: `post${i}`,
        record: { text },
      })
      assert.equal(written.status, 200)
    }
  }
  const host = await first.restart()
  return { host, alice, bob }
}

test('a damaged page stops its account with a clear error, for reads and writes, and only it', async () => {
  const { host, alice, bob } = await twoPeople()
  scribble(host.accountFile(alice.did), (size) =>
    Array.from({ length: size / PAGE - 1 }, (_, i) => (i + 1) * PAGE),
  )
  const seen = await read(host, alice, 'post1')
  assert.deepEqual([seen.status, seen.body.error], [503, 'AccountStopped'])
  assert.ok(Number(seen.headers['retry-after']) > 0)
  assert.equal((await host.write(alice, 'no')).body.error, 'AccountStopped')
  const listed = await host.get('com.atproto.repo.listRecords', {
    repo: alice.did,
    collection: NOTE,
  })
  assert.equal(listed.body.error, 'AccountStopped')
  const whole = await host.get('com.atproto.sync.getRepo', { did: alice.did })
  assert.equal(whole.body.error, 'AccountStopped')
  assert.equal(host.metrics.value('pds_stopped_accounts'), 1)
  assert.match(host.errors.join(), /account stopped: its file is damaged/)
  assert.equal((await host.write(bob, 'still here')).status, 200)
  assert.equal((await read(host, bob, 'post1')).status, 200)
  await host.checkpoint()
  assert.equal(host.fatal, undefined)
  const loop = host.loop('repair-accounts')
  await host.outside.advance(65_000)
  await loop.stop()
  assert.equal(host.metrics.value('pds_stopped_accounts'), 1, 'the journal alone mends nothing')
  await host.close()
})

test('a changed byte inside a record is never handed out as its author’s word', async () => {
  const { host, alice, bob } = await twoPeople()
  const path = host.accountFile(alice.did)
  const bytes = readFileSync(path)
  // A page that was split may still hold an older copy.
  const places: number[] = []
  for (let at = -1; (at = bytes.indexOf('says 7: so it is', at + 1)) >= 0; ) places.push(at)
  assert.ok(places.length > 0)
  scribble(path, () => places, 1)
  assert.equal((await read(host, bob, 'post7')).status, 200)
  assert.equal((await read(host, alice, 'post1')).status, 200)
  for (const rkey of ['post7', 'post1']) {
    const seen = await read(host, alice, rkey)
    assert.deepEqual([seen.status, seen.body.error], [503, 'AccountStopped'], rkey)
  }
  assert.equal((await host.write(bob, 'still here')).status, 200)
  await host.close()
})

test('a file that is no database any more stops its account alone, also at the start', async () => {
  const { host, alice, bob } = await twoPeople()
  await host.write(alice, 'one more')
  const folder = host.copy()
  await host.close({ keep: true })
  const path = host.accountFile(alice.did).replace(host.folder, folder)
  rmSync(`${path}-wal`, { force: true })
  scribble(path, () => [0])
  const again = await host.again({ folder })
  assert.equal((await again.write(alice, 'no')).body.error, 'AccountStopped')
  assert.equal((await again.write(bob, 'still here')).status, 200)
  await again.checkpoint().catch(() => {})
  await again.close()
  rmSync(host.folder, { recursive: true })
})
