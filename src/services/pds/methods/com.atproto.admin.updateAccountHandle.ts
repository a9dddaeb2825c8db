import { ComAtprotoAdminUpdateAccountHandle } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'

type Parts = Pick<Pds, 'accounts' | 'callers' | 'directory' | 'handles' | 'standing'>

/**
 * Gives an account another handle, also one that is kept back from sign-ups. Errors: NotFound,
 * InvalidHandle, HandleNotAvailable, PlcRefused.
 */
export const updateAccountHandle = (pds: Parts) =>
  procedure(ComAtprotoAdminUpdateAccountHandle.mainSchema, {
    auth: pds.callers.admin,
    async handle({ input }) {
      const account = await requireAccount(pds.accounts, input.did)
      const handle = await pds.handles.requireFor(account.did, input.handle, { reserved: true })
      await pds.standing.rename(account, handle)
      pds.directory.forget(account.did)
    },
  })
