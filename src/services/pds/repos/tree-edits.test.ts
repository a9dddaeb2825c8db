/** After a crash a tree follows from its stored nodes and the journal: not every record is read. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, test } from 'node:test'
import { cidText } from '#protocol/data'
import { verifyRepoCar } from '#protocol/repo'
import { AccountFile } from '../account-files/index.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const NOTE = 'com.example.note'

/** Runs something, and tells how often all records of a file were read meanwhile. */
async function fullReads(work: () => Promise<void>): Promise<number> {
  const { entries } = AccountFile.prototype
  let count = 0
  AccountFile.prototype.entries = function (this: AccountFile) {
    count++
    return entries.call(this)
  }
  try {
    await work()
    return count
  } finally {
    AccountFile.prototype.entries = entries
  }
}

async function put(host: TestHost, { did: repo, accessJwt }: Person, rkey: string, text: string) {
  const input = { repo, collection: NOTE, rkey, record: { text } }
  const { status, body } = await host.post('com.atproto.repo.putRecord', input, accessJwt)
  assert.equal(status, 200, JSON.stringify(body))
}

async function remove(host: TestHost, { did: repo, accessJwt }: Person, rkey: string) {
  const input = { repo, collection: NOTE, rkey }
  const { status, body } = await host.post('com.atproto.repo.deleteRecord', input, accessJwt)
  assert.equal(status, 200, JSON.stringify(body))
}

const folders = new Set<string>()
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Killed: what comes next has what the system was told of, and nothing that was in memory. */
async function killed(host: TestHost): Promise<TestHost> {
  const folder = host.copy()
  for (const one of [host.folder, folder]) folders.add(one)
  await host.close({ keep: true })
  return host.again({ folder })
}

/** The export is the one tree of exactly these records, and the head that was announced. */
async function assertHolds(host: TestHost, person: Person, rkeys: readonly string[]) {
  const { bytes } = await host.get('com.atproto.sync.getRepo', { did: person.did })
  const key = (await host.signingKey(person.did))!
  const repo = verifyRepoCar(bytes, { did: person.did, keys: [key] })
  const found = repo.records.map(({ path }) => path.slice(NOTE.length + 1))
  assert.deepEqual(found, rkeys.toSorted())
  assert.equal(cidText(repo.head.commit), await host.assertChain(person))
}

test('what was written since a checkpoint is put into the stored tree, kill after kill', async () => {
  const first = await TestHost.open()
  const alice = await first.signUp('alice')
  const rkeys = new Set<string>()
  const create = async (host: TestHost, rkey: string) => {
    await put(host, alice, rkey, rkey)
    rkeys.add(rkey)
  }
  const drop = async (host: TestHost, rkey: string) => {
    await remove(host, alice, rkey)
    rkeys.delete(rkey)
  }
  for (let i = 0; i < 40; i++) await create(first, `a${i}`)
  await first.checkpoint()
  for (let i = 0; i < 5; i++) await create(first, `b${i}`)
  await put(first, alice, 'a3', 'another')
  await drop(first, 'a7')
  await create(first, 'gone')
  await drop(first, 'gone')
  await drop(first, 'b1')
  await create(first, 'b1')
  let host = first
  for (const round of ['c', 'd']) {
    host = await killed(host)
    const reads = await fullReads(async () => {
      await create(host, round)
      await drop(host, `b${round === 'c' ? 2 : 3}`)
    })
    assert.equal(reads, 0)
  }
  host = await killed(host)
  const untouched = await fullReads(async () => {
    // The replay point passes all of it while nobody asks for the repository.
    await host.checkpoint()
    await create(host, 'e')
    host = await killed(host)
    await create(host, 'f')
  })
  assert.equal(untouched, 0)
  host = await killed(host)
  const reads = await fullReads(() => assertHolds(host, alice, [...rkeys]))
  assert.equal(reads, 0, 'an export puts it into the stored tree as well')
  await host.checkpoint()
  host = await host.restart()
  await create(host, 'last')
  await assertHolds(host, alice, [...rkeys])
  await host.close()
})

test('where no nodes were stored yet, the records tell', async () => {
  const first = await TestHost.open()
  const alice = await first.signUp('alice')
  for (const rkey of ['a', 'b', 'c']) await put(first, alice, rkey, rkey)
  const host = await killed(first)
  const reads = await fullReads(() => put(host, alice, 'd', 'd'))
  assert.equal(reads, 1)
  await assertHolds(host, alice, ['a', 'b', 'c', 'd'])
  await host.close()
})
