import { ComAtprotoAdminDisableAccountInvites } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { requireNote } from './invite-note.ts'

/** The account's earned invite codes are stopped as they are made. Errors: NotFound. */
export const disableAccountInvites = ({ accounts, callers }: Pick<Pds, 'accounts' | 'callers'>) =>
  procedure(ComAtprotoAdminDisableAccountInvites.mainSchema, {
    auth: callers.operator('care'),
    async handle({ input }) {
      const { did } = await requireAccount(accounts, input.account)
      await accounts.setInvitesDisabled(did, true, requireNote(input.note))
    },
  })
