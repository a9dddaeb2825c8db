import type { Fetch, JobRun, Log } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { type Did, isDid, isTid, type Tid } from '#protocol/syntax'
import { ask, COPY_JOB } from '../ask.ts'
import type { Accounts } from '../kept/index.ts'

export interface ListParts {
  sql: Sql
  accounts: Accounts
  outside: { fetch: Fetch; now(): number }
  log: Log
  asked(): void
}

const PAGE = 1_000
const PAGES_MAX = 10_000
const STREAM_MS = 60_000

interface Listed {
  did: Did
  rev: Tid
  active: boolean
}

/**
 * Compares what a host has with what is kept of it: accounts that are new are copied, and those that
 * went on while nobody listened. Of a host that is not followed whole, only the accounts kept.
 */
export async function listHost(parts: ListParts, { key: host, signal }: JobRun): Promise<void> {
  const { sql, accounts, outside } = parts
  const row = await sql.get<{ whole: number }>('select whole from host where url = ?', [host])
  if (!row) return
  if (row.whole === 0) return lookAtEach(parts, host)
  let cursor: string | undefined
  let full = false
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await fetchPage(outside.fetch, host, cursor, signal)
    for (const listed of answer.repos) {
      if (!listed.active) continue
      const known = await accounts.get(listed.did)
      const account = known ?? (await accounts.add(listed.did, host))
      full ||= account === undefined
      if (account && account.host === host && account.state !== 'erased')
        await askIfBehind(parts, { ...account, ...listed })
    }
    parts.asked()
    cursor = answer.cursor
    if (cursor === undefined || answer.repos.length === 0) break
  }
  if (full) parts.log.warn('no room for more accounts', { host })
}

async function askIfBehind(
  { sql, outside }: ListParts,
  { aid, did, rev }: { aid: number; did: Did; rev: Tid },
): Promise<void> {
  const row = await sql.get<{ rev: Tid | null; state: string }>(
    'select rev, state from account where aid = ?',
    [aid],
  )
  if (row?.rev && row.rev >= rev && row.state === 'kept') return
  // What its stream may be about to tell, state by state, is given time to come; one that was never
  // read tells nothing of the past.
  const read = await sql.get<{ seq: number }>(
    'select seq from host join account on account.host = host.url where aid = ?',
    [aid],
  )
  const mayTell = row?.state === 'kept' && (read?.seq ?? 0) > 0
  const dueMs = outside.now() + (mayTell ? STREAM_MS : 0)
  await sql.transaction(async (sql) => {
    await sql.run(
      `update account set state = case when rev is null then 'wanted' else 'behind' end
       where aid = ? and state = 'left'`,
      [aid],
    )
    await ask(sql, COPY_JOB, [`${did} ${rev}`], dueMs)
  })
}

/** Each account of the host is asked for as a whole: what it has not moved on from costs little. */
async function lookAtEach({ sql, outside, asked }: ListParts, host: string): Promise<void> {
  const rows = await sql.all<{ did: Did }>(
    `select did from account where host = ? and state in ('wanted', 'kept', 'behind')`,
    [host],
  )
  for (const { did } of rows) {
    const query = new URLSearchParams({ did })
    const url = `${host}/xrpc/com.atproto.sync.getLatestCommit?${query}`
    const response = await outside.fetch(url)
    const answer = (await response.json().catch(() => ({}))) as { rev?: unknown }
    if (typeof answer.rev !== 'string' || !isTid(answer.rev)) continue
    const row = await sql.get<{ aid: number }>('select aid from account where did = ?', [did])
    if (row)
      await askIfBehind({ sql, outside } as ListParts, { aid: row.aid, did, rev: answer.rev })
  }
  asked()
}

async function fetchPage(
  fetch: Fetch,
  host: string,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<{ repos: Listed[]; cursor: string | undefined }> {
  const query = new URLSearchParams({
    limit: String(PAGE),
    ...(cursor !== undefined && { cursor }),
  })
  const response = await fetch(`${host}/xrpc/com.atproto.sync.listRepos?${query}`, { signal })
  if (!response.ok) throw new Error(`the host answered ${response.status}`)
  const answer = (await response.json()) as { repos?: unknown; cursor?: unknown }
  if (!Array.isArray(answer.repos)) throw new Error('the host sent no list of accounts')
  const repos = answer.repos.flatMap((one: Record<string, unknown>) => {
    const { did, rev, active } = one ?? {}
    if (typeof did !== 'string' || !isDid(did) || typeof rev !== 'string' || !isTid(rev)) return []
    return [{ did, rev, active: active !== false }]
  })
  return { repos, cursor: typeof answer.cursor === 'string' ? answer.cursor : undefined }
}
