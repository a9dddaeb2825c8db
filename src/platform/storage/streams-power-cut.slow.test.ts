import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { StreamOptions } from './contracts.ts'
import { type MemoryFiles, memoryFiles } from './files-memory.ts'
import { after, collect, entry, rig, segments, shown } from './streams-faults.test-support.ts'

describe('a power cut', () => {
  /** Numbers from 0 to 1 that follow from a seed, so that a failing run can be run again. */
  function dice(seed: number): () => number {
    let state = seed >>> 0
    return () => {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    }
  }

  /** Appends from several callers until the power goes; returns what was acknowledged and what was asked for. */
  async function runUntilCut(disk: MemoryFiles, seed: number, options: StreamOptions) {
    const random = dice(seed)
    const { stream } = await rig({ disk, ...options })
    const asked = new Map<number, string[]>()
    const acknowledged = new Set<number>()
    let turnsLeft = 20 + Math.floor(random() * 200)
    const caller = async () => {
      while (turnsLeft-- > 0) {
        const group = Array.from(
          { length: 1 + Math.floor(random() * 3) },
          () => `${turnsLeft}:${'p'.repeat(random() * 2000)}`,
        )
        const { first, durable } = stream.append(group.map((payload) => entry(payload)))
        asked.set(first, group)
        await durable
        acknowledged.add(first)
      }
    }
    const callers = Array.from({ length: 1 + Math.floor(random() * 5) }, caller)
    const settled = Promise.allSettled(callers)
    const turns = Math.floor(random() * 150)
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    disk.powerCut(random() < 0.3 ? undefined : random)
    turnsLeft = 0
    await settled
    return { asked, acknowledged }
  }

  test('loses nothing acknowledged and halves no append, over and over', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(2048, 16_384, 1 << 20),
      async (seeds, segmentBytes) => {
        const disk = memoryFiles()
        const kept = new Map<number, string[]>()
        for (const seed of seeds) {
          const { asked, acknowledged } = await runUntilCut(disk, seed, { segmentBytes })
          const { stream, streams } = await after(disk, { segmentBytes })
          const found = new Map(await shown(stream))
          for (const [first, group] of asked) {
            const present = group.filter((payload, index) => found.get(first + index) === payload)
            if (acknowledged.has(first)) assert.equal(present.length, group.length)
            assert.ok(present.length === 0 || present.length === group.length, 'all or none')
            if (present.length > 0) kept.set(first, group)
          }
          const expected = [...kept]
            .sort(([one], [other]) => one - other)
            .flatMap(([first, group]) => group.map((payload, index) => [first + index, payload]))
          assert.deepEqual([...found], expected)
          await streams.close()
        }
      },
    )
    await fc.assert(property, { numRuns: 150 })
  })

  test('after a kill, what was shown once is not lost to a later power cut', async () => {
    const { disk, stream, faults } = await rig()
    await stream.append([entry('one')]).durable
    // The process dies between its write and its fsync.
    faults.datasync = [undefined]
    stream.append([entry('two')])
    while (!disk.paths.length) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    const { stream: reopened } = await after(disk)
    const seen = await shown(reopened)
    disk.powerCut()
    const { stream: final } = await rig({ disk })
    assert.deepEqual(await shown(final), seen)
  })

  test('a seq shown to a reader is never given to another entry', async () => {
    const property = fc.asyncProperty(fc.nat(), async (seed) => {
      const random = dice(seed)
      const disk = memoryFiles()
      const shownEver = new Map<number, string>()
      for (let life = 0; life < 3; life++) {
        const { stream } = await rig({ disk, segmentBytes: 4096 })
        const reading = (async () => {
          for await (const batch of stream.read({ after: 0, live: true })) {
            for (const { seq, payload } of batch) {
              const text = Buffer.from(payload).toString()
              assert.equal(shownEver.get(seq) ?? text, text)
              shownEver.set(seq, text)
            }
          }
        })().catch((error) => assert.equal(error.code, 'Corrupt'))
        const appended = Array.from({ length: 30 }, (_, turn) =>
          stream.append([entry(`${life}/${turn}/${'x'.repeat(random() * 500)}`)]),
        )
        const turns = Math.floor(random() * 12)
        for (let turn = 0; turn < turns; turn++) {
          await new Promise((resolve) => setImmediate(resolve))
        }
        disk.powerCut(random)
        await Promise.allSettled(appended.map(({ durable }) => durable))
        await stream.close()
        await reading
      }
      const { stream } = await after(disk)
      const found = new Map(await shown(stream))
      for (const [seq, text] of shownEver) assert.equal(found.get(seq), text)
    })
    await fc.assert(property, { numRuns: 100 })
  })

  test('in the middle of erasing: every entry is intact or erased, and a second run finishes', async () => {
    const property = fc.asyncProperty(fc.nat(), fc.nat(60), async (seed, turns) => {
      const disk = memoryFiles()
      const first = await rig({ disk, segmentBytes: 4096 })
      for (let turn = 0; turn < 20; turn++) {
        await first.stream.append([
          entry(`keep ${turn}`, 'a'),
          entry(`SECRET ${turn} ${'s'.repeat(700)}`, 'b'),
        ]).durable
      }
      const blanking = first.stream.blank(({ key }) => key === 'b').catch(() => 'cut')
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      disk.powerCut(dice(seed))
      await blanking
      const { stream } = await rig({ disk, segmentBytes: 4096 })
      const check = async (all: boolean) => {
        const found = await collect(stream.read({ after: 0 }))
        assert.equal(found.length, 40)
        for (const [index, { seq, key, payload, blanked }] of found.entries()) {
          assert.equal(seq, index + 1)
          const text = Buffer.from(payload).toString()
          if (key === 'a') assert.equal(text, `keep ${Math.floor(index / 2)}`)
          else if (all || blanked) assert.deepEqual([blanked, text], [true, ''])
          else assert.ok(text.startsWith('SECRET '))
        }
      }
      await check(false)
      await stream.blank(({ key }) => key === 'b')
      await check(true)
      for (const path of segments(disk)) {
        disk.damage(path, (bytes) => {
          assert.equal(bytes.indexOf('SECRET'), -1)
          return bytes
        })
      }
    })
    await fc.assert(property, { numRuns: 100 })
  })

  test('in the middle of trimming: what stays is whole', async () => {
    const property = fc.asyncProperty(fc.nat(), fc.nat(40), async (seed, turns) => {
      const disk = memoryFiles()
      const { stream } = await rig({ disk, segmentBytes: 2048 })
      for (let turn = 1; turn <= 30; turn++) {
        await stream.append([entry(`${turn} ${'t'.repeat(500)}`)]).durable
      }
      const trimming = stream.trim({ beforeSeq: 25 }).catch(() => 'cut')
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      disk.powerCut(dice(seed))
      await trimming
      const again = await rig({ disk, segmentBytes: 2048 })
      const { first, last } = again.stream.bounds()
      assert.ok(first <= 25)
      assert.equal(last, 30)
      const found = await shown(again.stream)
      assert.deepEqual(
        found.map(([seq, text]) => [seq, text.split(' ')[0]]),
        Array.from({ length: 31 - first }, (_, index) => [first + index, `${first + index}`]),
      )
    })
    await fc.assert(property, { numRuns: 60 })
  })
})
