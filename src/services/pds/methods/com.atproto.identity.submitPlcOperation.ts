import { ComAtprotoIdentitySubmitPlcOperation } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Submits a signed operation that makes, or keeps, this host the account's host. */
export const submitPlcOperation = ({
  callers,
  directory,
  plc,
  standing,
}: Pick<Pds, 'callers' | 'directory' | 'plc' | 'standing'>) =>
  procedure(ComAtprotoIdentitySubmitPlcOperation.mainSchema, {
    auth: callers.account({
      deactivated: true,
      least: 'full',
      app: (permissions) => permissions.requireIdentity('*'),
    }),
    limits: { rates: identityRates },
    async handle({ input, caller: { account } }) {
      const operation = plc.requireOurs(input.operation, account)
      await plc.submit(account.did, operation)
      directory.forget(account.did)
      if (account.status === 'active') await standing.announceIdentity(account.did, account.handle)
    },
  })
