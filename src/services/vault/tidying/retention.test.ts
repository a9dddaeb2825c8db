import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Tid } from '#protocol/syntax'
import { expired } from './retention.ts'

const DAY = 86_400_000
const NOW = 1_000 * DAY
const POLICY = { windowDays: 30, snapshotEveryDays: 7, snapshotDays: 100 }

const at = (...daysAgo: number[]) =>
  daysAgo.map((days, i) => ({ rev: `rev${i}` as Tid, timeMs: NOW - days * DAY }))
const gone = (...daysAgo: number[]) =>
  expired(at(...daysAgo), POLICY, NOW).map((rev) => daysAgo[Number(rev.slice(3))])

test('within the window every instant stays, and the state that the window began with', () => {
  assert.deepEqual(gone(29, 20, 20, 10, 1, 0), [])
  assert.deepEqual(gone(31, 29, 1), [])
  assert.deepEqual(gone(40.2, 40.1, 29), [40.2])
})

test('beyond it the last of each week stays, for as long as was asked', () => {
  // Weeks end where the count of days since 1970 divides by seven: 1,000 days are 142 weeks and 6 days.
  assert.deepEqual(gone(62, 61, 60.5, 55, 54, 53, 20), [62, 61, 55, 54])
  assert.deepEqual(gone(400, 200, 129, 20), [400, 200])
})

test('an account that rests keeps its newest state for ever', () => {
  assert.deepEqual(gone(900), [])
  assert.deepEqual(gone(901, 900), [901])
})

test('what goes never takes the answer for a moment within the window with it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 60 }),
      fc.double({ min: 0, max: 30, noNaN: true }),
      (days, momentDays) => {
        const instants = at(...days.toSorted((a, b) => b - a))
        const out = new Set(expired(instants, POLICY, NOW))
        const moment = NOW - momentDays * DAY
        const answer = instants.findLast(({ timeMs }) => timeMs <= moment)
        assert.ok(answer === undefined || !out.has(answer.rev))
        assert.deepEqual(
          expired(
            instants.filter(({ rev }) => !out.has(rev)),
            POLICY,
            NOW,
          ),
          [],
          'thinning twice thins no more',
        )
      },
    ),
  )
})
