import { invalidRequest, query } from '#protocol/xrpc'
import { reviewStateOf, subjectStatus } from '../decisions/index.ts'
import type { Moderation } from '../parts.ts'
import { queryStatusesSchema } from './ozone.ts'
import { refuseOthers } from './supported-params.ts'

const SUPPORTED = [
  ...['subject', 'includeAllUserRecords', 'subjectType', 'collections', 'reviewState', 'appealed'],
  ...['takendown', 'lastReviewedBy', 'sortField', 'sortDirection', 'limit', 'cursor'],
  // Nothing is ever muted here, so these change nothing.
  'includeMuted',
]

/** The queue: where subjects stand. */
export const queryStatuses = ({ callers, records }: Pick<Moderation, 'callers' | 'records'>) =>
  query(queryStatusesSchema, {
    auth: callers.moderator,
    async handle({ params }) {
      refuseOthers(params, SUPPORTED)
      const { sortField } = params
      if (sortField !== 'lastReportedAt' && sortField !== 'lastReviewedAt')
        throw invalidRequest(`Not sorted by ${sortField} here`)
      const state = params.reviewState
      const reviewState = state === undefined ? undefined : reviewStateOf(state)
      if (state !== undefined && reviewState === undefined)
        throw invalidRequest(`Unknown review state: ${state.slice(0, 100)}`)
      const { rows, cursor } = await records.statuses({
        ...params,
        allOfAccount: params.includeAllUserRecords,
        reviewState,
        sortField,
        ascending: params.sortDirection === 'asc',
      })
      return { subjectStatuses: rows.map(subjectStatus), cursor }
    },
  })
