import { query, XrpcError } from '#protocol/xrpc'
import { eventView } from '../decisions/index.ts'
import type { Moderation } from '../parts.ts'
import { getEventSchema } from './ozone.ts'

/** One event. Its subject is named, not shown: what it holds is its host's. Errors: NotFound. */
export const getEvent = ({ callers, records }: Pick<Moderation, 'callers' | 'records'>) =>
  query(getEventSchema, {
    auth: callers.moderator,
    async handle({ params }) {
      const row = await records.event(params.id)
      if (row === undefined) throw new XrpcError(404, 'NotFound', 'No such event')
      const { id, event, createdBy, createdAt } = eventView(row)
      const subject = row.key.startsWith('did:')
        ? { $type: 'tools.ozone.moderation.defs#repoViewNotFound', did: row.did }
        : { $type: 'tools.ozone.moderation.defs#recordViewNotFound', uri: row.key }
      return { id, event, createdBy, createdAt, subject: subject as never, subjectBlobs: [] }
    },
  })
