import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry, Stream } from './contracts.ts'
import {
  code,
  entry,
  payloads,
  put,
  type StreamsHome,
  seqs,
  streamsRig,
  text,
} from './streams.test-support.ts'

/** Reading: what is stored, what comes, what waits for its release. */
export function readConformance(form: string, makeHome: () => Promise<StreamsHome>): void {
  describe(`streams on ${form}`, () => {
    const rig = streamsRig(makeHome)

    describe('reading', () => {
      test('after a seq come the entries above it', async () => {
        const stream = await rig.streams.open('s')
        await put(stream, 'a', 'b', 'c')
        await put(stream, 'd')
        for (const [after, expected] of [
          [0, 'abcd'],
          [1, 'bcd'],
          [2, 'cd'],
          [3, 'd'],
          [4, ''],
          [99, ''],
        ] as const) {
          assert.equal((await payloads(stream, { after })).join(''), expected)
        }
        await rig.reopen()
        const stored = await rig.streams.open('s')
        assert.equal((await payloads(stored, { after: 1 })).join(''), 'bcd')
        assert.equal((await payloads(stored, { after: 3 })).join(''), 'd')
      })

      test('a reader that is not live ends at what was visible when it began', async () => {
        const stream = await rig.streams.open('s')
        await put(stream, 'a')
        const reader = stream.read({ after: 0 })
        await put(stream, 'b')
        assert.deepEqual(await seqs(reader), [1])
      })

      test('batches keep to the bound, but for a single larger entry', async () => {
        const write = await rig.streams.open('s')
        const sizes = [10, 20, 30, 500, 5, 5, 90, 10]
        for (const size of sizes) await put(write, 'x'.repeat(size))
        const check = async (stream: Stream) => {
          const batches: number[][] = []
          for await (const batch of stream.read({ after: 0, maxBatchBytes: 100 })) {
            batches.push(batch.map(({ payload }) => payload.length))
          }
          assert.deepEqual(batches.flat(), sizes)
          for (const batch of batches) {
            assert.ok(batch.length === 1 || batch.reduce((sum, size) => sum + size) <= 100)
          }
        }
        await check(write)
        await rig.reopen()
        await check(await rig.streams.open('s'))
      })

      test('many segments read as one stream', async () => {
        const stream = await rig.streams.open('s', { segmentBytes: 2048 })
        const expected: string[] = []
        for (let turn = 0; turn < 100; turn++) {
          const payload = `${turn}:${'y'.repeat(turn * 3)}`
          expected.push(payload)
          await put(stream, payload)
        }
        assert.deepEqual(await payloads(stream), expected)
        await rig.reopen()
        const stored = await rig.streams.open('s')
        assert.deepEqual(await payloads(stored), expected)
        for (const after of [1, 17, 50, 98, 99, 100]) {
          assert.deepEqual(await payloads(stored, { after }), expected.slice(after))
        }
      })
    })

    describe('living readers', () => {
      test('stored entries come first, then new ones, without a gap or a double', async () => {
        const stream = await rig.streams.open('s')
        for (let turn = 0; turn < 10; turn++) await put(stream, `${turn}`)
        const stop = new AbortController()
        const found: string[] = []
        const reading = (async () => {
          for await (const batch of stream.read({ after: 0, live: true, signal: stop.signal })) {
            found.push(...batch.map(({ payload }) => text(payload)))
            if (found.length === 30) stop.abort()
          }
        })()
        for (let turn = 10; turn < 30; turn++) await put(stream, `${turn}`)
        await reading
        assert.deepEqual(
          found,
          Array.from({ length: 30 }, (_, turn) => `${turn}`),
        )
      })

      test('all of them get the same array', async () => {
        const stream = await rig.streams.open('s')
        const readers = Array.from({ length: 5 }, () => stream.read({ after: 0, live: true }))
        const waiting = readers.map((reader) => reader.next())
        await put(stream, 'a', 'b')
        const batches = await Promise.all(waiting)
        for (const { value } of batches) assert.equal(value, batches[0]!.value)
        assert.deepEqual(
          (batches[0]!.value as Entry[]).map(({ seq }) => seq),
          [1, 2],
        )
        for (const reader of readers) await reader.return!()
      })

      test('a reader that begins in the middle of a live batch gets the rest of it', async () => {
        const stream = await rig.streams.open('s')
        await put(stream, 'a', 'b', 'c')
        const reader = stream.read({ after: 2, live: true })
        const first = await reader.next()
        assert.deepEqual(
          (first.value as Entry[]).map(({ seq }) => seq),
          [3],
        )
        const second = reader.next()
        await put(stream, 'd')
        assert.deepEqual(
          ((await second).value as Entry[]).map(({ seq }) => seq),
          [4],
        )
        await reader.return!()
      })

      test('a cursor from the future waits for its place', async () => {
        const stream = await rig.streams.open('s')
        const reader = stream.read({ after: 3, live: true })
        const next = reader.next()
        for (const payload of ['a', 'b', 'c', 'd']) await put(stream, payload)
        assert.deepEqual(
          ((await next).value as Entry[]).map(({ seq }) => seq),
          [4],
        )
        await reader.return!()
      })

      test('a signal ends a waiting reader, also one given already aborted', async () => {
        const stream = await rig.streams.open('s')
        await put(stream, 'a')
        const stop = new AbortController()
        const reader = stream.read({ after: 1, live: true, signal: stop.signal })
        const next = reader.next()
        stop.abort()
        assert.equal((await next).done, true)
        assert.equal((await reader.next()).done, true)
        const late = stream.read({ after: 0, live: true, signal: stop.signal })
        assert.equal((await late.next()).done, true)
      })

      test('return ends a waiting reader', async () => {
        const stream = await rig.streams.open('s')
        const reader = stream.read({ after: 0, live: true })
        const next = reader.next()
        await reader.return!()
        assert.equal((await next).done, true)
      })

      test('closing the stream ends them', async () => {
        const stream = await rig.streams.open('s')
        const next = stream.read({ after: 0, live: true }).next()
        await stream.close()
        assert.equal((await next).done, true)
      })

      test('a reader far slower than the writer loses nothing', async () => {
        const stream = await rig.streams.open('s', { segmentBytes: 256 * 1024 })
        const reader = stream.read({ after: 0, live: true })
        const block = 'z'.repeat(64 * 1024)
        for (let turn = 0; turn < 40; turn++) await put(stream, block)
        let expected = 1
        while (expected <= 40) {
          for (const { seq, payload } of (await reader.next()).value as Entry[]) {
            assert.equal(seq, expected++)
            assert.equal(payload.length, block.length)
          }
          if (expected === 20) await put(stream, block)
        }
        await reader.return!()
      })

      test('readers and writers together see every entry once', async () => {
        const stream = await rig.streams.open('s', { segmentBytes: 8192 })
        const total = 400
        const readers = Array.from({ length: 8 }, async (_, name) => {
          let last = 0
          for await (const batch of stream.read({ after: 0, live: true, maxBatchBytes: 300 })) {
            for (const { seq } of batch) assert.equal(seq, ++last)
            if (name % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
            if (last === total) break
          }
          return last
        })
        for (let turn = 0; turn < total; turn++) {
          const { durable } = stream.append([entry('p'.repeat(turn % 97))])
          if (turn % 7 === 0) await durable
        }
        assert.deepEqual(await Promise.all(readers), new Array(8).fill(total))
      })
    })

    describe('manual release', () => {
      test('nothing is visible before its release, and all of it afterwards', async () => {
        const stream = await rig.streams.open('s', { manualRelease: true })
        await put(stream, 'a', 'b', 'c')
        assert.deepEqual(stream.bounds(), { first: 1, last: 0, durable: 3 })
        assert.deepEqual(await payloads(stream), [])
        stream.release(2)
        assert.deepEqual(await payloads(stream), ['a', 'b'])
        assert.deepEqual(stream.bounds(), { first: 1, last: 2, durable: 3 })
        stream.release(1)
        assert.deepEqual(await payloads(stream), ['a', 'b'], 'a release is never taken back')
        stream.release(3)
        assert.deepEqual(await payloads(stream), ['a', 'b', 'c'])
      })

      test('a live reader is woken by the release, not by the append', async () => {
        const stream = await rig.streams.open('s', { manualRelease: true })
        const reader = stream.read({ after: 0, live: true })
        let arrived = false
        const next = reader.next().then((result) => {
          arrived = true
          return result
        })
        await put(stream, 'a', 'b')
        await put(stream, 'c')
        await new Promise((resolve) => setImmediate(resolve))
        assert.equal(arrived, false)
        stream.release(3)
        const { value } = await next
        assert.deepEqual(
          (value as Entry[]).map(({ seq }) => seq),
          [1, 2, 3],
        )
        await reader.return!()
      })

      test('what is not durable cannot be released', async () => {
        const stream = await rig.streams.open('s', { manualRelease: true })
        const { durable } = stream.append([entry('a')])
        assert.throws(() => stream.release(1), code('InvalidArgument'))
        await durable
        stream.release(1)
        const plain = await rig.streams.open('plain')
        await put(plain, 'a')
        assert.throws(() => plain.release(1), code('InvalidArgument'))
      })

      test('the tail shows everything durable, released or not', async () => {
        const stream = await rig.streams.open('s', { manualRelease: true })
        await put(stream, 'a', 'b')
        stream.release(1)
        assert.deepEqual(await seqs(stream.tail(0)), [1, 2])
        assert.deepEqual(await seqs(stream.tail(1)), [2])
        assert.deepEqual(await seqs(stream.tail(2)), [])
      })

      test('after opening again nothing is released, and the tail has all of it', async () => {
        const before = await rig.streams.open('s', { manualRelease: true })
        await put(before, 'a', 'b')
        before.release(2)
        await rig.reopen()
        const stream = await rig.streams.open('s', { manualRelease: true })
        assert.deepEqual(stream.bounds(), { first: 1, last: 0, durable: 2 })
        assert.deepEqual(await payloads(stream), [])
        assert.deepEqual(await seqs(stream.tail(0)), [1, 2])
        const reader = stream.read({ after: 0, live: true })
        const next = reader.next()
        stream.release(2)
        assert.deepEqual(
          ((await next).value as Entry[]).map(({ seq }) => seq),
          [1, 2],
        )
        await reader.return!()
      })

      test('releases in small steps hand out every entry once', async () => {
        const stream = await rig.streams.open('s', { manualRelease: true, segmentBytes: 4096 })
        const reader = stream.read({ after: 0, live: true })
        const found: number[] = []
        const reading = (async () => {
          for await (const batch of reader) {
            found.push(...batch.map(({ seq }) => seq))
            if (found.length >= 100) break
          }
        })()
        for (let turn = 0; turn < 50; turn++) {
          await put(stream, 'left', 'right')
          stream.release(Math.max(0, turn * 2 - 7))
        }
        stream.release(100)
        await reading
        assert.deepEqual(
          found,
          Array.from({ length: 100 }, (_, index) => index + 1),
        )
      })
    })
  })
}
