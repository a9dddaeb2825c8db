import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testOutside } from '#platform/runtime'
import { Budget, pacedFetch } from './budget.ts'

const OLD = 'https://old.test'
const signal = new AbortController().signal

/** Calls through a budget: when each was let through, in order. */
function world(limits: { bytesPerSecond?: number; requestsPerSecond?: number }) {
  const outside = testOutside({ seed: 1 })
  const startMs = outside.now()
  const budget = new Budget(outside, limits)
  const state = { isUrgent: false, answer: () => new Response('') }
  const passed: number[] = []
  const fetch = pacedFetch(
    async () => {
      passed.push(outside.now() - startMs)
      return state.answer()
    },
    { budget, origin: OLD, isUrgent: () => state.isUrgent },
  )
  return { outside, state, passed, call: (origin = OLD) => fetch(`${origin}/xrpc/a`, { signal }) }
}

test('calls to the old host go at their pace; others, and what changes hands, do not wait', async () => {
  const { outside, state, passed, call } = world({ requestsPerSecond: 2 })
  const three = [call(), call(), call()]
  await call('https://elsewhere.test')
  state.isUrgent = true
  await call()
  assert.deepEqual(passed, [0, 0, 0])
  for (let i = 0; i < 4; i++) await outside.advance(500)
  await Promise.all(three)
  assert.deepEqual(passed, [0, 0, 0, 500, 1000])
})

test('bytes come no faster than they may', async () => {
  const { outside, state, call } = world({ bytesPerSecond: 1_000 })
  state.answer = () => new Response(new Uint8Array(3_000))
  let isRead = false
  const reading = (await call()).bytes().then((bytes) => {
    isRead = true
    return bytes
  })
  await outside.advance(2_900)
  assert.equal(isRead, false)
  await outside.advance(200)
  assert.equal((await reading).length, 3_000)
})

test('a host that has had enough is left alone for as long as it says', async () => {
  const { outside, state, passed, call } = world({})
  state.answer = () => new Response('', { status: 429, headers: { 'retry-after': '40' } })
  assert.equal((await call()).status, 429)
  state.answer = () => new Response('')
  const next = call()
  await outside.advance(39_000)
  assert.deepEqual(passed, [0])
  await outside.advance(1_000)
  await next
  assert.deepEqual(passed, [0, 40_000])
})
