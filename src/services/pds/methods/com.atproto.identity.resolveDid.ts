import { ComAtprotoIdentityResolveDid } from '@atcute/atproto'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { findDocument } from './find-identity.ts'

/** The current document of a DID. Errors: DidNotFound, DidDeactivated. */
export const resolveDid = (pds: Pick<Pds, 'directory' | 'plc'>) =>
  query(ComAtprotoIdentityResolveDid.mainSchema, {
    auth: noAuth,
    async handle({ params: { did } }) {
      return { didDoc: { ...(await findDocument(pds, did)) } }
    },
  })
