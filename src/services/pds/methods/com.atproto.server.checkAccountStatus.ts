import { ComAtprotoServerCheckAccountStatus } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { query } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'
import { type IdentityParts, requireIdentityHere } from './identity-here.ts'

type Parts = IdentityParts & Pick<Pds, 'callers' | 'exports' | 'files'>

/** What is here of an account: for its owner before and after a move. */
export const checkAccountStatus = (pds: Parts) =>
  query(ComAtprotoServerCheckAccountStatus.mainSchema, {
    auth: pds.callers.account({ deactivated: true, app: anyApp }),
    async handle({ caller: { account } }) {
      const counts = await pds.exports.counts(account)
      const file = pds.files.open(account.did, account.generation)
      return {
        activated: account.status === 'active',
        validDid: await isIdentityHere(pds, account),
        repoCommit: cidText(counts.head.commit),
        repoRev: counts.head.rev,
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
