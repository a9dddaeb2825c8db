import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Entry, Stream, Streams } from './contracts.ts'
import { faultyFiles } from './files-faulty.ts'
import { memoryFiles } from './files-memory.ts'
import { entry, seqs } from './streams.test-support.ts'
import { openLocalStreams } from './streams-local.ts'

const CACHE_BYTES = 2 * 1024 * 1024
const ENTRIES = 100
const ENTRY_BYTES = 100_000

let streams: Streams
let stream: Stream
/** Bytes that were read from segments. */
let readBytes = 0

beforeEach(async () => {
  const files = faultyFiles(memoryFiles(), (operation, _path, bytes) => {
    if (operation === 'read') readBytes += bytes
    return undefined
  })
  const write = await openLocalStreams('/streams', { files })
  const written = await write.open('events')
  const appended = Array.from({ length: ENTRIES }, (_, n) =>
    written.append([entry(new Uint8Array(ENTRY_BYTES).fill(n))]),
  )
  await appended.at(-1)!.durable
  await write.close()
  streams = await openLocalStreams('/streams', { files, cacheBytes: CACHE_BYTES })
  stream = await streams.open('events')
  readBytes = 0
})
afterEach(() => streams.close())

const all = Array.from({ length: ENTRIES }, (_, n) => n + 1)
const once = ENTRIES * ENTRY_BYTES

/** Reads to the end, and lets others go first as often as `pauses` says. */
async function readSlowly(pauses: number): Promise<number[]> {
  const seen: number[] = []
  for await (const batch of stream.read({ after: 0 })) {
    seen.push(...batch.map(({ seq }) => seq))
    for (let n = 0; n < pauses; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  return seen
}

test('who reads alone keeps no more than a bounded part: a second reading reads all again', async () => {
  assert.deepEqual(await seqs(stream.read({ after: 0 })), all)
  assert.ok(readBytes >= once && readBytes < 1.3 * once, `${readBytes} bytes`)
  assert.deepEqual(await seqs(stream.read({ after: 0 })), all)
  assert.ok(readBytes > 1.7 * once, `${readBytes} bytes`)
})

test('who reads alone lets go of what it has had', async () => {
  await seqs(stream.read({ after: 0 }))
  const before = readBytes
  assert.deepEqual(await seqs(stream.read({ after: 85 })), all.slice(85))
  assert.ok(readBytes - before > 900_000, `${readBytes - before} bytes again`)
})

test('readers who begin together cost one reading, though some take much longer over each batch', async () => {
  const seen = await Promise.all([0, 1, 3, 10, 40].map(readSlowly))
  for (const one of seen) assert.deepEqual(one, all)
  assert.ok(readBytes < 1.3 * once, `${readBytes} bytes`)
})

test('one that stops is left behind, and finds everything when it goes on', async () => {
  const stopped = stream.read({ after: 0 })
  const first: Entry[] = [...(await stopped.next()).value]
  assert.deepEqual(await seqs(stream.read({ after: 0 })), all)
  const rest = await seqs(stopped)
  assert.deepEqual([...first.map(({ seq }) => seq), ...rest], all)
})

test('one that ends is not waited for', async () => {
  const ended = stream.read({ after: 0 })
  await ended.next()
  const reading = seqs(stream.read({ after: 0 }))
  await ended.return?.()
  assert.deepEqual(await reading, all)
})

test('one far behind is not waited for, nor does it wait', async () => {
  const early = stream.read({ after: 0 })
  await early.next()
  assert.deepEqual(await seqs(stream.read({ after: 60 })), all.slice(60))
  assert.deepEqual((await seqs(early)).at(-1), ENTRIES)
})

/** A stream whose blocks are cut as those of a host: by many small writes. */
async function byOneAndOne(entries: number): Promise<{ stream: Stream; close(): Promise<void> }> {
  const files = memoryFiles()
  const write = await openLocalStreams('/streams', { files })
  const written = await write.open('events')
  for (let n = 0; n < entries; n++) {
    await written.append([entry(new Uint8Array(ENTRY_BYTES).fill(n))]).durable
  }
  await write.close()
  const streams = await openLocalStreams('/streams', { files, cacheBytes: CACHE_BYTES })
  return { stream: await streams.open('events'), close: () => streams.close() }
}

const holding = (batches: (readonly Entry[])[]) =>
  batches.filter((batch) => batch.some(({ payload }) => payload.length > 0)).length

test('what a reader has done with is freed, and given again to whoever asks', async () => {
  const { stream, close } = await byOneAndOne(40)
  const batches: (readonly Entry[])[] = []
  for (const _ of ['once', 'again']) {
    const seen: string[] = []
    for await (const batch of stream.read({ after: 0 })) {
      for (const { payload } of batch) seen.push(`${payload.length} ${payload[0]}`)
      batches.push(batch)
      batch[Symbol.dispose]!()
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 40 }, (_, n) => `${ENTRY_BYTES} ${n}`),
    )
  }
  assert.ok(batches.length >= 40)
  assert.ok(holding(batches) <= 3, `${holding(batches)} of ${batches.length} are still there`)
  await close()
})

test('of what several read together nothing is freed before the last has done with it', async () => {
  const { stream, close } = await byOneAndOne(60)
  const all = new Set<readonly Entry[]>()
  const read = async (turns: number) => {
    const bytes: number[] = []
    for await (const batch of stream.read({ after: 0 })) {
      all.add(batch)
      for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve))
      bytes.push(...batch.map(({ payload }) => payload[0]!))
      batch[Symbol.dispose]?.()
    }
    return bytes
  }
  const expected = Array.from({ length: 60 }, (_, n) => n)
  for (const seen of await Promise.all([read(0), read(1), read(3), read(9)])) {
    assert.deepEqual(seen, expected)
  }
  // As much as the cache holds is kept for whoever comes next.
  const kept = CACHE_BYTES / (2 * ENTRY_BYTES) + 3
  assert.ok(holding([...all]) <= kept, `${holding([...all])} of ${all.size} are still there`)
  await close()
})

test('what a reader keeps to itself stays', async () => {
  const { stream, close } = await byOneAndOne(40)
  const kept: Entry[] = []
  const quiet = (async () => {
    for await (const batch of stream.read({ after: 0 })) kept.push(...batch)
  })()
  for await (const batch of stream.read({ after: 0 })) batch[Symbol.dispose]?.()
  await quiet
  assert.deepEqual(
    kept.map(({ payload }) => payload[0]),
    Array.from({ length: 40 }, (_, n) => n),
  )
  await close()
})
