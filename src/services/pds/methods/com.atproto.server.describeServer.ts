import { ComAtprotoServerDescribeServer } from '@atcute/atproto'
import type { GenericUri } from '@atcute/lexicons'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** What this host is, whom it takes, and who answers for it. */
export const describeServer = ({ host, invites, lease }: Pick<Pds, 'host' | 'invites' | 'lease'>) =>
  query(ComAtprotoServerDescribeServer.mainSchema, {
    auth: noAuth,
    handle: () => ({
      did: host.did,
      availableUserDomains: [...host.handleDomains],
      inviteCodeRequired: invites.policy.required,
      phoneVerificationRequired: false,
      blobUploadLimit: host.blobBytesMax,
      links: {
        privacyPolicy: host.links.privacyPolicy as GenericUri | undefined,
        termsOfService: host.links.termsOfService as GenericUri | undefined,
      },
      contact: { email: host.contactEmail },
      ...(lease && { lease: { epoch: lease.epoch, held: lease.held() } }),
    }),
  })
