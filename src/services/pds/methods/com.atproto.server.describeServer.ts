import { ComAtprotoServerDescribeServer } from '@atcute/atproto'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** What this host is and whom it takes. */
export const describeServer = ({ host }: Pick<Pds, 'host'>) =>
  query(ComAtprotoServerDescribeServer.mainSchema, {
    auth: noAuth,
    handle: () => ({
      did: host.did,
      availableUserDomains: [...host.handleDomains],
      inviteCodeRequired: host.inviteRequired,
      phoneVerificationRequired: false,
      links: {},
      contact: {},
    }),
  })
