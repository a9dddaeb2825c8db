import { ComAtprotoSyncRequestCrawl } from '@atcute/atproto'
import { invalidRequest, noAuth, procedure, XrpcError } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** A host asks to be read; one that is known already is tried again at once. Errors: HostBanned. */
export const requestCrawl = ({
  crawl,
  hosts,
  hostUrl,
  openCrawl,
}: Pick<Relay, 'crawl' | 'hosts' | 'hostUrl' | 'openCrawl'>) =>
  procedure(ComAtprotoSyncRequestCrawl.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 4_096 },
    async handle({ input }) {
      const url = hostUrl(input.hostname)
      const known = await hosts.get(url)
      if (known?.status === 'banned') throw new XrpcError(400, 'HostBanned', 'Host is banned')
      if (!known && !openCrawl) {
        throw invalidRequest('This relay reads only the hosts it was told of')
      }
      if (!(await hosts.add(url))) {
        throw new XrpcError(503, 'NotEnoughResources', 'This relay takes no more hosts')
      }
      crawl.start({ url, trusted: known?.trusted ?? false })
    },
  })
