import { lookLeaseMethod as schema } from '#protocol/account'
import { noAuth, query } from '#protocol/xrpc'
import type { LeaseParts } from '../parts.ts'

/** How the lease of a hostname is. */
export const lookLease = ({ proven, witness }: LeaseParts) =>
  query(schema, {
    auth: noAuth,
    handle: ({ params, request: { ip } }) =>
      proven.answer('look', { call: params, ip }, () => witness.look(params.hostname)),
  })
