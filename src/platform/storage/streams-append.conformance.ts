import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry } from './contracts.ts'
import {
  bytes,
  code,
  collect,
  entry,
  payloads,
  put,
  type StreamsHome,
  streamsRig,
  text,
} from './streams.test-support.ts'

/** Appending, seqs, opening and closing. */
export function appendConformance(form: string, makeHome: () => Promise<StreamsHome>): void {
  describe(`streams on ${form}`, () => {
    const rig = streamsRig(makeHome)

    describe('appending', () => {
      test('seqs begin at 1 and follow the order of the calls', async () => {
        const stream = await rig.streams.open('s')
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
        const stream = await rig.streams.open('s')
        rig.nowMs = 123_456
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
        const stream = await rig.streams.open('s')
        await put(stream, 'a', 'b')
        const live = await collect(stream.read({ after: 0 }))
        await rig.reopen()
        const stored = await collect((await rig.streams.open('s')).read({ after: 0 }))
        const plain = (entries: Entry[]) =>
          entries.map((found) => ({ ...found, payload: [...found.payload] }))
        assert.deepEqual(plain(stored), plain(live))
      })

      test('empty payloads and empty keys are entries like any other', async () => {
        const stream = await rig.streams.open('s')
        await stream.append([entry('', ''), entry('x', ''), entry('', 'k')]).durable
        await rig.reopen()
        const found = await collect((await rig.streams.open('s')).read({ after: 0 }))
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
        const stream = await rig.streams.open('s')
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
        const stream = await rig.streams.open('s')
        const make = () => {
          stream.append([entry('inner')])
          return bytes('outer')
        }
        assert.throws(() => stream.append([{ key: 'k', kind: 0, make }]), code('InvalidArgument'))
        assert.equal(await put(stream, 'next'), 1)
      })

      test('no entries, long keys and kinds beyond a byte are refused', async () => {
        const stream = await rig.streams.open('s')
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
        const stream = await rig.streams.open('s')
        const huge = new Uint8Array(65 * 1024 * 1024)
        assert.throws(() => stream.append([entry(huge)]), code('TooLarge'))
        assert.equal(await put(stream, 'x'), 1)
      })

      test('callers at the same time all become durable, in order, without a gap', async () => {
        const stream = await rig.streams.open('s', { segmentBytes: 4096 })
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
        const stream = await rig.streams.open('s', { segmentBytes: 4096 })
        const big = 'x'.repeat(10_000)
        await put(stream, 'a', big, 'b')
        await put(stream, big)
        await put(stream, 'c')
        assert.deepEqual(await payloads(stream), ['a', big, 'b', big, 'c'])
        await rig.reopen()
        assert.deepEqual(await payloads(await rig.streams.open('s')), ['a', big, 'b', big, 'c'])
      })
    })

    describe('seqs and bounds', () => {
      test('an empty stream begins at 1', async () => {
        const stream = await rig.streams.open('s')
        assert.deepEqual(stream.bounds(), { first: 1, last: 0, durable: 0 })
        assert.deepEqual(await payloads(stream), [])
      })

      test('bounds follow what is appended', async () => {
        const stream = await rig.streams.open('s')
        await put(stream, 'a', 'b', 'c')
        assert.deepEqual(stream.bounds(), { first: 1, last: 3, durable: 3 })
      })

      test('after opening again the next seq follows the last', async () => {
        await put(await rig.streams.open('s'), 'a', 'b')
        await rig.reopen()
        const stream = await rig.streams.open('s')
        assert.deepEqual(stream.bounds(), { first: 1, last: 2, durable: 2 })
        assert.equal(await put(stream, 'c'), 3)
        assert.deepEqual(await payloads(stream), ['a', 'b', 'c'])
      })

      test('a floor lifts the next seq, never lowers it', async () => {
        const stream = await rig.streams.open('s', { floor: 1_700_000_000_000_000 })
        assert.deepEqual(stream.bounds().last, 1_699_999_999_999_999)
        assert.equal(await put(stream, 'a'), 1_700_000_000_000_000)
        assert.equal(stream.bounds().first, 1_700_000_000_000_000)
        await rig.reopen()
        assert.equal(
          await put(await rig.streams.open('s', { floor: 5 }), 'b'),
          1_700_000_000_000_001,
        )
        await rig.reopen()
        const lifted = await rig.streams.open('s', { floor: 1_800_000_000_000_000 })
        assert.equal(lifted.bounds().last, 1_700_000_000_000_001)
        assert.equal(await put(lifted, 'c'), 1_800_000_000_000_000)
        await rig.reopen()
        const again = await rig.streams.open('s')
        assert.deepEqual(await payloads(again), ['a', 'b', 'c'])
        assert.deepEqual(await payloads(again, { after: 1_700_000_000_000_001 }), ['c'])
        assert.deepEqual(await payloads(again, { after: 1_750_000_000_000_000 }), ['c'])
      })
    })

    describe('opening and closing', () => {
      test('streams of one home do not mix', async () => {
        const one = await rig.streams.open('one')
        const two = await rig.streams.open('two-2')
        await put(one, 'a')
        await put(two, 'b', 'c')
        assert.deepEqual(await payloads(one), ['a'])
        assert.deepEqual(await payloads(two), ['b', 'c'])
      })

      test('names that are no names are refused', async () => {
        for (const name of ['', '../x', 'a/b', 'A', 'a b', '.', 'x'.repeat(65)]) {
          await assert.rejects(rig.streams.open(name), code('InvalidKey'))
        }
      })

      test('a stream is open once at a time', async () => {
        const stream = await rig.streams.open('s')
        await assert.rejects(rig.streams.open('s'), code('Locked'))
        await stream.close()
        await put(await rig.streams.open('s'), 'a')
      })

      test('a home is open once at a time', async () => {
        await assert.rejects(rig.home.open({ now: () => rig.nowMs }), code('Locked'))
      })

      test('entries of another stream are copied as they are: seqs with gaps, times, blanks', async () => {
        const source = await rig.streams.open('source', { floor: 40 })
        await put(source, 'a', 'b', 'c')
        rig.nowMs = 2_000
        await source.append([entry('d', 'other', 7)]).durable
        await source.blank(({ seq }) => seq === 41)
        const copy = await rig.streams.open('copy')
        const given = await collect(source.read({ after: 0 }))
        await copy.copy(given.slice(0, 2))
        await copy.copy(given.slice(2))
        await copy.copy([{ ...given[3]!, seq: 90 }])
        const expected = [...given, { ...given[3]!, seq: 90 }]
        const plain = (entries: readonly Entry[]) =>
          entries.map((one) => ({ ...one, payload: text(one.payload) }))
        assert.deepEqual(plain(await collect(copy.read({ after: 0 }))), plain(expected))
        await rig.reopen()
        const again = await rig.streams.open('copy')
        assert.deepEqual(plain(await collect(again.read({ after: 0 }))), plain(expected))
        assert.equal(await put(again, 'own'), 91, 'what is appended here comes behind')
      })

      test('a copy of a seq that was taken before is refused, and nothing of it kept', async () => {
        const stream = await rig.streams.open('s')
        await put(stream, 'a', 'b')
        const [first] = await collect(stream.read({ after: 0 }))
        await assert.rejects(stream.copy([first!]), code('InvalidArgument'))
        const [next, same] = [5, 5].map((seq) => ({ ...first!, seq }))
        await assert.rejects(stream.copy([next!, same!]), code('InvalidArgument'))
        assert.equal(await put(stream, 'c'), 3)
      })

      test('close waits for what was appended', async () => {
        const stream = await rig.streams.open('s')
        const { durable } = stream.append([entry('a')])
        await stream.close()
        await durable
        await rig.reopen()
        assert.deepEqual(await payloads(await rig.streams.open('s')), ['a'])
      })

      test('a closed stream refuses everything, closing twice is fine', async () => {
        const stream = await rig.streams.open('s')
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
        await rig.streams.close()
        await assert.rejects(rig.streams.open('s'), code('Closed'))
      })
    })
  })
}
