import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { silentLog, type TestOutside, testOutside } from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { relayMigrations } from '../index.ts'
import { Projection } from './projection.ts'
import { type RepoState, unknownRepo } from './repo-state.ts'
import { RepoStates } from './repo-states.ts'

const host = 'https://pds.example'
const cid = new Uint8Array(36).fill(1)
const alice: Did = 'did:plc:alice'
const bob: Did = 'did:plc:bob'
const state = (did: Did, rev: string): RepoState => ({
  ...unknownRepo(did, host),
  rev,
  commit: cid,
  data: cid,
})

let sql: Sql
let outside: TestOutside
let projection: Projection
let states: RepoStates

beforeEach(async () => {
  sql = await openSqlite(':memory:', { migrations: loadMigrations(relayMigrations) })
  outside = testOutside()
  projection = new Projection({ sql, timers: outside.timers, log: silentLog })
  states = new RepoStates({ sql, projection })
})
afterEach(() => sql.close())

/** States as somebody who starts anew finds them. */
const saved = async (did: Did) =>
  await new RepoStates({
    sql,
    projection: new Projection({ sql, timers: outside.timers, log: silentLog }),
  }).get(did)

test('what was kept is in Sql after a flush: states, cursors and how far', async () => {
  projection.keep({ states: [state(alice, 'a'), state(bob, 'b')], cursor: [host, 7], seq: 2 })
  projection.keep({ states: [state(alice, 'c')], cursor: [host, 8], seq: 3 })
  assert.equal(await saved(alice), undefined)
  await projection.flush()
  assert.deepEqual(await saved(alice), state(alice, 'c'))
  assert.deepEqual(await saved(bob), state(bob, 'b'))
  assert.equal(await projection.appliedSeq(), 3)
  const row = await sql.get<{ cursor: number }>('SELECT cursor FROM hosts WHERE url = ?', [host])
  assert.equal(row?.cursor, 8)
})

test('how far never goes back, and a cursor may', async () => {
  projection.keep({ states: [], cursor: [host, 9], seq: 5 })
  await projection.flush()
  projection.keep({ states: [], cursor: [host, 0], seq: 0 })
  assert.equal(projection.cursor(host), 0)
  await projection.flush()
  assert.equal(await projection.appliedSeq(), 5)
  const row = await sql.get<{ cursor: number }>('SELECT cursor FROM hosts WHERE url = ?', [host])
  assert.equal(row?.cursor, 0)
})

test('states are found while they are unwritten, and after memory was dropped', async () => {
  projection.keep({ states: [state(alice, 'a')], seq: 1 })
  assert.deepEqual(await states.get(alice), state(alice, 'a'))
  states.set(state(alice, 'not durable'))
  states.reset()
  assert.ok(states.lacks([alice]))
  assert.deepEqual(await states.get(alice), state(alice, 'a'))
  const flushing = projection.flush()
  states.reset()
  assert.deepEqual(await states.get(alice), state(alice, 'a'))
  await flushing
  states.reset()
  assert.deepEqual(await states.get(alice), state(alice, 'a'))
})

test('a state that came while its row was read is not covered by the row', async () => {
  projection.keep({ states: [state(alice, 'old')], seq: 1 })
  await projection.flush()
  const loading = states.load([alice])
  states.set(state(alice, 'new'))
  await loading
  assert.equal(states.peek(alice)?.rev, 'new')
})

test('a database that refuses loses nothing: all is written when it takes again', async () => {
  let refuses = true
  const failing: Sql = {
    ...sql,
    get: (text, params) => sql.get(text, params),
    transaction: (work) => (refuses ? Promise.reject(new Error('full')) : sql.transaction(work)),
  }
  projection = new Projection({ sql: failing, timers: outside.timers, log: silentLog })
  const stopping = new AbortController()
  const running = projection.loop.run(stopping.signal)
  projection.keep({ states: [state(alice, 'a'), state(bob, 'b')], cursor: [host, 1], seq: 1 })
  await outside.advance(1_000)
  projection.keep({ states: [state(alice, 'c')], cursor: [host, 2], seq: 2 })
  assert.equal(projection.state(alice)?.rev, 'c')
  assert.equal(projection.state(bob)?.rev, 'b')
  refuses = false
  await outside.advance(10_000)
  while (projection.state(alice)) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(await saved(alice), state(alice, 'c'))
  assert.deepEqual(await saved(bob), state(bob, 'b'))
  stopping.abort()
  await outside.advance(1_000)
  await running
})

test('beyond so much unwritten, whoever reads waits until it is written', async () => {
  assert.equal(projection.full(), undefined)
  const many = Array.from({ length: 50_000 }, (_, i) => unknownRepo(`did:plc:${i}`, host))
  projection.keep({ states: many, seq: 1 })
  let hasRoom = false
  const room = projection.full()?.then(() => {
    hasRoom = true
  })
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(hasRoom, false)
  await projection.flush()
  await room
  assert.equal(projection.full(), undefined)
})

test('repositories to be mended are listed', async () => {
  projection.keep({ states: [{ ...state(alice, 'a'), desynchronized: true }], seq: 1 })
  projection.keep({ states: [state(bob, 'b')], seq: 2 })
  await projection.flush()
  assert.deepEqual(
    (await states.desynchronized(10)).map(({ did }) => did),
    [alice],
  )
})
