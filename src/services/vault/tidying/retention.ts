/** Which instants stay. */

const DAY_MS = 86_400_000

/** What an operator wants kept. */
export interface Policy {
  /** Every instant stays so long. */
  windowDays: number
  /** Beyond that, the last one of so many days each, */
  snapshotEveryDays: number
  /** for so long. */
  snapshotDays: number
}

/**
 * The revs that may go, of instants in order. The newest stays whatever its age, and so does the one
 * that was the state when the window began: any moment in the window has its answer.
 */
export function expired<K>(
  instants: readonly { rev: K; timeMs: number }[],
  { windowDays, snapshotEveryDays, snapshotDays }: Policy,
  nowMs: number,
): K[] {
  const windowMs = nowMs - windowDays * DAY_MS
  const snapshotsMs = windowMs - snapshotDays * DAY_MS
  const periodOf = (timeMs: number) => Math.floor(timeMs / (snapshotEveryDays * DAY_MS))
  return instants.flatMap(({ rev, timeMs }, at) => {
    const next = instants[at + 1]
    if (next === undefined || timeMs >= windowMs || next.timeMs > windowMs) return []
    const isLastOfPeriod = periodOf(next.timeMs) !== periodOf(timeMs)
    return isLastOfPeriod && timeMs >= snapshotsMs ? [] : [rev]
  })
}
