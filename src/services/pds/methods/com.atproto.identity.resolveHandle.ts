import { ComAtprotoIdentityResolveHandle } from '@atcute/atproto'
import { LOCAL_HANDLE_HEADER } from '#protocol/identity'
import { parseHandle } from '#protocol/syntax'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { findHandle } from './find-identity.ts'

/** The DID of a handle, of ours or of anybody's. Errors: HandleNotFound. */
export const resolveHandle = (pds: Pick<Pds, 'accounts' | 'directory' | 'handles'>) =>
  query(ComAtprotoIdentityResolveHandle.mainSchema, {
    auth: noAuth,
    async handle({ params, request }) {
      const handle = parseHandle(params.handle)
      // A host that asks for a local handle wants our own accounts only: no host asks in a circle.
      const ownOnly = request.headers[LOCAL_HANDLE_HEADER] !== undefined
      return { did: await findHandle(pds, handle, { ownOnly }) }
    },
  })
