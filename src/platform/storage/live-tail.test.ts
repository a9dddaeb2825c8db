import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Entry } from './contracts.ts'
import { LiveTail } from './live-tail.ts'
import { cutBatches } from './stream-reads.ts'

const entry = (seq: number, length = 10): Entry => ({
  seq,
  key: 'k',
  kind: 0,
  timeMs: 0,
  payload: new Uint8Array(length),
  blanked: false,
})
const entries = (first: number, last: number, length = 10) =>
  Array.from({ length: last - first + 1 }, (_, index) => entry(first + index, length))
const seqs = (batch: readonly Entry[] | undefined) => batch?.map(({ seq }) => seq)

describe('the newest batches', () => {
  test('what was there before it is asked of the segments, also after more came', () => {
    const tail = new LiveTail(0, 10_000, 2)
    tail.show(2)
    tail.hold(entries(3, 3))
    tail.show(3)
    assert.equal(tail.next(0), undefined)
    assert.equal(tail.next(1), undefined)
    assert.deepEqual(seqs(tail.next(2)), [3])
  })

  test('what is held is not shown', () => {
    const tail = new LiveTail(0, 10_000)
    tail.hold(entries(1, 3))
    assert.equal(tail.visible, 0)
    assert.equal(tail.next(0), undefined)
    tail.show(2)
    assert.deepEqual(seqs(tail.next(0)), [1, 2])
    assert.equal(tail.next(2), undefined)
    tail.show(3)
    assert.deepEqual(seqs(tail.next(2)), [3])
    assert.deepEqual(seqs(tail.next(0)), [1, 2], 'batches stay as they were shown')
  })

  test('whoever stands between two batches gets the same array, in the middle a part of it', () => {
    const tail = new LiveTail(0, 10_000)
    tail.hold(entries(1, 4))
    tail.show(4)
    assert.equal(tail.next(0), tail.next(0))
    assert.deepEqual(seqs(tail.next(2)), [3, 4])
  })

  test('beyond its bound the oldest are asked from the segments', () => {
    const tail = new LiveTail(0, 1000)
    for (let seq = 1; seq <= 20; seq++) {
      tail.hold([entry(seq, 100)])
      tail.show(seq)
    }
    assert.equal(tail.next(0), undefined)
    assert.deepEqual(seqs(tail.next(19)), [20])
    let reachable = 20
    while (tail.next(reachable - 1)) reachable--
    assert.ok(reachable > 10 && reachable < 19)
  })

  test('what waits for release beyond the bound is asked from the segments as well', () => {
    const tail = new LiveTail(0, 1000)
    tail.hold(entries(1, 30, 100))
    tail.hold(entries(31, 32))
    tail.show(10)
    assert.equal(tail.visible, 10)
    assert.equal(tail.next(5), undefined)
    tail.show(31)
    assert.equal(tail.next(10), undefined)
    assert.deepEqual(seqs(tail.next(30)), [31])
    tail.show(32)
    assert.deepEqual(seqs(tail.next(31)), [32])
  })

  test('waiting ends once, when something is shown', () => {
    const tail = new LiveTail(0, 1000)
    let woken = 0
    const wake = () => woken++
    tail.wait(wake)
    tail.hold(entries(1, 1))
    assert.equal(woken, 0)
    tail.show(1)
    tail.hold(entries(2, 2))
    tail.show(2)
    assert.equal(woken, 1)
    tail.wait(wake)
    tail.unwait(wake)
    tail.wakeAll()
    assert.equal(woken, 1)
  })

  test('erased entries are replaced, shown and held ones; other batches stay the same', () => {
    const tail = new LiveTail(0, 10_000)
    for (const seq of [1, 2, 3]) {
      tail.hold([entry(seq)])
      if (seq < 3) tail.show(seq)
    }
    const untouched = tail.next(0)
    tail.blank(({ seq }) => seq >= 2)
    tail.show(3)
    assert.equal(tail.next(0), untouched)
    for (const after of [1, 2]) {
      const [found] = tail.next(after)!
      assert.deepEqual([found!.blanked, found!.payload.length], [true, 0])
    }
  })

  test('whatever is held and shown, what is found is the truth or nothing', () => {
    const steps = fc.array(fc.record({ hold: fc.nat(5), size: fc.nat(300), show: fc.nat(8) }))
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 3000 }), (actions, bound) => {
        const tail = new LiveTail(0, bound)
        let held = 0
        let shown = 0
        for (const { hold, size, show } of actions) {
          if (hold > 0) tail.hold(entries(held + 1, held + hold, size))
          held += hold
          shown = Math.max(shown, Math.min(held, shown + show))
          tail.show(shown)
          for (let after = 0; after <= held; after++) {
            const found = seqs(tail.next(after))
            if (found === undefined) continue
            assert.deepEqual(
              found,
              found.map((_, index) => after + 1 + index),
            )
            assert.ok(found.length > 0 && found.at(-1)! <= shown)
          }
        }
      }),
    )
  })
})

describe('cutting batches', () => {
  test('keeps every entry in order, within the bound or alone', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 120 }), (sizes, bound) => {
        const given = sizes.map((size, index) => entry(index, size))
        const batches = cutBatches(given, bound)
        assert.deepEqual(batches.flat(), given)
        for (const batch of batches) {
          const bytes = batch.reduce((sum, { payload }) => sum + payload.length, 0)
          assert.ok(batch.length > 0 && (bytes <= bound || batch.length === 1))
        }
      }),
    )
  })

  test('makes nothing new when one is enough', () => {
    const given = entries(1, 3)
    assert.equal(cutBatches(given, 1000)[0], given)
    assert.deepEqual(cutBatches([], 10), [])
  })
})
