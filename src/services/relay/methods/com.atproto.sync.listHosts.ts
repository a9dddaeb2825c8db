import { ComAtprotoSyncListHosts } from '@atcute/atproto'
import { noAuth, query } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** The hosts that are read, in order of URL; the cursor is a URL. */
export const listHosts = ({ hosts }: Pick<Relay, 'hosts'>) =>
  query(ComAtprotoSyncListHosts.mainSchema, {
    auth: noAuth,
    async handle({ params: { limit, cursor } }) {
      const page = await hosts.list({ limit, cursor })
      return {
        hosts: page.map(({ url, cursor: seq, status }) => ({
          hostname: new URL(url).host,
          seq,
          status,
        })),
        cursor: page.length === limit ? page.at(-1)?.url : undefined,
      }
    },
  })
