import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { pauseMs, superviseLoops } from './loops.ts'
import { createMetrics } from './metrics.ts'
import { gate, logTo } from './rig.fixture.ts'
import type { Loop } from './shapes.ts'
import { type TestOutside, testOutside } from './test-outside.ts'

function start(loops: Loop[], outside: TestOutside = testOutside()) {
  const metrics = createMetrics()
  const lines: string[] = []
  const running = superviseLoops(loops, { outside, metrics, log: logTo(lines) })
  return { outside, metrics, lines, running }
}

const untilAborted = (signal: AbortSignal) =>
  signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => {})

test('a loop that fails starts again after growing pauses, counted and logged by name', async () => {
  const startsMs: number[] = []
  const outside = testOutside()
  const ingest = {
    name: 'ingest',
    run: async () => {
      startsMs.push(outside.now())
      throw new Error('upstream gone')
    },
  }
  const { metrics, lines, running } = start([ingest], outside)
  await outside.advance(60_000)
  const gaps = startsMs.slice(1).map((at, i) => at - startsMs[i]!)
  assert.ok(gaps[0]! >= 100 && gaps[0]! <= 200)
  gaps.slice(0, 7).forEach((gap, i) => {
    assert.ok(gap >= 100 * 2 ** i && gap <= 200 * 2 ** i, `pause ${i} was ${gap} ms`)
  })
  assert.equal(metrics.value('loop_restarts', 'ingest'), startsMs.length)
  assert.match(lines[0]!, /"loop":"ingest".*upstream gone/)
  assert.equal(metrics.value('loop_running', 'ingest'), 1)
  assert.deepEqual(await running.stop(), [])
  assert.equal(metrics.value('loop_running', 'ingest'), 0)
})

test('a loop that ran well for a minute starts again quickly', async () => {
  let runs = 0
  const outside = testOutside()
  const ingest = {
    name: 'ingest',
    run: async (signal: AbortSignal) => {
      runs++
      await outside.timers.sleep(61_000, signal)
      throw new Error('dropped')
    },
  }
  const { running } = start([ingest], outside)
  await outside.advance(10 * 61_500)
  assert.equal(runs, 10 + 1)
  await running.stop()
})

test('a loop that returns is finished', async () => {
  let runs = 0
  const { outside, metrics } = start([{ name: 'once', run: async () => void runs++ }])
  await outside.advance(100_000)
  assert.equal(runs, 1)
  assert.equal(metrics.value('loop_running', 'once'), 0)
})

test('stopping waits for loops to finish what they do', async () => {
  const finish = gate()
  let saved = false
  const { running } = start([
    {
      name: 'index',
      run: async (signal) => {
        await untilAborted(signal)
        await finish.promise
        saved = true
      },
    },
  ])
  const stopping = running.stop()
  finish.open()
  assert.deepEqual(await stopping, [])
  assert.ok(saved)
})

test('a loop that does not stop is named after five seconds, and not waited for', async () => {
  const { outside, running } = start([
    { name: 'deaf', run: () => new Promise(() => {}) },
    { name: 'polite', run: untilAborted },
  ])
  const stopping = running.stop()
  await outside.advance(5_000)
  assert.deepEqual(await stopping, ['deaf'])
})

test('two loops cannot share a name', () => {
  const loop = { name: 'a', run: async () => {} }
  assert.throws(() => start([loop, loop]), /two loops/)
})

test('pauses double to half a minute and are never below half of that', () => {
  for (let failures = 0; failures < 40; failures++) {
    const full = Math.min(30_000, 200 * 2 ** failures)
    assert.equal(
      pauseMs(failures, () => Uint8Array.of(0)),
      full / 2,
    )
    assert.equal(
      pauseMs(failures, () => Uint8Array.of(255)),
      full,
    )
  }
})
