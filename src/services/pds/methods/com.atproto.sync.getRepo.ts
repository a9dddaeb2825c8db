import { ComAtprotoSyncGetRepo } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireReadable } from './open-repo.ts'

/** A repository as a CAR, streamed in tree order; with `since`, what changed after that rev. */
export const getRepo = ({
  accounts,
  callers,
  exports,
}: Pick<Pds, 'accounts' | 'callers' | 'exports'>) =>
  query(ComAtprotoSyncGetRepo.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller, request }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const body = await exports.repo(account, { since: params.since, signal: request.signal })
      return { encoding: 'application/vnd.ipld.car', body }
    },
  })
