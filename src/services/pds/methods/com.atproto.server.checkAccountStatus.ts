import { ComAtprotoServerCheckAccountStatus } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { query } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { type IdentityParts, requireIdentityHere } from './identity-here.ts'

type Parts = IdentityParts & Pick<Pds, 'callers' | 'files'>

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

const isIdentityHere = (pds: Parts, account: Account): Promise<boolean> =>
  requireIdentityHere(pds, account).then(
    () => true,
    () => false,
  )
