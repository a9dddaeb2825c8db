import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry, Stream } from './contracts.ts'
import {
  collect,
  entry,
  payloads,
  put,
  type StreamsHome,
  seqs,
  streamsRig,
  text,
} from './streams.test-support.ts'

/** Blanking and trimming. */
export function upkeepConformance(form: string, makeHome: () => Promise<StreamsHome>): void {
  describe(`streams on ${form}`, () => {
    const rig = streamsRig(makeHome)

    describe('blanking', () => {
      const isB = ({ key }: { key: string }) => key === 'b'

      async function filled(): Promise<Stream> {
        const stream = await rig.streams.open('s', { segmentBytes: 2048 })
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
        await rig.reopen()
        await assertBlanked(await rig.streams.open('s'))
      })

      test('what was read and kept in memory before is gone as well', async () => {
        await filled()
        await rig.reopen()
        const stream = await rig.streams.open('s')
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
        const stream = await rig.streams.open('s', { manualRelease: true })
        await stream.append([entry('x', 'b'), entry('y', 'a')]).durable
        assert.equal(await stream.blank(isB), 1)
        stream.release(2)
        assert.deepEqual(
          (await collect(stream.read({ after: 0 }))).map(({ blanked }) => blanked),
          [true, false],
        )
      })

      test('a select that throws blanks nothing of that segment', async () => {
        const stream = await rig.streams.open('s')
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
        const stream = await rig.streams.open('s', { segmentBytes: 1024 })
        for (let turn = 0; turn < 40; turn++) {
          rig.nowMs = 1_000 + turn * 100
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
        await rig.reopen()
        assert.deepEqual((await rig.streams.open('s')).bounds(), { first, last, durable: 40 })
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
        await rig.reopen()
        const again = await rig.streams.open('s')
        assert.deepEqual(again.bounds(), { first: 41, last: 40, durable: 40 })
        assert.equal(await put(again, 'x'), 41)
        assert.deepEqual(again.bounds(), { first: 41, last: 41, durable: 41 })
        assert.deepEqual(await payloads(again), ['x'])
      })

      test('what is appended while everything older goes stays, whenever it comes', async () => {
        for (let turns = 0; turns < 12; turns++) {
          const stream = await rig.streams.open(`s${turns}`, { segmentBytes: 100_000 })
          rig.nowMs = 1_000
          await put(stream, 'old')
          rig.nowMs = 9_000
          const early = stream.append([entry('young')])
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
          const trimmed = stream.trim({ beforeMs: 5_000 })
          const late = stream.append([entry('younger')])
          await Promise.all([early.durable, trimmed, late.durable])
          const found = await payloads(stream)
          assert.deepEqual(found.slice(-2), ['young', 'younger'], `after ${turns} turns`)
        }
      })

      test('a trim of an empty stream does nothing', async () => {
        const stream = await rig.streams.open('s')
        await stream.trim({ beforeSeq: 100 })
        assert.deepEqual(stream.bounds(), { first: 1, last: 0, durable: 0 })
        assert.equal(await put(stream, 'a'), 1)
      })

      test('unreleased entries stay', async () => {
        const stream = await rig.streams.open('s', { manualRelease: true, segmentBytes: 1024 })
        for (let turn = 0; turn < 20; turn++) await put(stream, 'w'.repeat(200))
        stream.release(10)
        await stream.trim({ beforeSeq: 100 })
        assert.ok(stream.bounds().first > 1)
        assert.ok(stream.bounds().first <= 11)
        assert.deepEqual((await seqs(stream.tail(10))).length, 10)
      })

      test('a reader that stood in what is removed goes on with the oldest retained', async () => {
        const stream = await filled()
        await rig.reopen()
        const again = await rig.streams.open('s')
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
  })
}
