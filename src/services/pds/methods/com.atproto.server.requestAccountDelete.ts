import { ComAtprotoServerRequestAccountDelete } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { mailCode } from './mail-code.ts'

/** Mails the owner a code that allows the deletion of the account. */
export const requestAccountDelete = (pds: Pick<Pds, 'callers' | 'codes' | 'mail'>) =>
  procedure(ComAtprotoServerRequestAccountDelete.mainSchema, {
    auth: pds.callers.account({ deactivated: true, least: 'full' }),
    handle: ({ caller, request }) => mailCode(pds, caller.account, 'delete-account', request),
  })
