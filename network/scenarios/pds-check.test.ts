/** An operator checks a host's accounts, finds what a disk has done to one, and repairs it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { ServerProcess, temporaryFolder } from '../rig.ts'

const NOTE = 'com.example.note'
const falaj = resolve(import.meta.dirname, '../../bin/falaj')
const folder = temporaryFolder()
const data = join(folder.path, 'pds')
let plc: ServerProcess
let pds: ServerProcess
let alice: AtpAgent
let bob: AtpAgent

async function person(name: string): Promise<AtpAgent> {
  const agent = new AtpAgent({ service: pds.url })
  const login = { handle: `${name}.test`, email: `${name}@mail.example`, password: 'password' }
  await agent.createAccount(login)
  return agent
}

const note = (agent: AtpAgent, rkey: string) => ({
  repo: agent.assertDid,
  collection: NOTE,
  rkey,
  record: { text: `${rkey}: ${'so it is '.repeat(40)}` },
})

before(async () => {
  plc = await new ServerProcess('plc', '--dev', '--data', join(folder.path, 'plc')).start()
  pds = await new ServerProcess('pds', '--dev', '--plc', plc.url, '--data', data).start()
  alice = await person('alice')
  bob = await person('bob')
  for (const agent of [alice, bob]) {
    for (let i = 0; i < 30; i++) await agent.com.atproto.repo.createRecord(note(agent, `k${i}`))
  }
})
after(async () => {
  await pds?.kill()
  await plc?.kill()
  folder.remove()
})

async function check(...args: string[]) {
  const child = spawn(falaj, ['pds', 'check', '--data', data, ...args])
  const [out, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((done) => child.on('exit', done)),
  ])
  return { out, errors, code }
}

function fileOf(agent: AtpAgent): string {
  const accounts = join(data, 'pds', 'accounts')
  const name = agent.assertDid.replaceAll(':', '_')
  for (const shard of readdirSync(accounts)) {
    const path = join(accounts, shard, name, '1.sqlite')
    if (existsSync(path)) return path
  }
  throw new Error('no file')
}

test('a host that runs is left alone', async () => {
  const { errors, code, out } = await check('--all')
  assert.equal(code, 1)
  assert.match(errors, /^falaj: .* is in use by another process: stop the host first\n$/)
  assert.equal(out, '')
})

test('what makes no sense is told in one line', async () => {
  for (const args of [[], ['--all', '--did', 'did:web:x.test'], ['--all', '--unknown']]) {
    const { errors, code } = await check(...args)
    assert.equal(code, 2, errors)
    assert.match(errors, /^falaj: .*\n$/)
  }
})

test('a whole host is told to be whole', async () => {
  assert.equal(await pds.stop(), 0)
  const { out, code, errors } = await check('--all')
  assert.equal(code, 0, errors)
  assert.equal(out, '2 accounts checked, 0 repaired, 0 not sound\n')
})

test('torn pages are found, told by name, and made good; the host then goes on with everybody', async () => {
  const path = fileOf(alice)
  const bytes = readFileSync(path)
  for (let at = -1; (at = bytes.indexOf('k7: so it is', at + 1)) >= 0; ) {
    const page = Math.floor(at / 4096) * 4096
    bytes.fill(0xee, page, page + 4096)
  }
  writeFileSync(path, bytes)
  const found = await check('--all', '--json', '--log-level', 'error')
  assert.equal(found.code, 1, found.errors)
  const [report, summary] = found.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual([report.did, report.ok], [alice.assertDid, false])
  assert.deepEqual(summary, { summary: { checked: 2, unsound: 1, repaired: 0 } })
  const repaired = await check('--did', alice.assertDid, '--repair')
  assert.equal(repaired.code, 0, repaired.errors + repaired.out)
  assert.match(repaired.out, /sound\n[\s\S]*repaired {2}rebuilt/)
  await pds.start()
  for (const agent of [alice, bob]) {
    const { data } = await agent.com.atproto.repo.listRecords({
      repo: agent.assertDid,
      collection: NOTE,
      limit: 100,
    })
    assert.equal(data.records.length, 30)
    await agent.com.atproto.repo.createRecord(note(agent, 'afterwards'))
  }
})

test('after a restore every active account says what it is', async () => {
  await pds.stop()
  const { out, code, errors } = await check('--all', '--announce', '--json')
  assert.equal(code, 0, errors)
  const reports = out.trimEnd().split('\n').slice(0, -1)
  assert.deepEqual(
    reports.map((line) => JSON.parse(line).repairs),
    [['announced'], ['announced']],
  )
})

test('a check of all that was interrupted goes on where it was', async () => {
  const [first] = [alice.assertDid, bob.assertDid].sort()
  const progress = { after: first, checked: 1, unsound: 0, repaired: 0 }
  const file = join(data, 'pds', 'check.json')
  writeFileSync(file, JSON.stringify(progress))
  const { out, errors, code } = await check('--all')
  assert.equal(code, 0, errors)
  assert.match(errors, /going on after 1 accounts/)
  assert.equal(out, '2 accounts checked, 0 repaired, 0 not sound\n')
  assert.equal(existsSync(file), false)
})
