import { ComAtprotoAdminGetSubjectStatus } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import type { AtUri } from '#protocol/syntax'
import { invalidRequest, query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { type AdminSubject, readAdminSubject } from './admin-subject.ts'

/** Whether a subject is taken down, or an account deactivated. Errors: NotFound. */
export const getSubjectStatus = (pds: Pick<Pds, 'accounts' | 'callers' | 'files' | 'takedowns'>) =>
  query(ComAtprotoAdminGetSubjectStatus.mainSchema, {
    auth: pds.callers.operator('look'),
    async handle({ params: { did, uri, blob } }) {
      const subject = subjectOf({ did, uri, blob })
      const { account, key, isAccount } = await readAdminSubject(pds, subject)
      const down = pds.takedowns.get(key)
      // Of an account its standing counts: a crash may leave the row of a takedown that never was.
      const applied = isAccount ? account.status === 'takendown' : down !== undefined
      const takedown = { applied, ...(applied && down?.ref && { ref: down.ref }) }
      const deactivated = { applied: account.status === 'deactivated' }
      return {
        subject: named(pds, account, subject) as never,
        takedown,
        ...(isAccount && { deactivated }),
      }
    },
  })

function subjectOf(params: {
  did?: string | undefined
  uri?: string | undefined
  blob?: string | undefined
}): AdminSubject {
  const { did, uri, blob } = params
  if (blob !== undefined) {
    if (did === undefined) throw invalidRequest('A blob is named with the DID of its account')
    return { $type: 'com.atproto.admin.defs#repoBlobRef', did, cid: blob }
  }
  if (uri !== undefined) return { $type: 'com.atproto.repo.strongRef', uri }
  if (did !== undefined) return { $type: 'com.atproto.admin.defs#repoRef', did }
  throw invalidRequest('Name a did, a uri or a blob')
}

/** A record is answered with the version that is here. */
function named(
  { files }: Pick<Pds, 'files'>,
  account: { did: string; generation: number },
  subject: AdminSubject,
): unknown {
  if (subject.uri === undefined) return subject
  const path = (subject.uri as AtUri).split('/').slice(3).join('/')
  const record = files.open(account.did as never, account.generation).record(path)
  if (!record) throw new XrpcError(400, 'NotFound', 'Subject not found')
  return { ...subject, cid: cidText(record.cid) }
}
