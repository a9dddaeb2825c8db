import { ComAtprotoRepoImportRepo } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { importRates } from '../rates.ts'

/** Replaces a deactivated account's repository by a verified one. Errors: InvalidRequest, InvalidRepo. */
export const importRepo = ({ imports, callers, host }: Pick<Pds, 'imports' | 'callers' | 'host'>) =>
  procedure(ComAtprotoRepoImportRepo.mainSchema, {
    auth: callers.account({
      deactivated: true,
      least: 'full',
      app: (permissions) => permissions.requireAccount('repo', 'manage'),
    }),
    limits: { bodyBytes: host.imports.bytesMax, rates: importRates },
    handle: ({ input, caller: { account } }) => {
      if (!host.imports.accepted) throw invalidRequest('This host takes in no repositories')
      return imports.run(account, input.body)
    },
  })
