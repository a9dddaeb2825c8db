import { mainSchema } from '@atcute/atproto/types/identity/resolveHandle'
import { LOCAL_HANDLE_HEADER } from '#protocol/identity'
import { parseHandle } from '#protocol/syntax'
import { type Method, noAuth, query, XrpcError } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { askUpstream } from '../read/upstream.ts'

/** The DID of a handle: a verified one of the index, else asked for on the network. */
export function resolveHandle({
  actors,
  directory,
}: Pick<ReadParts, 'actors' | 'directory'>): Method {
  return query(mainSchema, {
    auth: noAuth,
    async handle({ params, request }) {
      const handle = parseHandle(params.handle)
      const aid = await actors.aidOfHandle(handle)
      const known = aid === undefined ? undefined : (await actors.load([aid])).get(aid)?.did
      // A host that asks because it was asked itself is not sent on: that could go round for ever.
      const mayAsk = request.headers[LOCAL_HANDLE_HEADER] === undefined
      const ask = () => directory.resolveHandle(handle)
      const did = known ?? (mayAsk ? await askUpstream(ask) : undefined)
      if (did === undefined) throw new XrpcError(400, 'HandleNotFound', 'Unable to resolve handle')
      return { did }
    },
  })
}
