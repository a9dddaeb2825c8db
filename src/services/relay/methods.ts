/** Every method this relay answers, in NSID order. */
import type { Method } from '#protocol/xrpc'
import { getHostStatus } from './methods/com.atproto.sync.getHostStatus.ts'
import { getLatestCommit } from './methods/com.atproto.sync.getLatestCommit.ts'
import { getRepoStatus } from './methods/com.atproto.sync.getRepoStatus.ts'
import { listHosts } from './methods/com.atproto.sync.listHosts.ts'
import { listRepos } from './methods/com.atproto.sync.listRepos.ts'
import { requestCrawl } from './methods/com.atproto.sync.requestCrawl.ts'
import { subscribeRepos } from './methods/com.atproto.sync.subscribeRepos.ts'
import type { Relay } from './parts.ts'

const table = [
  getHostStatus,
  getLatestCommit,
  getRepoStatus,
  listHosts,
  listRepos,
  requestCrawl,
  subscribeRepos,
]

export const methods = (relay: Relay): Method[] => table.map((method) => method(relay))
