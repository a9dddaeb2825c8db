import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { collect, entry, type StreamsHome, streamsRig, text } from './streams.test-support.ts'
import { appendConformance } from './streams-append.conformance.ts'
import { readConformance } from './streams-read.conformance.ts'
import { upkeepConformance } from './streams-upkeep.conformance.ts'

/** What every form of Streams promises. */
export function streamsConformance(form: string, makeHome: () => Promise<StreamsHome>): void {
  appendConformance(form, makeHome)
  readConformance(form, makeHome)
  upkeepConformance(form, makeHome)

  describe(`streams on ${form}, as a whole`, () => {
    const rig = streamsRig(makeHome)

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
        let stream = await rig.streams.open(name, { segmentBytes: 1500 })
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
            await rig.reopen()
            stream = await rig.streams.open(name, { segmentBytes: 1500 })
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
