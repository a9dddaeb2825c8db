/** Many histories (FALAJ_HISTORIES, 40), from FALAJ_SEED on, and an index that is killed while it grows. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeFrames } from '../index/frames.test-support.ts'
import { compare, run } from './compare.test-support.ts'
import { History } from './history.test-support.ts'

const HISTORIES = Number(process.env.FALAJ_HISTORIES ?? 40)
const FIRST = Number(process.env.FALAJ_SEED ?? (Date.now() % 100_000) * 1_000)
const CHILD = join(import.meta.dirname, '../index/kill-child.test-support.ts')
const DAY_MS = 86_400_000

test('many histories, many orders of arrival', async () => {
  for (let i = 0; i < HISTORIES; i++) {
    const seed = FIRST + i
    try {
      await run(new History({ seed, isLossy: seed % 2 === 0 }), { rounds: 4, acts: 70 })
    } catch (error) {
      throw new Error(`FALAJ_SEED=${seed}`, { cause: error })
    }
  }
})

/** Runs the indexing process and kills it after a while; resolves to whether it was done before. */
function indexAndKill(frames: string, database: string, afterMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, frames, database], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let isDone = false
    child.stdout.on('data', (text: Buffer) => {
      isDone ||= text.includes('done')
      if (text.includes('started')) setTimeout(() => child.kill('SIGKILL'), afterMs)
    })
    child.on('error', reject)
    child.on('exit', () => resolve(isDone))
  })
}

test('killed again and again while it indexes, it misses nothing and doubles nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'appview-model-'))
  const path = join(folder, 'appview.sqlite')
  const history = new History({ seed: FIRST, isLossy: false, path })
  const { world } = history
  history.introduce()
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 150; i++) await history.act()
    history.deliver()
  }
  const frames = join(folder, 'frames')
  writeFileSync(frames, writeFrames(world.relay.frames.map(({ frame }) => frame)))
  let kills = 0
  while (kills < 12 && !(await indexAndKill(frames, path, 3 + history.draw(60)))) kills++
  assert.ok(kills > 1, 'it was killed at work')
  // Nobody was there to be asked for repositories and handles: that is due again by now.
  await world.outside.advance(3 * DAY_MS)
  await world.start()
  await world.settle()
  await compare(history)
  await world.close()
  rmSync(folder, { recursive: true })
})
