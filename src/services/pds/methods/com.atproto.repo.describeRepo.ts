import { ComAtprotoRepoDescribeRepo } from '@atcute/atproto'
import { identityOf } from '#protocol/identity'
import type { Nsid } from '#protocol/syntax'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { withRepo } from './open-repo.ts'

/** Identity and collections of one repository. */
export const describeRepo = (pds: Pick<Pds, 'accounts' | 'files' | 'directory'>) =>
  query(ComAtprotoRepoDescribeRepo.mainSchema, {
    auth: noAuth,
    handle: ({ params }) =>
      withRepo(pds, params.repo, async ({ account, file }) => {
        const didDoc = await pds.directory.document(account.did)
        if (!didDoc) throw new XrpcError(400, 'DidNotFound', `Could not resolve ${account.did}`)
        return {
          did: account.did,
          handle: account.handle,
          didDoc: didDoc as unknown as Record<string, unknown>,
          collections: file.collections() as Nsid[],
          handleIsCorrect: identityOf(didDoc).handle === account.handle,
        }
      }),
  })
