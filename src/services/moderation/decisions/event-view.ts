import type { ToolsOzoneModerationDefs } from '@atcute/ozone'
import type { Did } from '#protocol/syntax'
import { time } from './status.ts'
import { subjectRef } from './subject.ts'

/** An event with its subject, as it is stored. */
export interface EventRow {
  id: number
  key: string
  did: string
  cid: string | null
  type: string
  body: string
  blob_cids: string
  created_by: string
  created_ms: number
}

/** `tools.ozone.moderation.defs#modEventView`. */
export function eventView(row: EventRow): ToolsOzoneModerationDefs.ModEventView {
  return {
    id: row.id,
    event: JSON.parse(row.body),
    subject: subjectRef(row) as never,
    subjectBlobCids: JSON.parse(row.blob_cids),
    createdBy: row.created_by as Did,
    createdAt: time(row.created_ms),
  }
}
