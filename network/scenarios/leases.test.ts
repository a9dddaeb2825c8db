import { test } from 'node:test'
import { leaseRows, play, playSchedules } from '../simulation/lease-rows.ts'

/** A telling selection; leases.long.test.ts plays all. */
const TELLING = /stands still|was killed|data are older|starts again|without a witness/

for (const [title, steps] of leaseRows.filter(([title]) => TELLING.test(title))) {
  test(title, () => play(steps))
}

test('in any schedule never two hosts may write, and epochs only rise', () => playSchedules(4))
