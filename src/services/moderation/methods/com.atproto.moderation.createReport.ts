import { ComAtprotoModerationCreateReport } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { readSubject, time } from '../decisions/index.ts'
import type { Moderation } from '../parts.ts'

/** A report by an account, or its author's appeal. Errors: Forbidden, RateLimitExceeded. */
export const createReport = ({ callers, reports }: Pick<Moderation, 'callers' | 'reports'>) =>
  procedure(ComAtprotoModerationCreateReport.mainSchema, {
    auth: callers.account,
    limits: { bodyBytes: 65_536 },
    async handle({ input, caller }) {
      const { reasonType, reason, subject } = input
      const report = { subject: readSubject(subject), reasonType, reason, by: caller }
      const { id, created_ms } = await reports.add(report)
      const createdAt = time(created_ms)
      return { id, createdAt, reasonType, reason, reportedBy: caller, subject }
    },
  })
