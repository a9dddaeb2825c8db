import type { Fetch } from '#platform/runtime'
import { type Did, isDid } from '#protocol/syntax'

const PAGE_BYTES_MAX = 2_000_000
const PAGE_TIMEOUT_MS = 30_000

export interface RepoPage {
  /** Accounts that are active, as far as is told. */
  dids: Did[]
  /** Undefined at the end. */
  cursor: string | undefined
}

/** A page of `com.atproto.sync.listRepos` of a host or a relay. Throws when there is none. */
export async function repoPage(
  fetch: Fetch,
  host: string,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<RepoPage> {
  const query = `limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
  const response = await fetch(`${host}/xrpc/com.atproto.sync.listRepos?${query}`, {
    signal,
    timeoutMs: PAGE_TIMEOUT_MS,
    maxResponseBytes: PAGE_BYTES_MAX,
  })
  if (!response.ok)
    throw new Error(`${host} answered ${response.status} when asked for its accounts`)
  const page = (await response.json()) as { repos?: unknown; cursor?: unknown }
  if (!Array.isArray(page.repos)) throw new Error(`${host} gave no list of accounts`)
  const repos = page.repos as { did?: unknown; active?: boolean }[]
  const dids = repos.flatMap(({ did, active }) => (isDid(did) && active !== false ? did : []))
  const isLast = repos.length === 0 || typeof page.cursor !== 'string' || page.cursor === cursor
  return { dids, cursor: isLast ? undefined : (page.cursor as string) }
}
