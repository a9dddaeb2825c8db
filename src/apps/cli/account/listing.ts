/** Many accounts: listed with their standing, found by address; and relays asked to come by. */
import {
  ComAtprotoAdminGetAccountInfos,
  ComAtprotoAdminSearchAccounts,
  ComAtprotoSyncListRepos,
  ComAtprotoSyncRequestCrawl,
} from '@atcute/atproto'
import { ConfigError } from '#platform/runtime'
import type { Did } from '#protocol/syntax'
import { xrpcClient } from '#protocol/xrpc'
import { readOrigin } from '../flags.ts'
import { columns, endProgress, showProgress, tell } from '../terminal.ts'
import { type Call, countFlag, textFlag, type Verb } from './verb.ts'

interface Listed {
  did: Did
  handle: string
  email: string | undefined
  status: string | undefined
  since: string
}

const INFOS_AT_ONCE = 50
const SEARCH_PAGE = 100
const CRAWL_MS_MAX = 30_000

/** Every account of the host: its standing is public, the rest is the operator's to see. */
async function list({ host, flags }: Call): Promise<number> {
  const most = countFlag(flags, 'limit', Number.MAX_SAFE_INTEGER)
  const operator = await host.operator()
  const found: Listed[] = []
  let cursor: string | undefined
  do {
    const page = await host.open.get(ComAtprotoSyncListRepos.mainSchema, {
      limit: 500,
      ...(cursor && { cursor }),
    })
    const repos = page.repos.slice(0, most - found.length)
    for (let start = 0; start < repos.length; start += INFOS_AT_ONCE) {
      const some = repos.slice(start, start + INFOS_AT_ONCE)
      const { infos } = await operator.get(ComAtprotoAdminGetAccountInfos.mainSchema, {
        dids: some.map(({ did }) => did),
      })
      const status = new Map(
        some.map((repo) => [repo.did, repo.active === false ? repo.status : 'active']),
      )
      found.push(
        ...infos.map(({ did, handle, email, indexedAt }) => ({
          did,
          handle,
          email,
          status: status.get(did) ?? 'inactive',
          since: indexedAt,
        })),
      )
      if (process.stderr.isTTY) showProgress(`${found.length} accounts`)
    }
    cursor = found.length < most ? page.cursor : undefined
  } while (cursor)
  endProgress()
  return tell(flags, { accounts: found }, table(found))
}

/** Accounts whose address has the text in it. */
async function search({ host, flags, words: [email] }: Call): Promise<number> {
  const most = countFlag(flags, 'limit', 1_000)
  const operator = await host.operator()
  const found: Listed[] = []
  let cursor: string | undefined
  do {
    const page = await operator.get(ComAtprotoAdminSearchAccounts.mainSchema, {
      email: email!,
      limit: Math.min(SEARCH_PAGE, most - found.length),
      ...(cursor && { cursor }),
    })
    for (const { did, handle, email, deactivatedAt, indexedAt } of page.accounts) {
      const status = deactivatedAt ? 'deactivated' : undefined
      found.push({ did, handle, email, status, since: indexedAt })
    }
    cursor = found.length < most ? page.cursor : undefined
  } while (cursor)
  return tell(flags, { accounts: found }, table(found))
}

function table(accounts: readonly Listed[]): string {
  if (accounts.length === 0) return 'No accounts.\n'
  return columns(
    ['handle', 'email', 'standing', 'did', 'since'],
    accounts.map(({ handle, email, status, did, since }) => [
      handle,
      email ?? '',
      status ?? '',
      did,
      since,
    ]),
  )
}

/** Asks relays to read this host. Anybody may ask; no password is needed. */
async function requestCrawl({ host, flags, words }: Call): Promise<number> {
  const named = [...words, ...(textFlag(flags, 'crawlers')?.split(',') ?? [])]
  const crawlers = named.map((url) => readOrigin('crawlers', url.trim()))
  if (crawlers.length === 0) throw new ConfigError(['Name a relay, by its URL'])
  const hostname = new URL(host.service).host
  for (const service of crawlers) {
    const relay = xrpcClient({
      service,
      fetch: host.fetch,
      signal: () => AbortSignal.timeout(CRAWL_MS_MAX),
    })
    await relay.post(ComAtprotoSyncRequestCrawl.mainSchema, { hostname })
  }
  return tell(flags, { hostname, crawlers }, `${crawlers.join(', ')} will read ${hostname}\n`)
}

export const listVerbs: readonly Verb[] = [
  { name: 'list', words: [], flags: { limit: 'value' }, usage: '[--limit N]', run: list },
  {
    name: 'search',
    words: ['ADDRESS'],
    flags: { limit: 'value' },
    usage: '[--limit N]',
    run: search,
  },
  {
    name: 'request-crawl',
    words: [],
    more: 100,
    flags: { crawlers: 'value' },
    usage: '[--crawlers URL,URL]',
    run: requestCrawl,
  },
]
