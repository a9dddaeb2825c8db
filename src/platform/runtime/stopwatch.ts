/**
 * Measuring a while where being wrong to one side does harm. Clocks of a machine are set forwards
 * and back, and its steady one stands still while the machine sleeps.
 */
import { performance } from 'node:perf_hooks'

/** Begins to measure; asked later, says how many milliseconds have gone by. */
export type Stopwatch = () => () => number

/**
 * Never shows less than has gone by: the time of day goes on while the machine sleeps, the steady
 * clock while the time of day is set back, and a time of day that was set forwards counts as gone.
 */
export const eagerStopwatch: Stopwatch = () => {
  const began = performance.now()
  const beganWall = Date.now()
  return () => Math.max(performance.now() - began, Date.now() - beganWall)
}

/** Never shows more than has gone by: what the machine slept may be missing. */
export const lazyStopwatch: Stopwatch = () => {
  const began = performance.now()
  return () => performance.now() - began
}
