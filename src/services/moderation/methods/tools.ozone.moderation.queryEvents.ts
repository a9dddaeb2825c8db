import { query } from '#protocol/xrpc'
import { eventView } from '../decisions/index.ts'
import type { Moderation } from '../parts.ts'
import { queryEventsSchema } from './ozone.ts'
import { refuseOthers } from './supported-params.ts'

const SUPPORTED = 'subject includeAllUserRecords types createdBy sortDirection limit cursor'.split(
  ' ',
)

/** The history of everything, of a subject, or of an account with its records. */
export const queryEvents = ({ callers, records }: Pick<Moderation, 'callers' | 'records'>) =>
  query(queryEventsSchema, {
    auth: callers.moderator,
    async handle({ params }) {
      refuseOthers(params, SUPPORTED)
      const { subject, types, createdBy, limit, cursor } = params
      const { rows, cursor: next } = await records.events({
        subject,
        allOfAccount: params.includeAllUserRecords,
        types: types?.map((type) => type.slice(type.indexOf('#') + 1)),
        createdBy,
        ascending: params.sortDirection === 'asc',
        limit,
        cursor,
      })
      return { events: rows.map(eventView), cursor: next }
    },
  })
