import { takeLeaseMethod as schema } from '#protocol/account'
import { noAuth, procedure } from '#protocol/xrpc'
import type { LeaseParts } from '../parts.ts'

/** Takes the lease of a hostname, when it is free and the caller has all of the newest epoch. */
export const takeLease = ({ proven, witness }: LeaseParts) =>
  procedure(schema, {
    auth: noAuth,
    handle: ({ input, request: { ip } }) =>
      proven.answer('take', { call: input, ip }, () => witness.take(input)),
  })
