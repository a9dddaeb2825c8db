import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepReading } from './keep-reading.ts'
import { silentLog } from './log.ts'
import type { FrameBatch } from './shapes.ts'

/** Runs against a script of connections; stops after the last. */
async function read(
  script: (() => AsyncIterable<FrameBatch>)[],
  fails = (_frame: unknown) => false,
) {
  const stop = new AbortController()
  const opened: string[] = []
  const taken: unknown[] = []
  const pauses: number[] = []
  await keepReading({
    url: () => `ws://upstream/?cursor=${taken.length}`,
    subscribe(url) {
      opened.push(url)
      const next = script[opened.length - 1]
      if (opened.length === script.length) stop.abort()
      return next!()
    },
    async take(frames) {
      for (const frame of frames) {
        if (fails(frame)) throw new Error('cannot take it')
        taken.push(frame)
      }
    },
    timers: {
      sleep: async (ms) => void pauses.push(ms),
      setTimeout: () => 0,
      clearTimeout: () => {},
    },
    log: silentLog,
    signal: stop.signal,
  })
  return { opened, taken, pauses }
}

const sends = (...batches: FrameBatch[]) =>
  async function* () {
    yield* batches
  }
const refuses = () =>
  // biome-ignore lint/correctness/useYield: it fails before its first batch
  (async function* (): AsyncGenerator<FrameBatch> {
    throw new Error('refused')
  })()

test('a stream that ended is opened again where it stopped', async () => {
  const { opened, taken } = await read([sends(['a', 'b']), sends(['c']), sends()])
  assert.deepEqual(taken, ['a', 'b', 'c'])
  assert.deepEqual(
    opened,
    [0, 2, 3].map((n) => `ws://upstream/?cursor=${n}`),
  )
})

test('pauses grow while nothing comes, and begin anew when something did', async () => {
  const { pauses } = await read([refuses, refuses, refuses, sends(['a']), refuses, sends()])
  assert.deepEqual(pauses, [250, 500, 1_000, 250, 500])
})

test('a batch that cannot be taken is asked for again', async () => {
  let isFirst = true
  const once = (frame: unknown) => {
    const fails = frame === 'b' && isFirst
    if (fails) isFirst = false
    return fails
  }
  const { taken } = await read([sends(['a'], ['b']), sends(['b']), sends()], once)
  assert.deepEqual(taken, ['a', 'b'])
})
