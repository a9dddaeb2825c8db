import type { ToolsOzoneModerationDefs } from '@atcute/ozone'
import type { Did } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import { isAppeal } from './reasons.ts'
import { subjectRef } from './subject.ts'

export type ReviewState = 'none' | 'open' | 'escalated' | 'closed'

export interface SubjectRow {
  id: number
  key: string
  did: Did
  collection: string | null
  cid: string | null
  review_state: ReviewState
  takendown: number
  takedown_event: number | null
  blob_cids: string
  suspend_until_ms: number | null
  carried_out: 'waiting' | 'done' | 'label' | 'failed' | null
  appealed: number
  comment: string | null
  reports: number
  /** 0: never. */
  last_reported_ms: number
  last_reviewed_ms: number
  last_reviewed_by: string | null
  last_appealed_ms: number | null
  created_ms: number
  updated_ms: number
}

/** Columns that an event changes. */
export type StatusChange = Partial<Omit<SubjectRow, 'id' | 'key' | 'did' | 'collection'>>

export interface Happening {
  /** The lexicon's event, `$type` included. */
  event: {
    $type: string
    comment?: string
    sticky?: boolean
    reportType?: string
    durationInHours?: number
  }
  eventId: number
  blobCids: readonly string[]
  by: string
  nowMs: number
}

const HOUR_MS = 3_600_000

/**
 * What an event does to where its subject stands. Throws InvalidRequest for one that makes no
 * sense now: taking down twice, reversing nothing, resolving an appeal nobody made.
 */
export function statusAfter(row: SubjectRow, happening: Happening): StatusChange {
  const { event, eventId, blobCids, by, nowMs } = happening
  const reviewed = { last_reviewed_ms: nowMs, last_reviewed_by: by }
  switch (eventName(event.$type)) {
    case 'modEventReport':
      return statusAfterReport(row, event.reportType ?? '', nowMs)
    case 'modEventComment':
      return event.sticky ? { comment: event.comment ?? null } : {}
    case 'modEventAcknowledge':
      return { ...reviewed, review_state: 'closed' }
    case 'modEventEscalate':
      return { ...reviewed, review_state: 'escalated' }
    case 'modEventLabel':
      return reviewed
    case 'modEventTakedown': {
      if (row.takendown) throw invalidRequest('Subject is already taken down')
      const until = event.durationInHours ? nowMs + event.durationInHours * HOUR_MS : null
      const down = { takendown: 1, takedown_event: eventId, suspend_until_ms: until }
      const blob_cids = JSON.stringify(blobCids)
      return { ...reviewed, ...down, blob_cids, carried_out: 'waiting', review_state: 'closed' }
    }
    case 'modEventReverseTakedown': {
      if (!row.takendown) throw invalidRequest('Subject is not taken down')
      const up = { takendown: 0, takedown_event: null, suspend_until_ms: null }
      return { ...reviewed, ...up, carried_out: 'waiting', review_state: 'closed' }
    }
    case 'modEventResolveAppeal':
      if (!row.appealed) throw invalidRequest('Nobody appealed')
      return { ...reviewed, appealed: 0, review_state: 'closed' }
    default:
      throw invalidRequest(`Events of this type are not taken here: ${event.$type}`)
  }
}

function statusAfterReport(row: SubjectRow, reason: string, nowMs: number): StatusChange {
  const reported = { reports: row.reports + 1, last_reported_ms: nowMs }
  if (isAppeal(reason))
    return { ...reported, appealed: 1, last_appealed_ms: nowMs, review_state: 'escalated' }
  return row.review_state === 'escalated' ? reported : { ...reported, review_state: 'open' }
}

/** `modEventLabel` of `tools.ozone.moderation.defs#modEventLabel`. */
export function eventName(type: string): string {
  return type.slice(type.indexOf('#') + 1)
}

const REVIEW_STATES = {
  none: 'tools.ozone.moderation.defs#reviewNone',
  open: 'tools.ozone.moderation.defs#reviewOpen',
  escalated: 'tools.ozone.moderation.defs#reviewEscalated',
  closed: 'tools.ozone.moderation.defs#reviewClosed',
} as const

/** The column's word for a lexicon's review state; undefined for one we do not have. */
export function reviewStateOf(name: string): ReviewState | undefined {
  const entry = Object.entries(REVIEW_STATES).find(([, type]) => type === name)
  return entry?.[0] as ReviewState | undefined
}

/** `tools.ozone.moderation.defs#subjectStatusView`. */
export function subjectStatus(row: SubjectRow): ToolsOzoneModerationDefs.SubjectStatusView {
  const blobCids = JSON.parse(row.blob_cids) as string[]
  return {
    id: row.id,
    subject: subjectRef(row) as never,
    subjectBlobCids: blobCids,
    createdAt: time(row.created_ms),
    updatedAt: time(row.updated_ms),
    reviewState: REVIEW_STATES[row.review_state],
    takendown: row.takendown === 1,
    appealed: row.last_appealed_ms === null ? undefined : row.appealed === 1,
    comment: row.comment ?? undefined,
    lastReportedAt: optionalTime(row.last_reported_ms),
    lastReviewedAt: optionalTime(row.last_reviewed_ms),
    lastReviewedBy: (row.last_reviewed_by ?? undefined) as Did | undefined,
    lastAppealedAt: optionalTime(row.last_appealed_ms),
    suspendUntil: optionalTime(row.suspend_until_ms),
    tags: [],
  }
}

export function time(ms: number): string {
  return new Date(ms).toISOString()
}

function optionalTime(ms: number | null): string | undefined {
  return ms ? time(ms) : undefined
}
