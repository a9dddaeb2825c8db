/** Every method a moderation service answers, in NSID order. */
import type { Method } from '#protocol/xrpc'
import { getMyStatus } from './methods/app.falaj.moderation.getMyStatus.ts'
import { queryLabels } from './methods/com.atproto.label.queryLabels.ts'
import { subscribeLabels } from './methods/com.atproto.label.subscribeLabels.ts'
import { createReport } from './methods/com.atproto.moderation.createReport.ts'
import { getRecord } from './methods/com.atproto.repo.getRecord.ts'
import { emitEvent } from './methods/tools.ozone.moderation.emitEvent.ts'
import { getEvent } from './methods/tools.ozone.moderation.getEvent.ts'
import { queryEvents } from './methods/tools.ozone.moderation.queryEvents.ts'
import { queryStatuses } from './methods/tools.ozone.moderation.queryStatuses.ts'
import type { Moderation } from './parts.ts'

export function methods(parts: Moderation): Method[] {
  return [
    getMyStatus(parts),
    queryLabels(parts),
    subscribeLabels(parts),
    createReport(parts),
    getRecord(parts),
    emitEvent(parts),
    getEvent(parts),
    queryEvents(parts),
    queryStatuses(parts),
  ]
}
