import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { sealer } from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { generateKey } from '#protocol/crypto'
import type { Did, Handle } from '#protocol/syntax'
import { Accounts } from './index.ts'

const alice = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' as Did
const bob = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb' as Did

let sql: Sql
let accounts: Accounts
let deleted: [Did, number][]

const open = () =>
  new Accounts({
    sql,
    sealer: sealer(new Uint8Array(32)),
    now: () => 1_000,
    onDeleted: async (did, seq) => void deleted.push([did, seq]),
  })

beforeEach(async () => {
  sql = await openSqlite(':memory:', {
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
  })
  deleted = []
  accounts = open()
})
afterEach(() => sql.close())

const create = (did: Did, handle: string, email?: string) =>
  accounts.createPending({
    did,
    handle: handle as Handle,
    email,
    passwordHash: 'hash',
    signingKey: generateKey('k256'),
    dataKey: new Uint8Array(32),
    plcOperation: undefined,
    bornSeq: 10,
  })

test('an account is nobody until it is no longer pending', async () => {
  await create(alice, 'alice.test', 'A@x.example')
  assert.equal(await accounts.get(alice), undefined)
  assert.equal(await accounts.byHandle('alice.test' as Handle), undefined)
  assert.equal(await accounts.byEmail('a@x.example'), undefined)
  await accounts.projectStatus(alice, 'active', 11)
  assert.equal((await accounts.get(alice))?.handle, 'alice.test')
  assert.equal((await accounts.byEmail('a@X.example'))?.did, alice)
  await assert.rejects(accounts.require('nobody.test'), /RepoNotFound|Could not find/)
})

test('an entry that a row reflects changes nothing when it comes again', async () => {
  await create(alice, 'alice.test')
  await accounts.projectStatus(alice, 'active', 11)
  await accounts.projectHandle(alice, 'ally.test' as Handle, 12)
  await accounts.projectGeneration(alice, 2, 13)
  await accounts.projectStatus(alice, 'deactivated', 14)
  for (const again of [accounts, open()]) {
    await again.projectHandle(alice, 'alice.test' as Handle, 11)
    await again.projectStatus(alice, 'active', 11)
    await again.projectGeneration(alice, 1, 12)
    const { handle, status, generation } = (await again.get(alice))!
    assert.deepEqual([handle, status, generation], ['ally.test', 'deactivated', 2])
  }
})

test('what one account’s row reflects says nothing of another’s', async () => {
  await create(alice, 'alice.test')
  await create(bob, 'bob.test')
  await accounts.projectStatus(bob, 'active', 20)
  await accounts.projectStatus(alice, 'active', 11)
  assert.equal((await accounts.get(alice))?.status, 'active')
})

test('names are claimed before they are had, and given up when they change', async () => {
  await create(alice, 'alice.test', 'a@x.example')
  await assert.rejects(create(bob, 'alice.test'), /already taken/)
  await assert.rejects(create(bob, 'bob.test', 'A@x.example'), /already taken/)
  await assert.rejects(create(alice, 'other.test'), /already exists/)
  await accounts.projectStatus(alice, 'active', 11)
  await accounts.claims.claim(alice, 'ally.test' as Handle)
  await accounts.claims.claim(alice, 'ally.test' as Handle)
  await assert.rejects(create(bob, 'ally.test'), /already taken/)
  await assert.rejects(accounts.claims.claim(bob, 'ally.test' as Handle), /already taken/)
  assert.deepEqual(await accounts.claims.open(10), [
    { did: alice, handle: 'ally.test', claimedMs: 1_000 },
  ])
  await accounts.projectHandle(alice, 'ally.test' as Handle, 12)
  assert.deepEqual(await accounts.claims.open(10), [])
  await create(bob, 'alice.test')
})

test('giving a claim back never gives up the name one has', async () => {
  await create(alice, 'alice.test')
  await accounts.projectStatus(alice, 'active', 11)
  await accounts.claims.giveBack(alice, 'alice.test' as Handle)
  await assert.rejects(create(bob, 'alice.test'), /already taken/)
})

test('what is refused together leaves nothing of either', async () => {
  const input = {
    did: alice,
    handle: 'alice.test' as Handle,
    email: undefined,
    passwordHash: 'hash',
    signingKey: generateKey('k256'),
    dataKey: new Uint8Array(32),
    plcOperation: undefined,
    bornSeq: 0,
  }
  const refuse = async () => {
    throw new Error('no invite')
  }
  await assert.rejects(accounts.createPending(input, refuse), /no invite/)
  await create(alice, 'alice.test')
})

test('a deleted account keeps its row, without anything that opens or names it', async () => {
  await create(alice, 'alice.test', 'a@x.example')
  await accounts.projectStatus(alice, 'active', 11)
  await accounts.projectDeletion(alice, 12)
  await accounts.projectDeletion(alice, 12)
  assert.deepEqual(deleted, [[alice, 12]])
  assert.equal(await accounts.get(alice), undefined)
  assert.equal((await accounts.getAny(alice))?.status, 'deleted')
  assert.equal(await accounts.byHandle('alice.test' as Handle), undefined)
  assert.deepEqual(await accounts.list({ limit: 10 }), [])
  const row = await sql.get<Record<string, unknown>>('SELECT * FROM accounts')
  assert.deepEqual(
    [row!.email, row!.password_hash, row!.signing_key, row!.data_key].map((value) =>
      value instanceof Uint8Array ? value.length : value,
    ),
    [null, '', 0, 0],
  )
  await create(bob, 'alice.test', 'a@x.example')
  const again = await create(alice, 'again.test')
  assert.equal(again.generation, 2, 'another life has another file')
})

test('a checkpoint is noted for the generation that was synced', async () => {
  await create(alice, 'alice.test')
  await accounts.projectStatus(alice, 'active', 11)
  const head = new Uint8Array([1])
  const file = { did: alice, generation: 1, seq: 15, rev: '3l2jkcq6kwc2k', head }
  await accounts.saveCheckpoint(14, [file])
  assert.equal(await accounts.replayPoint(), 14)
  assert.equal((await accounts.get(alice))?.syncedSeq, 15)
  await accounts.projectGeneration(alice, 2, 16)
  assert.equal((await accounts.get(alice))?.syncedSeq, 0)
  await accounts.saveCheckpoint(16, [file])
  assert.equal((await accounts.get(alice))?.syncedSeq, 0)
  const [listed] = await open().list({ limit: 10 })
  assert.deepEqual([listed!.did, listed!.generation, listed!.rev], [alice, 2, '3l2jkcq6kwc2k'])
})
