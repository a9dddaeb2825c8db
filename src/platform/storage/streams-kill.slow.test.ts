import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Entry } from './contracts.ts'
import { openLocalStreams } from './streams-local.ts'

const kills = 20
const child = fileURLToPath(new URL('./streams-kill.child.ts', import.meta.url))

/** Runs the child until it printed so many lines, kills it, and returns the ranges of seqs it acknowledged. */
async function runAndKill(directory: string, round: number, lines: number): Promise<number[][]> {
  const running = spawn(process.execPath, [child, directory, `${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => running.once('exit', resolve))
  const acknowledged: number[][] = []
  let seen = 0
  for await (const line of createInterface(running.stdout)) {
    if (line !== 'open') acknowledged.push(line.split(' ').map(Number))
    if (++seen === lines) running.kill('SIGKILL')
  }
  await exited
  return acknowledged
}

test(`after each of ${kills} kills every acknowledged entry is there, in order, without a gap`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'falaj-kill-'))
  let acknowledgedLast = 0
  let blanked = 0
  for (let round = 0; round < kills; round++) {
    // From the very first line, when the stream has just been opened, to some hundred appends later.
    const lines = round === 0 ? 1 : Math.ceil(Math.random() * 60 * round)
    const acknowledged = await runAndKill(directory, round, lines)
    const streams = await openLocalStreams(directory, { reserveBytes: 0 })
    const stream = await streams.open('s', { segmentBytes: 256 * 1024 })
    const entries: Entry[] = []
    for await (const batch of stream.read({ after: 0 })) entries.push(...batch)
    for (const [index, { seq, payload, key, ...entry }] of entries.entries()) {
      assert.equal(seq, index + 1, 'no gap and no double')
      if (!entry.blanked) assert.ok(Buffer.from(payload).toString().startsWith(`${seq} `))
      else assert.equal(key, 'caller-1')
    }
    for (const [first, last] of acknowledged) {
      assert.ok(last! <= entries.length, `${last} was acknowledged, ${entries.length} are there`)
      const text = Buffer.from(entries[first! - 1]!.payload).toString()
      if (!entries[first! - 1]!.blanked) assert.match(text, new RegExp(`^${first} ${round} `))
      acknowledgedLast = Math.max(acknowledgedLast, last!)
    }
    assert.ok(entries.length >= acknowledgedLast)
    blanked = entries.filter((entry) => entry.blanked).length
    await streams.close()
  }
  assert.ok(acknowledgedLast > 500, `only ${acknowledgedLast} entries were acknowledged`)
  assert.ok(blanked > 0, 'erasing was under way as well')
  await rm(directory, { recursive: true })
})

test('while a process has the streams open no other one gets them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'falaj-kill-'))
  const running = spawn(process.execPath, [child, directory, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => running.once('exit', resolve))
  for await (const line of createInterface(running.stdout)) {
    if (line !== 'open') continue
    await assert.rejects(openLocalStreams(directory), { code: 'Locked' })
    running.kill('SIGKILL')
  }
  await exited
  const streams = await openLocalStreams(directory)
  await streams.close()
  await rm(directory, { recursive: true })
})
