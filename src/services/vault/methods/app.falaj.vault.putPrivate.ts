import { putVaultPrivate as schema } from '#protocol/account'
import { invalidRequest, procedure } from '#protocol/xrpc'
import { PRIVATE_BYTES_MAX } from '../kept/index.ts'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** Keeps the private state that the owner of an account brings. */
export const putPrivate = ({
  accounts,
  callers,
  privateStates,
}: Pick<Vault, 'accounts' | 'callers' | 'privateStates'>) =>
  procedure(schema, {
    auth: callers.owner,
    limits: { bodyBytes: PRIVATE_BYTES_MAX },
    async handle({ input, caller: did }) {
      if (input.did !== did) throw invalidRequest('This is the state of another account')
      const account = await requireKept(accounts, { did }, did)
      const sealer = await accounts.sealer(account)
      return { changed: await privateStates.put(account, sealer, input) }
    },
  })
