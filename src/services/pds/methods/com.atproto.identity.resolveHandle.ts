import { ComAtprotoIdentityResolveHandle } from '@atcute/atproto'
import { LOCAL_HANDLE_HEADER } from '#protocol/identity'
import { parseHandle } from '#protocol/syntax'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/**
 * The DID of a handle: from our own accounts, else by looking it up. A handle of one of our domains
 * that is not ours is looked up nowhere else. Errors: HandleNotFound.
 */
export const resolveHandle = ({
  accounts,
  directory,
  handles,
}: Pick<Pds, 'accounts' | 'directory' | 'handles'>) =>
  query(ComAtprotoIdentityResolveHandle.mainSchema, {
    auth: noAuth,
    async handle({ params, request }) {
      const handle = parseHandle(params.handle)
      const account = await accounts.byHandle(handle)
      if (account && account.status !== 'takendown') return { did: account.did }
      // A host that asks for a local handle wants our own accounts only: no host asks in a circle.
      const stays = handles.isOwn(handle) || request.headers[LOCAL_HANDLE_HEADER] !== undefined
      const did = stays ? undefined : await directory.resolveHandle(handle)
      if (!did) throw new XrpcError(400, 'HandleNotFound', 'Unable to resolve handle')
      return { did }
    },
  })
