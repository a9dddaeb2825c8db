import { ComAtprotoAdminEnableAccountInvites } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { requireNote } from './invite-note.ts'

/** The account earns good invite codes again; those that were stopped stay so. Errors: NotFound. */
export const enableAccountInvites = ({ accounts, callers }: Pick<Pds, 'accounts' | 'callers'>) =>
  procedure(ComAtprotoAdminEnableAccountInvites.mainSchema, {
    auth: callers.operator('care'),
    async handle({ input }) {
      const { did } = await requireAccount(accounts, input.account)
      await accounts.setInvitesDisabled(did, false, requireNote(input.note))
    },
  })
