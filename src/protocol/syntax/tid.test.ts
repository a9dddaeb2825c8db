import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatTid, isTid, parseTid, TidClock, tidClockId, tidMicros } from './index.ts'

const notTid = { name: 'ProtocolError', code: 'InvalidTid' }
const micros = fc.oneof(fc.maxSafeNat(), fc.nat(5000))
const clockId = fc.nat(1023)

test('moment and clock come back from the TID that was made of them', () => {
  fc.assert(
    fc.property(micros, clockId, (micros, clockId) => {
      const tid = formatTid(micros, clockId)
      assert.ok(isTid(tid))
      assert.equal(tidMicros(tid), micros)
      assert.equal(tidClockId(tid), clockId)
      assert.equal(formatTid(BigInt(micros), clockId), tid)
    }),
  )
})

test('TIDs sort as text the way their moments do, then their clocks', () => {
  fc.assert(
    fc.property(micros, clockId, micros, clockId, (microsA, clockA, microsB, clockB) => {
      const a = formatTid(microsA, clockA)
      const b = formatTid(microsB, clockB)
      assert.equal(Math.sign(microsA - microsB || clockA - clockB), a < b ? -1 : a > b ? 1 : 0)
    }),
  )
})

test('the first, the last and a known TID are what the specification makes them', () => {
  assert.equal(formatTid(0, 0), '2222222222222')
  assert.equal(formatTid(2 ** 53 - 1, 1023), 'bzzzzzzzzzzzz')
  assert.equal(new Date(tidMicros('3jzfcijpj2z2a') / 1000).toISOString().slice(0, 7), '2023-06')
})

test('any text is no TID, or names one moment and one clock', () => {
  const like = fc.string({
    unit: fc.constantFrom(...'234567abjkz189A-'),
    minLength: 12,
    maxLength: 14,
  })
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => {
      if (!isTid(text)) {
        assert.throws(() => parseTid(text), notTid)
        assert.throws(() => tidMicros(text), notTid)
        assert.throws(() => tidClockId(text), notTid)
      } else if (tidMicros(text) < 2 ** 53) {
        assert.equal(formatTid(tidMicros(text), tidClockId(text)), text)
      }
    }),
  )
})

test('moments and clocks outside of a TID are refused', () => {
  for (const moment of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n]) {
    assert.throws(() => formatTid(moment, 0), notTid)
  }
  for (const clock of [-1, 1024, 0.5, Number.NaN]) {
    assert.throws(() => formatTid(0, clock), notTid)
    assert.throws(() => new TidClock(() => 0, clock), notTid)
  }
})

test('a clock only ever rises, whatever the time of day does', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2 ** 43 }), { minLength: 2, maxLength: 50 })
  fc.assert(
    fc.property(times, clockId, (times, clockId) => {
      let at = 0
      const clock = new TidClock(() => times[at]!, clockId)
      const tids = times.map((_, i) => {
        at = i
        return clock.next()
      })
      for (let i = 1; i < tids.length; i++) assert.ok(tids[i - 1]! < tids[i]!)
      assert.equal(tidClockId(tids[0]!), clockId)
      assert.ok(tidMicros(tids.at(-1)!) >= Math.max(...times) * 1000)
    }),
  )
})

test('a clock tells the time it was given, to the microsecond', () => {
  assert.equal(
    tidMicros(new TidClock(() => 1_700_000_000_123.456, 3).next()),
    1_700_000_000_123_456,
  )
})

test('a clock rises above the TID of another clock, and stays above', () => {
  const clock = new TidClock(() => 1000, 0)
  const foreign = formatTid(5_000_000, 1023)
  const next = clock.next(foreign)
  assert.ok(next > foreign)
  assert.ok(clock.next() > next)
  assert.ok(clock.next(formatTid(1, 0)) > next)
})

test('a clock refuses what is no TID or leaves no room above it, and goes on', () => {
  const clock = new TidClock(() => 1000, 0)
  assert.throws(() => clock.next('self'), notTid)
  assert.throws(() => clock.next(formatTid(2 ** 53 - 1, 0)), notTid)
  assert.equal(tidMicros(clock.next()), 1_000_000)
})
