/** The parts of a moderation service, as methods pick them. Types only: `index.ts` builds them. */
import type { Stream } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { Callers } from './auth/callers.ts'
import type { Ledger, Records } from './decisions/index.ts'
import type { Declaration } from './declaration.ts'
import type { Labels } from './labels/index.ts'
import type { MyStatus } from './my-status.ts'
import type { Reports } from './reports.ts'

export interface Moderation {
  did: Did
  callers: Callers
  declaration: Declaration
  labels: Labels
  ledger: Ledger
  myStatus: MyStatus
  records: Records
  reports: Reports
  /** Published labels; the payload of an entry is its frame. */
  stream: Stream
}
