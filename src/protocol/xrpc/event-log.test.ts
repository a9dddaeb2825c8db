import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { XrpcError } from './error.ts'
import { type EventLog, followLog, framesOnce } from './event-log.ts'
import { decodeFrame } from './frames.ts'
import type { FrameBatch } from './http.ts'

/** Batches of seqs, as a log has them; what is read from where is noted. */
function logOf(batches: number[][], first = batches[0]?.[0] ?? 1) {
  const asked: { after: number; live: true; signal: AbortSignal }[] = []
  const last = batches.at(-1)?.at(-1) ?? first - 1
  const log: EventLog<number> = {
    bounds: () => ({ first, last }),
    async *read(options) {
      asked.push(options)
      for (const batch of batches) {
        const rest = batch.filter((seq) => seq > options.after)
        if (rest.length > 0) yield rest.length === batch.length ? batch : rest
      }
    },
  }
  return { log, asked }
}

const { signal } = new AbortController()
const framesOf = (batch: readonly number[]): FrameBatch => batch.map((seq) => Uint8Array.of(seq))

async function follow(log: EventLog<number>, cursor?: number): Promise<FrameBatch[]> {
  const batches: FrameBatch[] = []
  for await (const batch of followLog(log, { cursor, signal }, framesOf)) batches.push(batch)
  return batches
}

const seqs = (batches: FrameBatch[]) => batches.flat().map((frame) => (frame as Uint8Array)[0])

describe('following a log', () => {
  test('from a cursor gives what comes after it, live', async () => {
    const { log, asked } = logOf([[1, 2], [3], [4, 5]])
    assert.deepEqual(seqs(await follow(log, 2)), [3, 4, 5])
    assert.deepEqual(asked, [{ after: 2, live: true, signal }])
  })

  test('without a cursor begins behind the newest', async () => {
    const { log, asked } = logOf([[1, 2], [3]])
    assert.deepEqual(await follow(log), [])
    assert.equal(asked[0]!.after, 3)
  })

  test('from a cursor ahead of it is refused as FutureCursor', async () => {
    const { log, asked } = logOf([[1, 2]])
    const isFutureCursor = (error: unknown) =>
      error instanceof XrpcError && error.status === 400 && error.error === 'FutureCursor'
    await assert.rejects(follow(log, 3), isFutureCursor)
    assert.deepEqual(asked, [])
    await assert.rejects(follow(logOf([]).log, 1), isFutureCursor)
  })

  test('from the newest is no future, and from zero is all there is', async () => {
    assert.deepEqual(await follow(logOf([[1, 2]]).log, 2), [])
    assert.deepEqual(seqs(await follow(logOf([[1, 2]]).log, 0)), [1, 2])
    assert.deepEqual(await follow(logOf([]).log, 0), [])
  })

  test("what is this reader's alone goes back when its frames do, or at once when it has none", async () => {
    const back: number[] = []
    const batchOf = (...seqs: number[]) =>
      Object.assign(seqs, { [Symbol.dispose]: () => void back.push(...seqs) })
    const log: EventLog<number> = {
      bounds: () => ({ first: 1, last: 4 }),
      async *read() {
        yield* [batchOf(1, 2), [3], batchOf(4)]
      },
    }
    const odd = framesOnce<number>((seq) => (seq === 4 ? undefined : Uint8Array.of(seq)))
    const batches: FrameBatch[] = []
    for await (const batch of followLog(log, { cursor: 0, signal }, odd)) batches.push(batch)
    assert.deepEqual(back, [4])
    for (const batch of batches) batch[Symbol.dispose]?.()
    assert.deepEqual(back, [4, 1, 2])
  })

  test('says OutdatedCursor first when events before its oldest were missed', async () => {
    const batches = await follow(logOf([[10, 11]]).log, 5)
    const info = decodeFrame(batches[0]![0] as Uint8Array)
    assert.ok('type' in info)
    assert.equal(info.type, '#info')
    assert.equal((info.body as { name: string }).name, 'OutdatedCursor')
    assert.deepEqual(seqs(batches.slice(1)), [10, 11])
  })

  test('does not say so when the cursor reaches the oldest', async () => {
    assert.deepEqual(seqs(await follow(logOf([[10, 11]]).log, 9)), [10, 11])
    assert.deepEqual(seqs(await follow(logOf([[10, 11]]).log, 0)), [10, 11], 'all there is')
  })

  test('passes no empty batch on', async () => {
    const { log } = logOf([[1], [2]])
    const batches: FrameBatch[] = []
    const shown = (batch: readonly number[]) => framesOf(batch.filter((seq) => seq !== 1))
    for await (const batch of followLog(log, { cursor: 0, signal }, shown)) batches.push(batch)
    assert.deepEqual(seqs(batches), [2])
    assert.equal(batches.length, 1)
  })
})

describe('frames made once', () => {
  test('are the same array for the same batch, whoever reads', async () => {
    let made = 0
    const once = framesOnce<number>((seq) => {
      made++
      return Uint8Array.of(seq)
    })
    const batch = [1, 2, 3]
    assert.equal(once(batch), once(batch))
    assert.equal(made, 3)
    assert.notEqual(once([1, 2, 3]), once(batch))
  })

  test('leave out what shows no frame', () => {
    const once = framesOnce<number>((seq) => (seq === 2 ? undefined : Uint8Array.of(seq)))
    assert.deepEqual(once([1, 2, 3]), [Uint8Array.of(1), Uint8Array.of(3)])
  })
})
