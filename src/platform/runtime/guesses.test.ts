import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGuesses } from './guesses.ts'

test('who guesses twenty times within a minute waits for the rest of it; others do not', () => {
  let nowMs = 0
  const guesses = createGuesses({ now: () => nowMs })
  for (let count = 0; count < 20; count++) {
    assert.equal(guesses.secondsToWait('a'), 0)
    guesses.wrong('a')
    nowMs += 1_000
  }
  assert.equal(guesses.secondsToWait('a'), 40)
  assert.equal(guesses.secondsToWait('b'), 0)
  nowMs = 60_000
  assert.equal(guesses.secondsToWait('a'), 0)
})
