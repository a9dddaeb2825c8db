import { ComAtprotoIdentityRefreshIdentity } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'
import { findIdentity } from './find-identity.ts'

/**
 * Asks anew who a handle or DID is, whatever is remembered; for people of this host, as each call
 * goes out to others. Errors: HandleNotFound, DidNotFound, DidDeactivated.
 */
export const refreshIdentity = (
  pds: Pick<Pds, 'accounts' | 'callers' | 'directory' | 'handles' | 'plc'>,
) =>
  procedure(ComAtprotoIdentityRefreshIdentity.mainSchema, {
    auth: pds.callers.account({ deactivated: true, app: anyApp }),
    limits: { bodyBytes: 4_096 },
    handle: ({ input: { identifier } }) => findIdentity(pds, identifier, { fresh: true }),
  })
