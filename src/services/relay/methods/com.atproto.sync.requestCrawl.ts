import { ComAtprotoSyncRequestCrawl } from '@atcute/atproto'
import { noAuth, procedure, XrpcError } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** A host asks to be read. Errors: HostBanned. */
export const requestCrawl = ({
  crawl,
  hosts,
  hostUrl,
}: Pick<Relay, 'crawl' | 'hosts' | 'hostUrl'>) =>
  procedure(ComAtprotoSyncRequestCrawl.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 4_096 },
    async handle({ input }) {
      const url = hostUrl(input.hostname)
      const known = await hosts.get(url)
      if (known?.status === 'banned') throw new XrpcError(400, 'HostBanned', 'Host is banned')
      if (!(await hosts.add(url))) {
        throw new XrpcError(503, 'NotEnoughResources', 'This relay takes no more hosts')
      }
      crawl.start({ url, trusted: known?.trusted ?? false })
    },
  })
