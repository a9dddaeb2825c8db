import { ComAtprotoIdentityResolveIdentity } from '@atcute/atproto'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { findIdentity } from './find-identity.ts'

/** Who a handle or DID is, both directions checked. Errors: HandleNotFound, DidNotFound, DidDeactivated. */
export const resolveIdentity = (pds: Pick<Pds, 'accounts' | 'directory' | 'handles' | 'plc'>) =>
  query(ComAtprotoIdentityResolveIdentity.mainSchema, {
    auth: noAuth,
    handle: ({ params: { identifier } }) => findIdentity(pds, identifier),
  })
