import { ComAtprotoAdminUpdateAccountHandle } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { changeHandle, type RenamingParts } from './change-handle.ts'

type Parts = RenamingParts & Pick<Pds, 'accounts' | 'callers'>

/**
 * Gives an account another handle, also one that is kept back from sign-ups. Errors: NotFound,
 * InvalidHandle, HandleNotAvailable, InvalidRequest, PlcRefused.
 */
export const updateAccountHandle = (pds: Parts) =>
  procedure(ComAtprotoAdminUpdateAccountHandle.mainSchema, {
    auth: pds.callers.admin,
    async handle({ input }) {
      const account = await requireAccount(pds.accounts, input.did)
      await changeHandle(pds, account, input.handle, { reserved: true })
    },
  })
