import type { JobRun } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { parseCid } from '#protocol/data'
import { type CachedDirectory, identityOf } from '#protocol/identity'
import { parseDid } from '#protocol/syntax'
import { type Accounts, type KeptBlobs, NotKept } from '../kept/index.ts'

export interface BlobParts {
  sql: Sql
  accounts: Accounts
  blobs: KeptBlobs
  directory: CachedDirectory
  outside: { fetch(url: string, init: object): Promise<Response> }
  bytesMax: number
}

const TIMEOUT_MS = 300_000
/** The host has none, and asking again will not change that. */
const FINAL_ERRORS = new Set(['BlobNotFound', 'RepoNotFound', 'RepoTakendown', 'InvalidRequest'])

/** Brings one blob of an account here, checked against its CID. */
export async function copyBlob(parts: BlobParts, { key, signal }: JobRun): Promise<void> {
  const [did, cid] = key.split(' ') as [string, string]
  const account = await parts.accounts.get(parseDid(did))
  if (account === undefined || account.state === 'erased') return
  const { aid } = account
  const bytes = parseCid(cid)
  const select = 'select state from blob where aid = ? and cid = ?'
  const row = await parts.sql.get<{ state: string }>(select, [aid, bytes])
  if (row?.state !== 'wanted') return
  const sealer = await parts.accounts.sealer(account).catch((error) => {
    if (error instanceof NotKept) return undefined
    throw error
  })
  if (sealer === undefined) return
  const body = await fetchBlob(parts, { did, cid, signal })
  const size = body && (await parts.blobs.put(account, sealer, bytes, body))
  if (body && size === undefined) throw new Error('the host sent other bytes than the CID names')
  const { changes } = await parts.sql.run(
    `update blob set state = ?, size = coalesce(?, size) where aid = ? and cid = ?
     and exists (select 1 from account where account.aid = blob.aid and key is not null)`,
    [size === undefined ? 'missing' : 'kept', size ?? null, aid, bytes],
  )
  // It was forgotten, or its account erased, while it came.
  if (changes === 0) await parts.blobs.remove(account, [bytes])
}

/** The blob as the account's host sends it; undefined when it says that there is none. */
async function fetchBlob(
  { directory, outside, bytesMax }: BlobParts,
  { did, cid, signal }: { did: string; cid: string; signal: AbortSignal },
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const document = await directory.document(parseDid(did))
  const host = document && identityOf(document).pds
  if (host === undefined) throw new Error('the account has no host')
  const query = new URLSearchParams({ did, cid })
  const limits = { maxResponseBytes: bytesMax, timeoutMs: TIMEOUT_MS }
  const response = await outside.fetch(`${host}/xrpc/com.atproto.sync.getBlob?${query}`, {
    signal,
    ...limits,
  })
  if (response.ok && response.body !== null) return response.body
  const answer = (await response.json().catch(() => ({}))) as { error?: string }
  if (answer.error !== undefined && FINAL_ERRORS.has(answer.error)) return undefined
  throw new Error(`the host answered ${response.status}`)
}
