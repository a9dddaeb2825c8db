import { ComAtprotoSyncGetCheckout } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireReadable } from './open-repo.ts'

/** A whole repository as a CAR; deprecated for getRepo. */
export const getCheckout = ({
  accounts,
  callers,
  exports,
}: Pick<Pds, 'accounts' | 'callers' | 'exports'>) =>
  query(ComAtprotoSyncGetCheckout.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller, request }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const body = await exports.repo(account, { signal: request.signal })
      return { encoding: 'application/vnd.ipld.car', body }
    },
  })
