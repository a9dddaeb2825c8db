import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Kv } from './contracts.ts'

/** What every form of Kv promises. The home's clock is `now`. */
export function kvConformance(form: string, open: (now: () => number) => Promise<Kv>): void {
  describe(`kv in ${form}`, () => {
    let kv: Kv
    let nowMs: number

    beforeEach(async () => {
      nowMs = 1_000_000
      kv = await open(() => nowMs)
    })

    test('a value is there until it is replaced or deleted', async () => {
      assert.equal(await kv.get('k'), undefined)
      await kv.set('k', 'one')
      assert.equal(await kv.get('k'), 'one')
      await kv.set('k', '')
      assert.equal(await kv.get('k'), '')
      assert.equal(await kv.delete('k'), true)
      assert.equal(await kv.delete('k'), false)
      assert.equal(await kv.get('k'), undefined)
    })

    test('a value is gone after its time, not before', async () => {
      await kv.set('k', 'v', 1000)
      nowMs += 999
      assert.equal(await kv.get('k'), 'v')
      nowMs += 1
      assert.equal(await kv.get('k'), undefined)
      assert.equal(await kv.delete('k'), false)
    })

    test('a later set gives a new time, or none', async () => {
      await kv.set('a', 'v', 1000)
      await kv.set('b', 'v', 1000)
      nowMs += 500
      await kv.set('a', 'w', 1000)
      await kv.set('b', 'w')
      nowMs += 999
      assert.equal(await kv.get('a'), 'w')
      nowMs += 1e9
      assert.equal(await kv.get('a'), undefined)
      assert.equal(await kv.get('b'), 'w')
    })

    test('increments add up within the time of the first', async () => {
      assert.equal(await kv.increment('n', 1, 1000), 1)
      nowMs += 600
      assert.equal(await kv.increment('n', 5, 1000), 6)
      assert.equal(await kv.get('n'), '6')
      nowMs += 400
      assert.equal(await kv.increment('n', -2, 1000), -2)
    })

    test('increments at the same time are all counted', async () => {
      const sums = await Promise.all(Array.from({ length: 50 }, () => kv.increment('n', 1, 1000)))
      assert.deepEqual(
        sums.sort((one, other) => one - other),
        Array.from({ length: 50 }, (_, index) => index + 1),
      )
    })

    test('a value that is no number cannot be incremented', async () => {
      await kv.set('k', 'word')
      await assert.rejects(kv.increment('k', 1, 1000), { code: 'InvalidArgument' })
      assert.equal(await kv.get('k'), 'word')
    })

    test('whatever is done, it equals a map with times', async () => {
      const key = fc.constantFrom('a', 'b', 'c', '__proto__')
      const step = fc.oneof(
        fc.record({
          set: key,
          value: fc.string(),
          ttlMs: fc.option(fc.integer({ min: 1, max: 50 })),
        }),
        fc.record({ delete: key }),
        fc.record({ wait: fc.nat(30) }),
        fc.record({ get: key }),
      )
      const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const model = new Map<string, { value: string; untilMs: number }>()
        const alive = (name: string) => {
          const held = model.get(name)
          return held && held.untilMs > nowMs ? held.value : undefined
        }
        for (const name of ['a', 'b', 'c', '__proto__']) await kv.delete(name)
        for (const action of steps) {
          if ('set' in action) {
            const untilMs = action.ttlMs === null ? Number.POSITIVE_INFINITY : nowMs + action.ttlMs
            model.set(action.set, { value: action.value, untilMs })
            await kv.set(action.set, action.value, action.ttlMs ?? undefined)
          } else if ('delete' in action) {
            assert.equal(await kv.delete(action.delete), alive(action.delete) !== undefined)
            model.delete(action.delete)
          } else if ('wait' in action) nowMs += action.wait
          else assert.equal(await kv.get(action.get), alive(action.get))
        }
      })
      await fc.assert(property)
    })
  })
}
