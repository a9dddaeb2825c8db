import { ComAtprotoServerCheckAccountStatus } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { identityOf } from '#protocol/identity'
import { query } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

type Parts = Pick<Pds, 'callers' | 'directory' | 'files' | 'host'>

/** What is here of an account: for its owner before and after a move. */
export const checkAccountStatus = (pds: Parts) =>
  query(ComAtprotoServerCheckAccountStatus.mainSchema, {
    auth: pds.callers.account({ deactivated: true }),
    async handle({ caller: { account } }) {
      const file = pds.files.open(account.did, account.generation)
      const head = file.head()
      const counts = file.counts()
      return {
        activated: account.status === 'active',
        validDid: await isIdentityHere(pds, account),
        repoCommit: head ? cidText(head.commit) : '',
        repoRev: head?.rev ?? '',
        repoBlocks: counts.records + counts.nodes + 1,
        indexedRecords: counts.records,
        privateStateValues: file.preferences() ? 1 : 0,
        expectedBlobs: counts.expectedBlobs,
        importedBlobs: counts.importedBlobs,
      }
    },
  })

async function isIdentityHere({ directory, host }: Parts, account: Account): Promise<boolean> {
  const document = await directory.document(account.did, { fresh: true }).catch(() => undefined)
  if (!document) return false
  const { pds, signingKey } = identityOf(document)
  return pds === host.publicUrl && signingKey === account.signingKey.publicKey.didKey
}
