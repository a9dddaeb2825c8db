import { ComAtprotoServerDescribeServer } from '@atcute/atproto'
import type { JobRun, Lru, Outside } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { exportPrivateState, isUnknownMethod } from '#protocol/account'
import { signServiceAuth } from '#protocol/auth'
import { base32, type SigningKey } from '#protocol/crypto'
import { type CachedDirectory, identityOf } from '#protocol/identity'
import { type Did, parseDid } from '#protocol/syntax'
import { XrpcError, xrpcClient } from '#protocol/xrpc'
import { ask, PRIVATE_JOB } from '../ask.ts'
import { type Accounts, NotKept, PRIVATE_BYTES_MAX, type PrivateStates } from '../kept/index.ts'

export interface PrivateParts {
  sql: Sql
  accounts: Accounts
  privateStates: PrivateStates
  directory: CachedDirectory
  outside: Pick<Outside, 'now' | 'fetch' | 'random'>
  /** Who the vault is to hosts. */
  own: { did: Did; key: SigningKey }
  /** Hosts that give it to no vault, until when that is believed: nobody asks them for each of their people. */
  deaf: Lru<string, number>
}

const TIMEOUT_MS = 60_000
const HOUR_MS = 3_600_000
const AT_ONCE = 500
const DEAF = 'the host gives it to no vault'
const DEAF_MS = 12 * HOUR_MS

/** Asks an account's host, in the vault's own name, for what is not in its repository. */
export async function copyPrivate(parts: PrivateParts, { key, signal }: JobRun): Promise<void> {
  const { accounts, privateStates, directory } = parts
  const account = await accounts.get(parseDid(key))
  if (account === undefined || account.state === 'erased') return
  const { did } = account
  const document = await directory.document(did)
  const host = document && identityOf(document).pds
  if (host === undefined) return note(parts, did, 'the account has no host')
  if ((parts.deaf.get(host) ?? 0) > parts.outside.now()) return note(parts, did, DEAF)
  try {
    const state = await read(parts, { host, did, signal })
    if (state.did !== did) return note(parts, did, 'the host gave the state of another account')
    await privateStates.put(account, await accounts.sealer(account), state)
  } catch (error) {
    if (error instanceof NotKept) return // erased meanwhile
    const problem = problemOf(error)
    if (problem === DEAF) parts.deaf.set(host, parts.outside.now() + DEAF_MS)
    if (problem === undefined) throw error
    await note(parts, did, problem)
  }
}

async function read(
  { outside, own }: PrivateParts,
  { host, did, signal }: { host: string; did: Did; signal: AbortSignal },
) {
  const fetch = (url: string, init: object = {}) =>
    outside.fetch(url, { ...init, signal, timeoutMs: TIMEOUT_MS })
  const client = xrpcClient({ service: host, fetch })
  const { did: aud } = await client.get(ComAtprotoServerDescribeServer.mainSchema, {})
  const { nsid: lxm } = exportPrivateState
  const jti = base32(outside.random(16))
  const token = signServiceAuth({ iss: own.did, aud, lxm, nowMs: outside.now(), jti, key: own.key })
  const headers = { authorization: `Bearer ${token}` }
  return client.get(exportPrivateState, { did }, { headers, maxBytes: PRIVATE_BYTES_MAX })
}

/** What asking again soon would not change, in words; undefined for what passes. */
function problemOf(error: unknown): string | undefined {
  if (isUnknownMethod(error)) return DEAF
  if (!(error instanceof XrpcError) || error.status >= 500 || error.status === 429) return undefined
  const isRefused = error.status === 401 || error.status === 403 || error.status === 404
  return isRefused
    ? 'its owner does not let this vault read it'
    : `the host answered ${error.error}`
}

async function note({ sql, outside }: PrivateParts, did: Did, problem: string): Promise<void> {
  await sql.run('update account set private_ms = ?, private_problem = ? where did = ?', [
    ...[outside.now(), problem.slice(0, 300), did],
  ])
}

/** Asks for every account whose host was not asked for so long. */
export async function askPrivate(
  { sql, outside }: Pick<PrivateParts, 'sql' | 'outside'>,
  everyHours: number,
): Promise<void> {
  for (;;) {
    const rows = await sql.all<{ did: Did }>(
      `select did from account where state not in ('wanted', 'left', 'erased')
         and coalesce(private_ms, 0) <= ?
         and not exists (select 1 from jobs where kind = ? and jobs.key = did and jobs.state = 'waiting') limit ?`,
      [outside.now() - everyHours * HOUR_MS, PRIVATE_JOB, AT_ONCE],
    )
    const dids = rows.map(({ did }) => did)
    await ask(sql, PRIVATE_JOB, dids, outside.now())
    if (dids.length < AT_ONCE) return
  }
}
