/** How often one DID may change. */
import type { PlcConfig } from './config.ts'
import { Problem } from './problem.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
export const WEEK_MS = 7 * DAY_MS

/**
 * Throws a 429 when one more operation would be too many. `createdMs` are the times of the DID's
 * operations in force, newest first, at least the newest `weeklyOperations` of them.
 */
export function assertMayChange(
  createdMs: readonly number[],
  nowMs: number,
  config: PlcConfig,
): void {
  const windows = [
    { word: 'hour', ms: HOUR_MS, most: config.hourlyOperations },
    { word: 'day', ms: DAY_MS, most: config.dailyOperations },
    { word: 'week', ms: WEEK_MS, most: config.weeklyOperations },
  ]
  for (const { word, ms, most } of windows) {
    const oldest = createdMs[most - 1]
    if (oldest === undefined || oldest <= nowMs - ms) continue
    const retryAfter = String(Math.ceil((oldest + ms - nowMs) / 1000))
    const message = `Too many operations within the last ${word} (at most ${most})`
    throw new Problem(429, message, { 'retry-after': retryAfter })
  }
}
