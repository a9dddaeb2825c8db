import { renewLeaseMethod as schema } from '#protocol/account'
import { noAuth, procedure } from '#protocol/xrpc'
import type { LeaseParts } from '../parts.ts'

/** Keeps the lease for another term. */
export const renewLease = ({ proven, witness }: LeaseParts) =>
  procedure(schema, {
    auth: noAuth,
    handle: ({ input, request: { ip } }) =>
      proven.answer('renew', { call: input, ip }, () => witness.renew(input)),
  })
