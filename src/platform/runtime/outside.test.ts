import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realOutside } from './outside.ts'
import { testOutside } from './test-outside.ts'

test('the real outside gives random bytes of any number, never the same twice', () => {
  const { random } = realOutside()
  const seen = new Set<string>()
  for (let i = 0; i < 5_000; i++) seen.add(Buffer.from(random(16)).toString('hex'))
  assert.equal(seen.size, 5_000)
  for (const count of [0, 1, 511, 512, 513, 100_000]) assert.equal(random(count).length, count)
})

test('bytes handed out stay as they are', () => {
  const { random } = realOutside()
  const first = random(32)
  const copy = Uint8Array.from(first)
  for (let i = 0; i < 1_000; i++) random(32)
  assert.deepEqual(first, copy)
})

test('the real clock and timers are the machine’s', async () => {
  const { now, timers } = realOutside()
  const before = now()
  await timers.sleep(2)
  assert.ok(now() >= before)
  const stop = new AbortController()
  const sleeping = timers.sleep(100_000, stop.signal)
  stop.abort()
  await assert.rejects(sleeping)
  timers.clearTimeout(timers.setTimeout(() => assert.fail('was cleared'), 1))
  await timers.sleep(5)
})

test('a name without TXT records has none', async () => {
  const { resolveTxt } = realOutside()
  assert.deepEqual(await resolveTxt('_atproto.nobody.invalid').catch(() => []), [])
})

test('a test outside does the same for the same seed, and other things for another', () => {
  const draw = (seed: number) => Buffer.from(testOutside({ seed }).random(64)).toString('hex')
  assert.equal(draw(7), draw(7))
  assert.notEqual(draw(7), draw(8))
})

test('its timers run in order of time, then of asking, when the clock is moved', async () => {
  const outside = testOutside({ startMs: 1_000 })
  const seen: string[] = []
  const note = (what: string) => () => void seen.push(`${what} ${outside.now()}`)
  outside.timers.setTimeout(note('late'), 300)
  outside.timers.setTimeout(note('early'), 100)
  outside.timers.setTimeout(note('early too'), 100)
  outside.timers.clearTimeout(outside.timers.setTimeout(note('never'), 50))
  await outside.advance(99)
  assert.deepEqual(seen, [])
  await outside.advance(201)
  assert.deepEqual(seen, ['early 1100', 'early too 1100', 'late 1300'])
  assert.equal(outside.now(), 1_300)
  assert.equal(outside.pending, 0)
})

test('what timers start runs in the same move of the clock', async () => {
  const outside = testOutside()
  const seen: number[] = []
  const work = (async () => {
    for (let i = 0; i < 3; i++) {
      await outside.timers.sleep(10)
      seen.push(i)
    }
  })()
  await outside.advance(30)
  assert.deepEqual(seen, [0, 1, 2])
  await work
})

test('its sleep ends with the signal, and the clock may be set back', async () => {
  const outside = testOutside({ startMs: 5_000 })
  const stop = new AbortController()
  const sleeping = outside.timers.sleep(10, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(sleeping, /enough/)
  assert.equal(outside.pending, 0)
  outside.setNow(1_000)
  assert.equal(outside.now(), 1_000)
  await assert.rejects(outside.fetch('http://a.test'), /no network/)
  assert.deepEqual(await outside.resolveTxt('a.test'), [])
})
