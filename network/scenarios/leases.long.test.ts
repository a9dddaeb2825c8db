import { test } from 'node:test'
import { leaseRows, play, playSchedules } from '../simulation/lease-rows.ts'

for (const [title, steps] of leaseRows) test(title, () => play(steps))

test('in three hundred schedules never two hosts may write, and epochs only rise', () =>
  playSchedules(300))
