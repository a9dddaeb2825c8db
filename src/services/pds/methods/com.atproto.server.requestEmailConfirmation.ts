import { ComAtprotoServerRequestEmailConfirmation } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { mailCode } from './mail-code.ts'

/** Mails the owner a code that proves that the address is theirs. */
export const requestEmailConfirmation = (pds: Pick<Pds, 'callers' | 'codes' | 'mail'>) =>
  procedure(ComAtprotoServerRequestEmailConfirmation.mainSchema, {
    auth: pds.callers.account({
      deactivated: true,
      app: (permissions) => permissions.requireAccount('email', 'manage'),
    }),
    handle: ({ caller, request }) => mailCode(pds, caller.account, 'confirm-email', request),
  })
