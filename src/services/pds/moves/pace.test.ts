/** What a move tells of its speed. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Pace } from './pace.ts'

let nowMs: number
let pace: Pace
beforeEach(() => {
  nowMs = 1_000_000
  pace = new Pace(() => nowMs, 500)
})

const bring = (bytes: number, afterMs: number) => {
  nowMs += afterMs
  pace.add(bytes)
}

test('counts on from what earlier runs brought', () => {
  assert.deepEqual(pace.seen(), { bytes: 500, bytesPerSecond: undefined })
  bring(100, 0)
  assert.equal(pace.seen().bytes, 600)
})

test('says the rate of the last seconds, and none when nothing comes any more', () => {
  for (let i = 0; i < 40; i++) bring(10_000, 100)
  bring(0, 100)
  assert.equal(Math.round(pace.seen().bytesPerSecond! / 10_000), 10)
  for (let i = 0; i < 200; i++) bring(1_000, 100)
  assert.equal(Math.round(pace.seen().bytesPerSecond! / 1_000), 10)
  nowMs += 60_000
  assert.equal(pace.seen().bytesPerSecond, undefined)
})

test('guesses the rest by what this run brought, not by what was there', () => {
  assert.equal(pace.secondsLeft({ done: 900, total: 1_000 }), undefined)
  nowMs += 5_000
  assert.equal(pace.secondsLeft({ done: 950, total: 1_000 }), 5)
})
