import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eagerStopwatch, lazyStopwatch } from './stopwatch.ts'

test('the eager one shows at least what the lazy one does, and both only rise', () => {
  const lazy = lazyStopwatch()
  const eager = eagerStopwatch()
  const inside = lazyStopwatch()
  let before = 0
  for (let i = 0; i < 200; i++) {
    const least = inside()
    const shown = eager()
    assert.ok(shown >= least, `${shown} ≥ ${least}`)
    assert.ok(shown >= before)
    before = shown
  }
  assert.ok(lazy() > 0)
})

test('setting the clock back takes nothing away, setting it forwards counts', (t) => {
  const wall = Date.now()
  let jumpMs = 0
  t.mock.method(Date, 'now', () => wall + jumpMs)
  const [eager, lazy] = [eagerStopwatch(), lazyStopwatch()]
  jumpMs = -3_600_000
  assert.ok(eager() >= 0)
  jumpMs = 3_600_000
  assert.ok(eager() >= 3_600_000)
  assert.ok(lazy() < 3_600_000)
})
