import { releaseLeaseMethod as schema } from '#protocol/account'
import { noAuth, procedure } from '#protocol/xrpc'
import type { LeaseParts } from '../parts.ts'

/** Gives the lease back, or has it end with its term. */
export const releaseLease = ({ proven, witness }: LeaseParts) =>
  procedure(schema, {
    auth: noAuth,
    handle: ({ input, request: { ip } }) =>
      proven.answer('release', { call: input, ip }, () => witness.release(input)),
  })
