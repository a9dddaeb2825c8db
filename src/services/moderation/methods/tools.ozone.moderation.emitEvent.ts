import { invalidRequest, procedure, XrpcError } from '#protocol/xrpc'
import { eventView, type LedgerEvent, readSubject } from '../decisions/index.ts'
import type { Moderation } from '../parts.ts'
import { emitEventSchema } from './ozone.ts'

const BLOBS_MAX = 50
const COMMENT_LENGTH_MAX = 10_000

/** A decision: appended, and its labels and takedown set off. Errors: DuplicateExternalId. */
export const emitEvent = ({ callers, ledger }: Pick<Moderation, 'callers' | 'ledger'>) =>
  procedure(emitEventSchema, {
    auth: callers.moderator,
    limits: { bodyBytes: 65_536 },
    async handle({ input, caller }) {
      const { createdBy: by, subjectBlobCids: blobCids = [], externalId } = input
      if (caller.did !== undefined && caller.did !== by)
        throw new XrpcError(403, 'Forbidden', 'createdBy is not the caller')
      if (blobCids.length > BLOBS_MAX) throw invalidRequest(`At most ${BLOBS_MAX} blobs`)
      const event = input.event as LedgerEvent
      if (event.$type.endsWith('#modEventReport'))
        throw invalidRequest('Reports are made with com.atproto.moderation.createReport')
      if ((event.comment?.length ?? 0) > COMMENT_LENGTH_MAX)
        throw invalidRequest(`A comment has at most ${COMMENT_LENGTH_MAX} characters`)
      const subject = readSubject(input.subject)
      return eventView(await ledger.append({ subject, event, by, blobCids, externalId }))
    },
  })
