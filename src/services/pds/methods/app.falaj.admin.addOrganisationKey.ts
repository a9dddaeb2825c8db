import { addOrganisationKey as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import { tellOwnerOfOperator } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'

/**
 * Puts the organisation's key into an account's identity, above the host's, and tells its owner.
 * Errors: NotFound, NoOrganisationKey, TooManyKeys, PlcRefused; UpstreamError.
 */
export const addOrganisationKey = ({
  accounts,
  callers,
  mail,
  recoveryKeys,
}: Pick<Pds, 'accounts' | 'callers' | 'mail' | 'recoveryKeys'>) =>
  procedure(schema, {
    auth: callers.admin,
    async handle({ input }) {
      const account = await requireAccount(accounts, input.did)
      const { did } = account
      const added = await recoveryKeys.addOrganisation(did)
      if (added) await tellOwnerOfOperator({ mail }, account, 'notice-operator-key')
      return { did, added }
    },
  })
