/** Histories (FALAJ_HISTORIES, 5) from FALAJ_SEED on, whose index is made anew in their middle, and one that is killed at it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compare } from '../model/compare.test-support.ts'
import { History } from '../model/history.test-support.ts'
import { TestFiles } from '../world.test-support.ts'

const HISTORIES = Number(process.env.FALAJ_HISTORIES ?? 5)
const FIRST = Number(process.env.FALAJ_SEED ?? (Date.now() % 100_000) * 1_000)

test('made anew while people write and read, an index answers as before, and the old file goes', async () => {
  for (let seed = FIRST; seed < FIRST + HISTORIES; seed++)
    await remake(seed).catch((error) => {
      throw new Error(`FALAJ_SEED=${seed}`, { cause: error })
    })
})

const CHILD = join(import.meta.dirname, 'kill-child.test-support.ts')
const KILLS_MAX = 12

/** Runs the process and kills it some time after it began; resolves to what it said. */
function remakeAndKill(args: string[], afterMs: number | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (text: Buffer) => {
      said += text
      if (said === 'started\n' && afterMs !== undefined)
        setTimeout(() => child.kill('SIGKILL'), afterMs)
    })
    child.on('error', reject)
    child.on('exit', () => resolve(said))
  })
}

test('killed again and again while it makes its index anew, an app view loses nothing and gets there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'appview-rebuild-'))
  try {
    let said = ''
    let kills = 0
    for (; kills < KILLS_MAX; kills++) {
      said = await remakeAndKill([folder, String(FIRST), String(kills)], 5 + kills * 25)
      if (said.includes('equal') || !said.includes('started')) break
    }
    assert.ok(kills > 1, 'it was killed at work')
    if (!said.includes('equal'))
      said = await remakeAndKill([folder, String(FIRST), String(kills + 1)], undefined)
    assert.match(said, /equal/)
    const indexes = readdirSync(folder).filter((name) => name.endsWith('.sqlite'))
    assert.equal(indexes.length, 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

async function remake(seed: number): Promise<void> {
  const files = new TestFiles()
  const history = new History({ seed, isLossy: false, files, more: { adminPassword: 'secret' } })
  const { world } = history
  const goOn = async (acts: number) => {
    for (let i = 0; i < acts; i++) await history.act()
    history.deliver()
  }
  await world.start()
  history.introduce()
  await goOn(120)
  await world.settle()
  for (let i = 0; i < 4; i++) await history.decide()
  await compare(history)
  const before = files.current
  const did = world.appview.did
  const response = await world.fetch('/xrpc/app.falaj.appview.rebuild', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('admin:secret').toString('base64')}`,
      'content-type': 'application/json',
    },
    body: new TextEncoder().encode('{"action":"start"}'),
  })
  assert.equal(response.status, 200)
  for (let round = 0; files.current === before || files.names().length > 1; round++) {
    assert.ok(round < 2_000)
    if (round < 10) await goOn(8)
    if (round < 10) await history.decide()
    await world.outside.advance(40)
  }
  await world.settle()
  assert.equal(world.appview.did, did)
  await compare(history)
  await goOn(40)
  await world.settle()
  await compare(history)
  await world.stop()
  await world.start()
  await world.settle()
  await compare(history)
  await world.close()
}
