/** An organisation moves: hundreds of accounts in waves, while both hosts and the command line are killed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { FleetAccount, FleetView } from '#protocol/account'
import { type Mover, MovingNetwork } from '../moving.test-support.ts'
import { runFalaj } from '../rig.ts'

const ACCOUNTS = Number(process.env.FALAJ_FLEET ?? 510)
const network = new MovingNetwork()
before(() => network.start())
after(() => network.stop())

const WORLD = { FALAJ_ADMIN_PASSWORD: 'admin-pass', FALAJ_FROM_ADMIN_PASSWORD: 'admin-pass' }

const fleets = async (): Promise<FleetView[]> => {
  const response = await fetch(`${network.new.url}/xrpc/app.falaj.fleet.list`, {
    headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
  })
  return ((await response.json()) as { fleets: FleetView[] }).fleets
}

const doneBy = async (count: number) => {
  for (;;) {
    const [fleet] = await fleets().catch(() => [])
    if (fleet && (fleet.counts.done >= count || fleet.state === 'done')) return
    assert.notEqual(fleet?.state, 'paused')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

test('hundreds arrive whole and once, the bad rows are named, whoever is killed on the way', async () => {
  const movers: Mover[] = []
  const waiting = Array.from({ length: ACCOUNTS }, (_, i) => i).values()
  const work = async () => {
    for (const i of waiting) {
      movers[i] = await network.person(`acc${i}`, { records: 3 + (i % 5), blobs: i % 3 })
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  const table = join(network.folder, 'people.csv')
  const rows = movers.map(({ handle, password }, i) =>
    // Some by their own password, the others let go.
    [handle, i % 50 === 0 ? password : '', (i % 3) + 1].join(','),
  )
  const bad = ['ghost.test,,1', 'acc1.test.example,,1', 'acc0.two.test,word of nobody,2']
  writeFileSync(table, ['account,password,wave', ...rows, ...bad].join('\n'))
  const report = join(network.folder, 'moved')
  const words = ['move', 'fleet', table, '--from', network.old.url, '--to', network.new.url]
  const checked = await runFalaj([...words, '--check'], WORLD)
  assert.equal(checked.code, 1, checked.err)
  assert.match(checked.out, new RegExp(`${ACCOUNTS} of ${ACCOUNTS + 3} accounts can begin`))
  assert.match(checked.out, /ghost\.test: .*not found/)
  words.push('--leave-blocked', '--at-once', '8', '--report', report)
  const first = spawn('bin/falaj', words, { env: { ...process.env, ...WORLD }, stdio: 'ignore' })
  await doneBy(ACCOUNTS * 0.2)
  first.kill('SIGKILL')
  await network.new.kill()
  await network.new.start()
  await doneBy(ACCOUNTS * 0.4)
  await network.old.kill()
  await new Promise((resolve) => setTimeout(resolve, 500))
  await network.old.start()
  await doneBy(ACCOUNTS * 0.6)
  await network.new.kill()
  await network.new.start()
  const { code, out, err } = await runFalaj(words, WORLD)
  assert.equal(code, 1, 'three could not')
  assert.match(out, new RegExp(`done, ${ACCOUNTS} of ${ACCOUNTS + 3} moved`), `${out}\n${err}`)
  const told = JSON.parse(readFileSync(`${report}.json`, 'utf8')) as { accounts: FleetAccount[] }
  assert.equal(readFileSync(`${report}.csv`, 'utf8').trim().split('\r\n').length, ACCOUNTS + 4)
  for (const [i, { did }] of movers.entries()) {
    const { state, receipt } = told.accounts[i]!
    const [records, blobs] = [3 + (i % 5) + (i % 3), i % 3]
    assert.deepEqual(
      [
        state,
        receipt?.did,
        receipt?.records,
        receipt?.blobs,
        receipt?.sameRoot,
        receipt?.sameBlobs,
      ],
      ['done', did, records, blobs, true, true],
      `acc${i}`,
    )
    const query = `com.atproto.sync.getRepoStatus?did=${did}`
    const [there, here] = await Promise.all([
      network.call(network.old, query),
      network.call(network.new, query),
    ])
    assert.deepEqual([there.body.active, here.body.active], [false, true], `acc${i}`)
    const log = await (await fetch(`${network.plc.url}/${did}/log`)).json()
    assert.equal((log as unknown[]).length, 2, `the identity of acc${i} changed once`)
  }
})
