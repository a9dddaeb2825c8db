import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Entry, NewEntry, ReadOptions, Stream, Streams } from './contracts.ts'

/** One place where streams live; opening it again finds what was there. */
export interface StreamsHome {
  open(options: { now: () => number }): Promise<Streams>
  drop(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)

function entry(payload: string | Uint8Array, key = 'k', kind = 0): NewEntry {
  return { key, kind, make: () => (typeof payload === 'string' ? bytes(payload) : payload) }
}

async function put(stream: Stream, ...payloads: string[]): Promise<number> {
  const appended = stream.append(payloads.map((payload) => entry(payload)))
  await appended.durable
  return appended.last
}

async function collect(batches: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of batches) entries.push(...batch)
  return entries
}

async function payloads(stream: Stream, options: Partial<ReadOptions> = {}): Promise<string[]> {
  const entries = await collect(stream.read({ after: 0, ...options }))
  return entries.map(({ payload }) => text(payload))
}

async function seqs(batches: AsyncIterable<readonly Entry[]>): Promise<number[]> {
  return (await collect(batches)).map(({ seq }) => seq)
}

const code = (name: string) => ({ code: name })

/** What every form of Streams promises. */
export function streamsConformance(form: string, makeHome: () => Promise<StreamsHome>): void {
  describe(`streams on ${form}`, () => {
    let home: StreamsHome
    let streams: Streams
    let nowMs: number

    beforeEach(async () => {
      nowMs = 1_000
      home = await makeHome()
      streams = await home.open({ now: () => nowMs })
    })
    afterEach(async () => {
      await streams.close()
      await home.drop()
    })

    async function reopen(): Promise<void> {
      await streams.close()
      streams = await home.open({ now: () => nowMs })
    }

    describe('appending', () => {
      test('seqs begin at 1 and follow the order of the calls', async () => {
        const stream = await streams.open('s')
        const made: number[] = []
        const make = (seq: number) => {
          made.push(seq)
          return bytes(`#${seq}`)
        }
        const one = stream.append([{ key: 'a', kind: 1, make }])
        const two = stream.append([
          { key: 'b', kind: 2, make },
          { key: 'c', kind: 3, make },
        ])
        assert.deepEqual(made, [1, 2, 3], 'made at once, before anything is durable')
        assert.deepEqual([one.first, one.last, two.first, two.last], [1, 1, 2, 3])
        await Promise.all([one.durable, two.durable])
        assert.deepEqual(await payloads(stream), ['#1', '#2', '#3'])
      })

      test('an entry comes back as it was given, with its time', async () => {
        const stream = await streams.open('s')
        nowMs = 123_456
        const payload = Uint8Array.of(0, 1, 2, 254, 255)
        await stream.append([entry(payload, 'did:plc:ünï', 255)]).durable
        const [found] = await collect(stream.read({ after: 0 }))
        assert.deepEqual(
          { ...found, payload: [...found!.payload] },
          {
            seq: 1,
            key: 'did:plc:ünï',
            kind: 255,
            timeMs: 123_456,
            payload: [0, 1, 2, 254, 255],
            blanked: false,
          },
        )
      })

      test('an entry from disk equals the one handed out live', async () => {
        const stream = await streams.open('s')
        await put(stream, 'a', 'b')
        const live = await collect(stream.read({ after: 0 }))
        await reopen()
        const stored = await collect((await streams.open('s')).read({ after: 0 }))
        const plain = (entries: Entry[]) =>
          entries.map((found) => ({ ...found, payload: [...found.payload] }))
        assert.deepEqual(plain(stored), plain(live))
      })

      test('empty payloads and empty keys are entries like any other', async () => {
        const stream = await streams.open('s')
        await stream.append([entry('', ''), entry('x', ''), entry('', 'k')]).durable
        await reopen()
        const found = await collect((await streams.open('s')).read({ after: 0 }))
        assert.deepEqual(
          found.map(({ key, payload, blanked }) => [key, text(payload), blanked]),
          [
            ['', '', false],
            ['', 'x', false],
            ['k', '', false],
          ],
        )
      })

      test('a make that throws takes nothing', async () => {
        const stream = await streams.open('s')
        const refusing = () => {
          throw new Error('no')
        }
        assert.throws(
          () => stream.append([entry('a'), { key: 'k', kind: 0, make: refusing }]),
          /no/,
        )
        assert.equal(await put(stream, 'b'), 1)
        assert.deepEqual(await payloads(stream), ['b'])
      })

      test('an append from within make is refused', async () => {
        const stream = await streams.open('s')
        const make = () => {
          stream.append([entry('inner')])
          return bytes('outer')
        }
        assert.throws(() => stream.append([{ key: 'k', kind: 0, make }]), code('InvalidArgument'))
        assert.equal(await put(stream, 'next'), 1)
      })

      test('no entries, long keys and kinds beyond a byte are refused', async () => {
        const stream = await streams.open('s')
        for (const bad of [
          [],
          [entry('x', 'k'.repeat(256))],
          [entry('x', 'ü'.repeat(128))],
          [entry('x', 'k', 256)],
          [entry('x', 'k', -1)],
          [entry('x', 'k', 1.5)],
        ]) {
          assert.throws(() => stream.append(bad), code('InvalidArgument'))
        }
        await stream.append([entry('x', 'k'.repeat(255), 255)]).durable
        assert.deepEqual(stream.bounds(), { first: 1, last: 1, durable: 1 })
      })

      test('an append larger than any may be is refused and takes nothing', async () => {
        const stream = await streams.open('s')
        const huge = new Uint8Array(65 * 1024 * 1024)
        assert.throws(() => stream.append([entry(huge)]), code('TooLarge'))
        assert.equal(await put(stream, 'x'), 1)
      })

      test('callers at the same time all become durable, in order, without a gap', async () => {
        const stream = await streams.open('s', { segmentBytes: 4096 })
        const caller = async (name: number) => {
          for (let turn = 0; turn < 20; turn++) {
            const { first, durable } = stream.append([entry(`${name}/${turn}`), entry('second')])
            await durable
            assert.ok(stream.bounds().durable >= first + 1)
          }
        }
        await Promise.all(Array.from({ length: 16 }, (_, name) => caller(name)))
        const found = await collect(stream.read({ after: 0 }))
        assert.deepEqual(
          found.map(({ seq }) => seq),
          Array.from({ length: 640 }, (_, index) => index + 1),
        )
        assert.ok(found.every(({ payload }, at) => at % 2 === 0 || text(payload) === 'second'))
      })

      test('entries larger than a segment are kept', async () => {
        const stream = await streams.open('s', { segmentBytes: 4096 })
        const big = 'x'.repeat(10_000)
        await put(stream, 'a', big, 'b')
        await put(stream, big)
        await put(stream, 'c')
        assert.deepEqual(await payloads(stream), ['a', big, 'b', big, 'c'])
        await reopen()
        assert.deepEqual(await payloads(await streams.open('s')), ['a', big, 'b', big, 'c'])
      })
    })

    describe('seqs and bounds', () => {
      test('an empty stream begins at 1', async () => {
        const stream = await streams.open('s')
        assert.deepEqual(stream.bounds(), { first: 1, last: 0, durable: 0 })
        assert.deepEqual(await payloads(stream), [])
      })

      test('bounds follow what is appended', async () => {
        const stream = await streams.open('s')
        await put(stream, 'a', 'b', 'c')
        assert.deepEqual(stream.bounds(), { first: 1, last: 3, durable: 3 })
      })

      test('after opening again the next seq follows the last', async () => {
        await put(await streams.open('s'), 'a', 'b')
        await reopen()
        const stream = await streams.open('s')
        assert.deepEqual(stream.bounds(), { first: 1, last: 2, durable: 2 })
        assert.equal(await put(stream, 'c'), 3)
        assert.deepEqual(await payloads(stream), ['a', 'b', 'c'])
      })

      test('a floor lifts the next seq, never lowers it', async () => {
        const stream = await streams.open('s', { floor: 1_700_000_000_000_000 })
        assert.deepEqual(stream.bounds().last, 1_699_999_999_999_999)
        assert.equal(await put(stream, 'a'), 1_700_000_000_000_000)
        assert.equal(stream.bounds().first, 1_700_000_000_000_000)
        await reopen()
        assert.equal(await put(await streams.open('s', { floor: 5 }), 'b'), 1_700_000_000_000_001)
        await reopen()
        const lifted = await streams.open('s', { floor: 1_800_000_000_000_000 })
        assert.equal(lifted.bounds().last, 1_700_000_000_000_001)
        assert.equal(await put(lifted, 'c'), 1_800_000_000_000_000)
        await reopen()
        const again = await streams.open('s')
        assert.deepEqual(await payloads(again), ['a', 'b', 'c'])
        assert.deepEqual(await payloads(again, { after: 1_700_000_000_000_001 }), ['c'])
        assert.deepEqual(await payloads(again, { after: 1_750_000_000_000_000 }), ['c'])
      })
    })

    describe('reading', () => {
      test('after a seq come the entries above it', async () => {
        const stream = await streams.open('s')
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
        await reopen()
        const stored = await streams.open('s')
        assert.equal((await payloads(stored, { after: 1 })).join(''), 'bcd')
        assert.equal((await payloads(stored, { after: 3 })).join(''), 'd')
      })

      test('a reader that is not live ends at what was visible when it began', async () => {
        const stream = await streams.open('s')
        await put(stream, 'a')
        const reader = stream.read({ after: 0 })
        await put(stream, 'b')
        assert.deepEqual(await seqs(reader), [1])
      })

      test('batches keep to the bound, but for a single larger entry', async () => {
        const write = await streams.open('s')
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
        await reopen()
        await check(await streams.open('s'))
      })

      test('many segments read as one stream', async () => {
        const stream = await streams.open('s', { segmentBytes: 2048 })
        const expected: string[] = []
        for (let turn = 0; turn < 100; turn++) {
          const payload = `${turn}:${'y'.repeat(turn * 3)}`
          expected.push(payload)
          await put(stream, payload)
        }
        assert.deepEqual(await payloads(stream), expected)
        await reopen()
        const stored = await streams.open('s')
        assert.deepEqual(await payloads(stored), expected)
        for (const after of [1, 17, 50, 98, 99, 100]) {
          assert.deepEqual(await payloads(stored, { after }), expected.slice(after))
        }
      })
    })

    describe('living readers', () => {
      test('stored entries come first, then new ones, without a gap or a double', async () => {
        const stream = await streams.open('s')
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
        const stream = await streams.open('s')
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
        const stream = await streams.open('s')
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
        const stream = await streams.open('s')
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
        const stream = await streams.open('s')
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
        const stream = await streams.open('s')
        const reader = stream.read({ after: 0, live: true })
        const next = reader.next()
        await reader.return!()
        assert.equal((await next).done, true)
      })

      test('closing the stream ends them', async () => {
        const stream = await streams.open('s')
        const next = stream.read({ after: 0, live: true }).next()
        await stream.close()
        assert.equal((await next).done, true)
      })

      test('a reader far slower than the writer loses nothing', async () => {
        const stream = await streams.open('s', { segmentBytes: 256 * 1024 })
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
        const stream = await streams.open('s', { segmentBytes: 8192 })
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
        const stream = await streams.open('s', { manualRelease: true })
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
        const stream = await streams.open('s', { manualRelease: true })
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
        const stream = await streams.open('s', { manualRelease: true })
        const { durable } = stream.append([entry('a')])
        assert.throws(() => stream.release(1), code('InvalidArgument'))
        await durable
        stream.release(1)
        const plain = await streams.open('plain')
        await put(plain, 'a')
        assert.throws(() => plain.release(1), code('InvalidArgument'))
      })

      test('the tail shows everything durable, released or not', async () => {
        const stream = await streams.open('s', { manualRelease: true })
        await put(stream, 'a', 'b')
        stream.release(1)
        assert.deepEqual(await seqs(stream.tail(0)), [1, 2])
        assert.deepEqual(await seqs(stream.tail(1)), [2])
        assert.deepEqual(await seqs(stream.tail(2)), [])
      })

      test('after opening again nothing is released, and the tail has all of it', async () => {
        const before = await streams.open('s', { manualRelease: true })
        await put(before, 'a', 'b')
        before.release(2)
        await reopen()
        const stream = await streams.open('s', { manualRelease: true })
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
        const stream = await streams.open('s', { manualRelease: true, segmentBytes: 4096 })
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

    describe('blanking', () => {
      const isB = ({ key }: { key: string }) => key === 'b'

      async function filled(): Promise<Stream> {
        const stream = await streams.open('s', { segmentBytes: 2048 })
        for (let turn = 0; turn < 50; turn++) {
          await stream.append([
            entry(`secret of a ${turn}`, 'a', 1),
            entry(`secret of b ${turn}`, 'b', 2),
          ]).durable
        }
        return stream
      }

      async function assertBlanked(stream: Stream): Promise<void> {
        const found = await collect(stream.read({ after: 0 }))
        assert.equal(found.length, 100)
        for (const [index, { seq, key, kind, payload, blanked }] of found.entries()) {
          assert.equal(seq, index + 1)
          const turn = Math.floor(index / 2)
          if (index % 2 === 0) {
            assert.deepEqual(
              [key, kind, blanked, text(payload)],
              ['a', 1, false, `secret of a ${turn}`],
            )
          } else assert.deepEqual([key, kind, blanked, payload.length], ['b', 2, true, 0])
        }
      }

      test('payloads are gone for every reader, everything else stays', async () => {
        const stream = await filled()
        assert.equal(await stream.blank(isB), 50)
        await assertBlanked(stream)
        await reopen()
        await assertBlanked(await streams.open('s'))
      })

      test('what was read and kept in memory before is gone as well', async () => {
        await filled()
        await reopen()
        const stream = await streams.open('s')
        assert.equal((await collect(stream.read({ after: 0 }))).length, 100)
        const live = stream.read({ after: 100, live: true })
        const next = live.next()
        await stream.append([entry('x', 'b')]).durable
        await next
        assert.equal(await stream.blank(isB), 51)
        const found = await collect(stream.read({ after: 0 }))
        assert.ok(found.every(({ key, blanked, payload }) => isB({ key }) === blanked && payload))
        await live.return!()
      })

      test('a second time there is nothing left to erase', async () => {
        const stream = await filled()
        await stream.blank(isB)
        assert.equal(await stream.blank(isB), 0)
        assert.equal(await stream.blank(({ seq }) => seq === 1), 1)
        assert.equal(await stream.blank(() => false), 0)
      })

      test('appends under way are included, appends go on meanwhile', async () => {
        const stream = await filled()
        stream.append([entry('queued', 'b')])
        const blanking = stream.blank(isB)
        const later = stream.append([entry('later', 'b')])
        assert.ok((await blanking) >= 51)
        await later.durable
        const found = await collect(stream.read({ after: 100 }))
        assert.equal(found[0]!.blanked, true)
        assert.equal(found.length, 2)
      })

      test('entries that wait for their release are erased too', async () => {
        const stream = await streams.open('s', { manualRelease: true })
        await stream.append([entry('x', 'b'), entry('y', 'a')]).durable
        assert.equal(await stream.blank(isB), 1)
        stream.release(2)
        assert.deepEqual(
          (await collect(stream.read({ after: 0 }))).map(({ blanked }) => blanked),
          [true, false],
        )
      })

      test('a select that throws blanks nothing of that segment', async () => {
        const stream = await streams.open('s')
        await put(stream, 'a')
        const refusing = () => {
          throw new Error('not this')
        }
        await assert.rejects(stream.blank(refusing), /not this/)
        assert.deepEqual(await payloads(stream), ['a'])
      })
    })

    describe('trimming', () => {
      async function filled(): Promise<Stream> {
        const stream = await streams.open('s', { segmentBytes: 1024 })
        for (let turn = 0; turn < 40; turn++) {
          nowMs = 1_000 + turn * 100
          await put(stream, 'w'.repeat(200))
        }
        return stream
      }

      test('by seq: everything from there on stays', async () => {
        const stream = await filled()
        await stream.trim({ beforeSeq: 20 })
        const { first, last } = stream.bounds()
        assert.ok(first > 10 && first <= 20, `first is ${first}`)
        assert.equal(last, 40)
        const found = await seqs(stream.read({ after: 0 }))
        assert.deepEqual(
          found,
          Array.from({ length: 41 - first }, (_, index) => first + index),
        )
        await reopen()
        assert.deepEqual((await streams.open('s')).bounds(), { first, last, durable: 40 })
      })

      test('by time: everything younger stays', async () => {
        const stream = await filled()
        await stream.trim({ beforeMs: 3_000 })
        const found = await collect(stream.read({ after: 0 }))
        assert.ok(found.length < 40)
        assert.ok(found.some(({ timeMs }) => timeMs === 3_000))
        assert.equal(found[0]!.seq, stream.bounds().first)
      })

      test('by bytes: the youngest stay', async () => {
        const stream = await filled()
        await stream.trim({ keepBytes: 4096 })
        const found = await collect(stream.read({ after: 0 }))
        assert.ok(found.length >= 4 && found.length <= 20, `${found.length} entries stay`)
        assert.equal(found.at(-1)!.seq, 40)
      })

      test('by time or bytes, but never from a seq on', async () => {
        const stream = await filled()
        await stream.trim({ beforeMs: 1e9, beforeSeq: 10 })
        assert.ok(stream.bounds().first <= 10)
        await stream.trim({ keepBytes: 0, beforeSeq: 12 })
        assert.ok(stream.bounds().first <= 12)
        assert.deepEqual((await seqs(stream.read({ after: 11 })))[0], 12)
      })

      test('everything may go; the seqs go on', async () => {
        const stream = await filled()
        await stream.trim({ beforeSeq: 41 })
        assert.deepEqual(stream.bounds(), { first: 41, last: 40, durable: 40 })
        assert.deepEqual(await payloads(stream), [])
        await reopen()
        const again = await streams.open('s')
        assert.deepEqual(again.bounds(), { first: 41, last: 40, durable: 40 })
        assert.equal(await put(again, 'x'), 41)
        assert.deepEqual(again.bounds(), { first: 41, last: 41, durable: 41 })
        assert.deepEqual(await payloads(again), ['x'])
      })

      test('a trim of an empty stream does nothing', async () => {
        const stream = await streams.open('s')
        await stream.trim({ beforeSeq: 100 })
        assert.deepEqual(stream.bounds(), { first: 1, last: 0, durable: 0 })
        assert.equal(await put(stream, 'a'), 1)
      })

      test('unreleased entries stay', async () => {
        const stream = await streams.open('s', { manualRelease: true, segmentBytes: 1024 })
        for (let turn = 0; turn < 20; turn++) await put(stream, 'w'.repeat(200))
        stream.release(10)
        await stream.trim({ beforeSeq: 100 })
        assert.ok(stream.bounds().first > 1)
        assert.ok(stream.bounds().first <= 11)
        assert.deepEqual((await seqs(stream.tail(10))).length, 10)
      })

      test('a reader that stood in what is removed goes on with the oldest retained', async () => {
        const stream = await filled()
        await reopen()
        const again = await streams.open('s')
        const reader = again.read({ after: 0, maxBatchBytes: 200 })
        assert.equal(((await reader.next()).value as Entry[])[0]!.seq, 1)
        await again.trim({ beforeSeq: 30 })
        const rest = await seqs(reader)
        assert.equal(rest.at(-1), 40)
        assert.deepEqual(
          rest,
          [...rest].sort((one, other) => one - other),
        )
        assert.equal(stream.name, 's')
      })
    })

    describe('opening and closing', () => {
      test('streams of one home do not mix', async () => {
        const one = await streams.open('one')
        const two = await streams.open('two-2')
        await put(one, 'a')
        await put(two, 'b', 'c')
        assert.deepEqual(await payloads(one), ['a'])
        assert.deepEqual(await payloads(two), ['b', 'c'])
      })

      test('names that are no names are refused', async () => {
        for (const name of ['', '../x', 'a/b', 'A', 'a b', '.', 'x'.repeat(65)]) {
          await assert.rejects(streams.open(name), code('InvalidKey'))
        }
      })

      test('a stream is open once at a time', async () => {
        const stream = await streams.open('s')
        await assert.rejects(streams.open('s'), code('Locked'))
        await stream.close()
        await put(await streams.open('s'), 'a')
      })

      test('a home is open once at a time', async () => {
        await assert.rejects(home.open({ now: () => nowMs }), code('Locked'))
      })

      test('close waits for what was appended', async () => {
        const stream = await streams.open('s')
        const { durable } = stream.append([entry('a')])
        await stream.close()
        await durable
        await reopen()
        assert.deepEqual(await payloads(await streams.open('s')), ['a'])
      })

      test('a closed stream refuses everything, closing twice is fine', async () => {
        const stream = await streams.open('s')
        await put(stream, 'a')
        await stream.close()
        await stream.close()
        assert.throws(() => stream.append([entry('b')]), code('Closed'))
        await assert.rejects(stream.read({ after: 0 }).next(), code('Closed'))
        await assert.rejects(stream.trim({ beforeSeq: 1 }), code('Closed'))
        await assert.rejects(
          stream.blank(() => true),
          code('Closed'),
        )
        await streams.close()
        await assert.rejects(streams.open('s'), code('Closed'))
      })
    })

    test('whatever is done in whatever order, the stream equals a plain list', async () => {
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ append: fc.array(fc.nat(600), { minLength: 1, maxLength: 5 }) }),
        },
        { weight: 1, arbitrary: fc.record({ reopen: fc.nat(3) }) },
        { weight: 1, arbitrary: fc.record({ blank: fc.nat(4) }) },
        { weight: 1, arbitrary: fc.record({ trim: fc.double({ min: 0, max: 1, noNaN: true }) }) },
        { weight: 2, arbitrary: fc.record({ read: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      )
      let run = 0
      const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const name = `run-${++run}`
        let stream = await streams.open(name, { segmentBytes: 1500 })
        const model: { seq: number; key: string; payload: string }[] = []
        let trimmed = 1
        const check = async (after: number) => {
          const { first } = stream.bounds()
          const expected = model.filter(({ seq }) => seq >= first && seq > after)
          const found = await collect(stream.read({ after }))
          assert.deepEqual(
            found.map(({ seq, key, payload }) => ({ seq, key, payload: text(payload) })),
            expected,
          )
        }
        for (const action of steps) {
          if ('append' in action) {
            const made = action.append.map((size) => ({
              key: `k${size % 5}`,
              payload: 'q'.repeat(size),
            }))
            const { first, durable } = stream.append(
              made.map(({ key, payload }) => entry(payload, key)),
            )
            for (const [index, item] of made.entries()) model.push({ seq: first + index, ...item })
            await durable
          } else if ('reopen' in action) {
            await reopen()
            stream = await streams.open(name, { segmentBytes: 1500 })
          } else if ('blank' in action) {
            const key = `k${action.blank}`
            await stream.blank((candidate) => candidate.key === key)
            for (const item of model) if (item.key === key) item.payload = ''
          } else if ('trim' in action) {
            const beforeSeq = Math.floor(model.length * action.trim)
            await stream.trim({ beforeSeq })
            trimmed = Math.max(trimmed, beforeSeq)
            assert.ok(stream.bounds().first <= trimmed)
          } else await check(Math.floor(model.length * action.read))
        }
        await check(0)
        await stream.close()
      })
      await fc.assert(property, { numRuns: 25 })
    })
  })
}
