import { ComAtprotoAdminUpdateAccountSigningKey } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'

type Parts = Pick<Pds, 'accounts' | 'callers' | 'directory' | 'keyChanges' | 'keys'>

/**
 * Lets an account's commits be signed by another key, one that this host keeps
 * (`reserveSigningKey`): put into its identity, then used. Errors: NotFound, InvalidRequest,
 * PlcRefused.
 */
export const updateAccountSigningKey = (pds: Parts) =>
  procedure(ComAtprotoAdminUpdateAccountSigningKey.mainSchema, {
    auth: pds.callers.admin,
    async handle({ input }) {
      const account = await requireAccount(pds.accounts, input.did)
      const didKey: string = input.signingKey
      if (account.signingKey.publicKey.didKey === didKey) return
      const key = await pds.keys.held(account.did, didKey)
      if (!key) throw invalidRequest('The host does not keep this key: reserve one here first')
      await pds.keyChanges.change(account, key)
      await pds.keys.drop(account.did, key)
      pds.directory.forget(account.did)
    },
  })
