import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadMigrations, openSqlite } from '#platform/storage'
import { isPostgres } from '../engine.test-support.ts'
import { appviewMigrations } from '../index.ts'
import { World } from '../world.test-support.ts'
import { dumpIndex } from './dump.test-support.ts'
import { writeFrames } from './frames.test-support.ts'

const CHILD = join(import.meta.dirname, 'kill-child.test-support.ts')
const KILLS = 6

/** Runs the child until it is done, or kills it after a while. Resolves to whether it was done. */
function run(frames: string, database: string, killAfterMs: number | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, frames, database], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let isDone = false
    child.stdout.on('data', (text: Buffer) => {
      isDone ||= text.includes('done')
      if (killAfterMs !== undefined && text.includes('started'))
        setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    })
    child.on('error', reject)
    child.on('exit', () => resolve(isDone))
  })
}

const skip = isPostgres && 'kills a process with its file'

test('an index that was killed again and again is the same as one that never was', {
  skip,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'appview-'))
  const whole = new World({ startMs: Date.UTC(2026, 0, 2) })
  const people = ['ann', 'ben', 'cat'].map((name) => whole.person(name))
  for (let i = 0; i < 600; i++) {
    const person = people[i % 3]!
    const other = people[(i + 1) % 3]!
    const post = person.post(`post ${i}`)
    other.like(post)
    if (i % 5 === 0) other.repost(post)
    if (i % 7 === 0) other.reply(post, 'reply')
  }
  const frames = join(folder, 'frames')
  const database = join(folder, 'appview.sqlite')
  writeFileSync(frames, writeFrames(whole.relay.frames.map(({ frame }) => frame)))
  // The process that is killed cannot ask anybody for handles.
  whole.people.clear()
  await whole.start()
  await whole.settle()
  let kills = 0
  while (kills < KILLS && !(await run(frames, database, 5 + 10 * kills))) kills++
  assert.ok(kills > 1, 'it was killed at work')
  while (!(await run(frames, database, undefined)));
  const sql = await openSqlite(database, { migrations: loadMigrations(appviewMigrations) })
  assert.equal(await dumpIndex(sql), await dumpIndex(whole.sql))
  await sql.close()
  await whole.close()
  rmSync(folder, { recursive: true })
})
