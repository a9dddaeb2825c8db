import type { IndexRebuild } from '#protocol/account'
import { formatDatetime } from '#protocol/syntax'
import type { RebuildStatus } from './rebuild.ts'

/** `app.falaj.appview.getRebuild#status`. */
export function rebuildView(status: RebuildStatus): IndexRebuild {
  const { isRunning, startedMs, isListed, left, failing, behind } = status
  if (startedMs === undefined) return { running: isRunning }
  const startedAt = formatDatetime(startedMs)
  if (left === undefined) return { running: isRunning, startedAt }
  return { running: isRunning, startedAt, listed: isListed, left, failing, behind }
}
