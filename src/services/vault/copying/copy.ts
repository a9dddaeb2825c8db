import type { Fetch, JobRun, Log, Outside } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { type PublicKey, parseDidKey, verifyCid } from '#protocol/crypto'
import { type CidBytes, equalBytes, readCarStream } from '#protocol/data'
import { type CachedDirectory, identityOf } from '#protocol/identity'
import {
  decodeCommit,
  linksOf,
  type RepoHead,
  readRepo,
  verifyCommitSignature,
} from '#protocol/repo'
import { type Did, parseDid, type Tid, tidMicros } from '#protocol/syntax'
import { errorName } from '#protocol/xrpc'
import { ask, COPY_JOB } from '../ask.ts'
import { addMentions } from '../following/index.ts'
import {
  type Accounts,
  addInstants,
  type BlockReader,
  type InTurn,
  type KeptAccount,
  type Mention,
  mentionsIn,
  type Packs,
} from '../kept/index.ts'

export interface CopyParts {
  sql: Sql
  accounts: Accounts
  packs: Packs
  inTurn: InTurn
  directory: CachedDirectory
  outside: Pick<Outside, 'now' | 'fetch'>
  log: Log
  /** Told when jobs were asked for. */
  asked(): void
}

/** The largest repository that is copied; the greatest known are around a third of it. */
const REPO_BYTES_MAX = 1_000_000_000
const REPO_TIMEOUT_MS = 600_000
/** What changed since a rev is gathered in memory; more is copied whole. */
const CHANGES_BYTES_MAX = 32 * 1024 * 1024
const MENTIONS_AT_ONCE = 1_000
/** Answers of a host that will not change by asking again. */
const FINAL_ERRORS = new Set(['RepoNotFound', 'RepoTakendown', 'RepoSuspended', 'RepoDeactivated'])

/** A head and the block of its commit. */
interface Copied {
  head: RepoHead
  key: PublicKey
}

/** What changed cannot be had alone: the whole is needed. */
class NeedsWhole extends Error {}

/** Makes what is kept of an account whole up to a rev: by what changed since, or by all of it. */
export async function copyRepo(parts: CopyParts, { key, signal }: JobRun): Promise<void> {
  const [did, rev] = key.split(' ') as [Did, Tid]
  const account = await parts.accounts.get(parseDid(did))
  if (account === undefined) return
  await parts.inTurn.run(account.aid, () => copyInTurn(parts, account.did, rev, signal))
}

async function copyInTurn(parts: CopyParts, did: Did, wanted: Tid, signal: AbortSignal) {
  const account = await parts.accounts.get(did)
  if (account === undefined || account.state === 'erased') return
  if (account.state === 'kept' && account.rev !== undefined && account.rev >= wanted) return
  const document = await parts.directory.document(did, { fresh: true })
  const { pds, signingKey } = document ? identityOf(document) : {}
  if (pds === undefined || signingKey === undefined)
    throw new Error('the account has no host or no key')
  const source = { pds, key: parseDidKey(signingKey), fetch: parts.outside.fetch, signal }
  const copied = await copyFrom(parts, account, source)
  if (copied === undefined) return setState(parts, account, 'left')
  if (copied.head.rev < wanted && (account.rev ?? '') < wanted)
    throw new Error(`the host's copy is at ${copied.head.rev}, wanted is ${wanted}`)
  const state = await settle(parts, account, copied)
  parts.log.info('repository copied', { did, rev: copied.head.rev, state })
}

interface Source {
  pds: string
  key: PublicKey
  fetch: Fetch
  signal: AbortSignal
}

async function copyFrom(
  parts: CopyParts,
  account: KeptAccount,
  source: Source,
): Promise<Copied | undefined> {
  if (account.rev !== undefined) {
    try {
      return await copyChanges(parts, account, source)
    } catch (error) {
      if (!(error instanceof NeedsWhole)) throw error
    }
  }
  return copyWhole(parts, account, source)
}

/** All of it, verified as it comes, pack by pack. */
async function copyWhole(
  parts: CopyParts,
  account: KeptAccount,
  source: Source,
): Promise<Copied | undefined> {
  const { did } = account
  const body = await fetchRepo(source, did, undefined)
  if (body === undefined) return undefined
  const writer = parts.packs.writer(account, await parts.accounts.sealer(account))
  const { head, commitBytes, records } = await readRepo(body, {
    did,
    keys: [source.key],
    maxBytes: REPO_BYTES_MAX,
    onNode: (cid, bytes) => writer.add(cid, bytes),
  })
  writer.add(head.commit, commitBytes)
  let mentions: Mention[] = []
  for await (const some of records) {
    for (const { cid, bytes } of some) {
      writer.add(cid, bytes)
      mentions.push(...mentionsIn(cid.slice() as CidBytes, bytes))
    }
    await writer.flushFull()
    if (mentions.length < MENTIONS_AT_ONCE) continue
    await noteMentions(parts, account, mentions)
    mentions = []
  }
  await writer.flush()
  await noteMentions(parts, account, mentions)
  return { head, key: source.key }
}

/** What came since the rev that is kept, and the proof that with it nothing is missing. */
async function copyChanges(
  parts: CopyParts,
  account: KeptAccount,
  source: Source,
): Promise<Copied | undefined> {
  const { did, rev } = account
  const body = await fetchRepo(source, did, rev)
  if (body === undefined) return undefined
  const { packs, accounts } = parts
  const sealer = await accounts.sealer(account)
  const writer = packs.writer(account, sealer)
  let size = 0
  const { roots, blocks } = await readCarStream(body, { maxBytes: CHANGES_BYTES_MAX })
  for await (const some of blocks) {
    for (const { cid, bytes } of some) {
      if (!verifyCid(cid, bytes)) throw new Error('the host sent a block of another hash')
      size += bytes.length
      writer.add(cid, bytes)
    }
    await writer.flushFull()
  }
  if (size === 0 || roots[0] === undefined) throw new NeedsWhole()
  await writer.flush()
  const reader = packs.reader(account, sealer)
  const bytes = (await reader.get(roots[0])) ?? whole()
  const commit = decodeCommit(bytes)
  if (commit.did !== did || !verifyCommitSignature(commit, source.key))
    throw new Error('the host sent a commit that its account did not sign')
  const mentions: Mention[] = []
  await walk(reader, commit.data, (cid, record) => mentions.push(...mentionsIn(cid, record)))
  await noteMentions(parts, account, mentions)
  const head = { did, rev: commit.rev, commit: roots[0], data: commit.data }
  return { head, key: source.key }
}

function whole(): never {
  throw new NeedsWhole()
}

/** Reads a tree from what is kept, strictly; NeedsWhole when some of it is not there. */
async function walk(
  reader: BlockReader,
  root: CidBytes,
  record: (cid: CidBytes, bytes: Uint8Array) => void,
): Promise<void> {
  const stack: { cid: CidBytes; layer?: number; isRecord: boolean }[] = [
    { cid: root, isRecord: false },
  ]
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const bytes = reader.peek(step.cid) ?? (await reader.get(step.cid)) ?? whole()
    if (step.isRecord) {
      record(step.cid, bytes)
      continue
    }
    const links = linksOf(bytes, step.cid, step.layer)
    for (const link of links.toReversed()) {
      if (link.kind === 'record') stack.push({ cid: link.cid, isRecord: true })
      else stack.push({ cid: link.cid, layer: link.layer, isRecord: false })
    }
  }
}

async function noteMentions(
  { sql, outside, asked }: CopyParts,
  account: KeptAccount,
  mentions: readonly Mention[],
): Promise<void> {
  if (mentions.length === 0) return
  await sql.transaction((sql) => addMentions(sql, account, mentions, outside.now()))
  asked()
}

/** The repository as its host sends it; undefined when the host says that there is none to send. */
async function fetchRepo(
  { pds, fetch, signal }: Source,
  did: Did,
  since: Tid | undefined,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const query = new URLSearchParams({ did, ...(since !== undefined && { since }) })
  const limits = { maxResponseBytes: REPO_BYTES_MAX, timeoutMs: REPO_TIMEOUT_MS }
  const response = await fetch(`${pds}/xrpc/com.atproto.sync.getRepo?${query}`, {
    signal,
    ...limits,
  })
  if (response.ok && response.body !== null) return response.body
  const answer = (await response.json().catch(() => ({}))) as { error?: string }
  if (answer.error !== undefined && FINAL_ERRORS.has(answer.error)) return undefined
  throw new Error(
    `the host answered ${response.status} ${answer.error ?? errorName(response.status)}`,
  )
}

/**
 * The copy becomes an instant, and what came after it, while it was made, follows: in one transaction
 * with the account's new head. Returns what state the account is in then.
 */
async function settle(
  { sql, outside }: CopyParts,
  { aid, did }: KeptAccount,
  { head, key }: Copied,
): Promise<string> {
  return sql.transaction(async (sql) => {
    const nowMs = outside.now()
    const timeMs = Math.min(tidMicros(head.rev) / 1000, nowMs)
    const instant = { ...head, cid: head.commit, timeMs: Math.floor(timeMs), key: key.didKey }
    await sql.run('delete from instant where aid = ? and rev <= ? and linked = 0', [aid, head.rev])
    await addInstants(sql, aid, [{ ...instant, prev: undefined, isLinked: true }])
    const waiting = await sql.all<{ rev: Tid; data: CidBytes; prev: CidBytes | null }>(
      'select rev, data, prev from instant where aid = ? and rev > ? and linked = 0 order by rev',
      [aid, head.rev],
    )
    let { rev, data } = head as { rev: Tid; data: CidBytes }
    for (const next of waiting) {
      if (next.prev === null || !equalBytes(next.prev, data)) break
      await sql.run('update instant set linked = 1 where aid = ? and rev = ?', [aid, next.rev])
      ;({ rev, data } = next)
    }
    const last = waiting.at(-1)?.rev
    const isBehind = last !== undefined && last > rev
    await sql.run(
      `update account set state = ?, rev = ?, data = ? where aid = ? and state <> 'erased'`,
      [isBehind ? 'behind' : 'kept', rev, data, aid],
    )
    if (isBehind) await ask(sql, COPY_JOB, [`${did} ${last}`], nowMs)
    return isBehind ? 'behind' : 'kept'
  })
}

async function setState({ sql }: CopyParts, { aid }: KeptAccount, state: string): Promise<void> {
  await sql.run(`update account set state = ? where aid = ? and state <> 'erased'`, [state, aid])
}
