import { ComAtprotoServerReserveSigningKey } from '@atcute/atproto'
import { noAuth, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** A signing key for an account that will move in, so that its identity can name it beforehand. */
export const reserveSigningKey = ({ keys }: Pick<Pds, 'keys'>) =>
  procedure(ComAtprotoServerReserveSigningKey.mainSchema, {
    auth: noAuth,
    handle: async ({ input }) => ({ signingKey: await keys.reserve(input.did) }),
  })
