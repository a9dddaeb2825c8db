import { ComAtprotoSyncGetHostStatus } from '@atcute/atproto'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** What this relay knows of one host. Errors: HostNotFound. */
export const getHostStatus = ({ hosts, hostUrl }: Pick<Relay, 'hosts' | 'hostUrl'>) =>
  query(ComAtprotoSyncGetHostStatus.mainSchema, {
    auth: noAuth,
    async handle({ params: { hostname } }) {
      const url = hostUrl(hostname)
      const host = await hosts.get(url)
      if (!host) throw new XrpcError(400, 'HostNotFound', `Not crawled here: ${hostname}`)
      const accountCount = await hosts.countAccounts(url)
      return { hostname, seq: host.cursor, status: host.status, accountCount }
    },
  })
