import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Kv } from './contracts.ts'

/** An empty Kv and its clock. */
export interface KvHome {
  kv: Kv
  /** Lets so many milliseconds go by, at least. */
  pass(ms: number): Promise<void>
  /** What `pass` and the calls may take beyond what was asked. */
  slackMs: number
  /** How often properties are tried. */
  runs: number
}

/** What every form of Kv promises. */
export function kvConformance(form: string, open: () => Promise<KvHome>): void {
  describe(`kv in ${form}`, () => {
    let kv: Kv
    let home: KvHome

    beforeEach(async () => {
      home = await open()
      kv = home.kv
    })

    afterEach(() => kv.close())

    const within = (found: { sum: number; leftMs: number }, sum: number, leftMs: number) => {
      assert.equal(found.sum, sum)
      assert.ok(found.leftMs <= leftMs && found.leftMs >= leftMs - home.slackMs, `${found.leftMs}`)
    }

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
      await home.pass(999 - home.slackMs)
      assert.equal(await kv.get('k'), 'v')
      await home.pass(1 + home.slackMs)
      assert.equal(await kv.get('k'), undefined)
      assert.equal(await kv.delete('k'), false)
    })

    test('a later set gives a new time, or none', async () => {
      await kv.set('a', 'v', 1000)
      await kv.set('b', 'v', 1000)
      await home.pass(500)
      await kv.set('a', 'w', 1000)
      await kv.set('b', 'w')
      await home.pass(999 - home.slackMs)
      assert.equal(await kv.get('a'), 'w')
      await home.pass(1 + home.slackMs)
      assert.equal(await kv.get('a'), undefined)
      assert.equal(await kv.get('b'), 'w')
    })

    test('increments add up within the time of the first', async () => {
      within(await kv.increment('n', 1, 1000), 1, 1000)
      await home.pass(600)
      within(await kv.increment('n', 5, 1000), 6, 400)
      assert.equal(await kv.get('n'), '6')
      await home.pass(400)
      within(await kv.increment('n', -2, 1000), -2, 1000)
    })

    test('an increment gives no time to what was set without one', async () => {
      await kv.set('n', '2')
      assert.deepEqual(await kv.increment('n', 1, 50), { sum: 3, leftMs: Number.POSITIVE_INFINITY })
      await home.pass(100)
      assert.equal(await kv.get('n'), '3')
    })

    test('increments at the same time are all counted', async () => {
      const found = await Promise.all(Array.from({ length: 50 }, () => kv.increment('n', 1, 1000)))
      assert.deepEqual(
        found.map(({ sum }) => sum).sort((one, other) => one - other),
        Array.from({ length: 50 }, (_, index) => index + 1),
      )
    })

    test('a value that is no number cannot be incremented', async () => {
      await kv.set('k', 'word')
      await assert.rejects(kv.increment('k', 1, 1000), { code: 'InvalidArgument' })
      assert.equal(await kv.get('k'), 'word')
    })

    test('whatever is done, it equals a map with times', async () => {
      let nowMs = 0
      const key = fc.constantFrom('a', 'b', 'c', '__proto__')
      const step = fc.oneof(
        fc.record({
          set: key,
          value: fc.string(),
          // Where time is real, what ends at about the same time may end in any order.
          ttlMs: home.slackMs > 0 ? fc.constant(null) : fc.option(fc.integer({ min: 1, max: 50 })),
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
          } else if ('wait' in action) {
            nowMs += action.wait
            await home.pass(action.wait)
          } else assert.equal(await kv.get(action.get), alive(action.get))
        }
      })
      await fc.assert(property, { numRuns: home.runs })
    })
  })
}
