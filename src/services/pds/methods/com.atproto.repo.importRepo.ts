import { ComAtprotoRepoImportRepo } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { importRates } from '../rates.ts'

/** No size cliff: the body is a stream, read in bounded memory. */
const BODY_BYTES_MAX = 64 * 1024 ** 3

/** Replaces a deactivated account's repository by a verified one. Errors: InvalidRequest, InvalidRepo. */
export const importRepo = ({ imports, callers }: Pick<Pds, 'imports' | 'callers'>) =>
  procedure(ComAtprotoRepoImportRepo.mainSchema, {
    auth: callers.account({
      deactivated: true,
      least: 'full',
      app: (permissions) => permissions.requireAccount('repo', 'manage'),
    }),
    limits: { bodyBytes: BODY_BYTES_MAX, rates: importRates },
    handle: ({ input, caller: { account } }) => imports.run(account, input.body),
  })
