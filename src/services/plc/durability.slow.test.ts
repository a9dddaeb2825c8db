import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type PlcOperation, plcOperationCid, verifyPlcLog } from '#protocol/identity'
import { Person, startPlc } from './plc.test-support.ts'

const directory = mkdtempSync(join(tmpdir(), 'plc-'))
after(() => rmSync(directory, { recursive: true, force: true }))

test('what was accepted is there after the database is opened again, and goes on', async () => {
  const path = join(directory, 'plc.sqlite')
  const alice = new Person()
  const { did, genesis, keys } = alice
  let plc = await startPlc({ path })
  const first = await plc.accept(did, genesis)
  await plc.accept(did, alice.named(first, 'mallory', keys[2]))
  await plc.accept(did, alice.named(first, 'alice', keys[0]))
  const before = await plc.audit(did)
  const exported = await (await plc.get('/export?after=0')).text()
  await plc.close()

  plc = await startPlc({ path })
  assert.deepEqual(await plc.audit(did), before)
  assert.equal(await (await plc.get('/export?after=0')).text(), exported)
  assert.equal(plc.metrics.value('plc_newest_seq'), 3)
  await plc.accept(did, alice.named(before[2]!.cid, 'onwards'))
  const after = await plc.audit(did)
  assert.equal(verifyPlcLog(did, after).valid.length, 3)
  await plc.close()
})

test('an accepted operation is committed before its answer: another connection sees it', async () => {
  const path = join(directory, 'shared.sqlite')
  const alice = new Person()
  const plc = await startPlc({ path })
  await plc.accept(alice.did, alice.genesis)
  const other = await startPlc({ path })
  assert.deepEqual(await other.audit(alice.did), await plc.audit(alice.did))
  await other.close()
  await plc.close()
})

test('a directory that is killed while people write has everything it accepted', async () => {
  const path = join(directory, 'killed.sqlite')
  const program = join(import.meta.dirname, 'plc-child.test-support.ts')
  const accepted: string[] = []
  const people = Array.from({ length: 400 }, (_, i) => new Person(`k${i}`))
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const url = String((await once(child.stdout, 'data'))[0]).trim()
    const write = async (): Promise<void> => {
      for (let person = people.pop(); person; person = people.pop()) {
        const body = JSON.stringify(person.genesis)
        const answer = await fetch(`${url}/${person.did}`, { method: 'POST', body })
        if (answer.status === 200) accepted.push(person.did)
        if (accepted.length % 60 === 59) child.kill('SIGKILL')
      }
    }
    await Promise.allSettled(Array.from({ length: 8 }, write))
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
  assert.ok(accepted.length > 100)
  const plc = await startPlc({ path })
  for (const did of accepted) assert.equal((await plc.get(`/${did}`)).status, 200)
  await plc.close()
})

describe('operations at once', () => {
  test('with the same prev: exactly one is accepted, the others are told', async () => {
    const plc = await startPlc()
    const alice = new Person()
    const first = await plc.accept(alice.did, alice.genesis)
    const rivals = Array.from({ length: 8 }, (_, i) => alice.named(first, `rival${i}`))
    const answers = await Promise.all(rivals.map((one) => plc.post(alice.did, one)))
    const statuses = answers.map((answer) => answer.status)
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [200, 409, 409, 409, 409, 409, 409, 409],
    )
    const winner = rivals[statuses.indexOf(200)]!
    assert.deepEqual(await plc.json(`/${alice.did}/log/last`), winner)
    const audit = await plc.audit(alice.did)
    assert.equal(audit.length, 2)
    verifyPlcLog(alice.did, audit)
    await plc.close()
  })

  test('that create the same DID: it is created once', async () => {
    const plc = await startPlc()
    const alice = new Person()
    const answers = await Promise.all([1, 2, 3].map(() => plc.post(alice.did, alice.genesis)))
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 200, 200],
    )
    assert.equal((await plc.audit(alice.did)).length, 1)
    await plc.close()
  })

  test('of many DIDs, with losers trying again, leave logs without forks', async () => {
    const plc = await startPlc()
    const people = Array.from({ length: 5 }, (_, i) => new Person(`p${i}`))
    for (const { did, genesis } of people) await plc.accept(did, genesis)
    const insist = async (person: Person, name: string): Promise<void> => {
      for (;;) {
        const last = await plc.json<PlcOperation>(`/${person.did}/log/last`)
        const operation = person.named(plcOperationCid(last), name)
        const { status } = await plc.post(person.did, operation)
        if (status === 200) return
        assert.equal(status, 409)
      }
    }
    await Promise.all(
      people.flatMap((person) => [0, 1, 2, 3].map((i) => insist(person, `name${i}`))),
    )
    for (const { did } of people) {
      const audit = await plc.audit(did)
      assert.equal(audit.length, 5)
      assert.equal(verifyPlcLog(did, audit).valid.length, 5)
    }
    const lines = (await (await plc.get('/export?after=0')).text()).split('\n')
    assert.equal(lines.length, 25)
    await plc.close()
  })

  test('the table itself refuses a fork', async () => {
    const plc = await startPlc()
    const alice = new Person()
    const first = await plc.accept(alice.did, alice.genesis)
    await plc.accept(alice.did, alice.named(first, 'a'))
    const insert = `insert into operation (seq, did, cid, prev, body, created_ms)
      values (99, ?, 'other', ?, '{}', 99)`
    await assert.rejects(plc.sql.run(insert, [alice.did, first]), { code: 'Conflict' })
    await plc.close()
  })
})
