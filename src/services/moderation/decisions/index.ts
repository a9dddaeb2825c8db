export { type EventRow, eventView } from './event-view.ts'
export { type Decision, Ledger, type LedgerEvent } from './ledger.ts'
export { isAppeal, isReason, REASON_APPEAL } from './reasons.ts'
export { type EventFilter, Records, type StatusFilter } from './records.ts'
export {
  type ReviewState,
  reviewStateOf,
  type SubjectRow,
  subjectStatus,
  time,
} from './status.ts'
export { parseSubject, readSubject, type Subject, type SubjectRef, subjectRef } from './subject.ts'
