import type { SuspensionView } from '#protocol/account'
import type { Suspension } from '../takedowns/index.ts'

/** A suspension as operators see it. */
export const suspensionView = ({ did, sinceMs, untilMs, ref }: Suspension): SuspensionView => ({
  did,
  since: new Date(sinceMs).toISOString(),
  ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
  ...(ref !== undefined && { ref }),
})
