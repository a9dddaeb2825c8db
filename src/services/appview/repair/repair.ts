import type { Fetch, JobKind, JobRun, Log, Metrics } from '#platform/runtime'
import { parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import { readRepo } from '#protocol/repo'
import { type Did, parseDid, type Tid } from '#protocol/syntax'
import { errorName } from '#protocol/xrpc'
import { type Batch, PURGE_JOB, REPAIR_JOB, repairKey } from '../index/batch.ts'
import type { Collections } from '../index/collections.ts'
import type { IndexWriter } from '../index/writer.ts'
import { forgetPrivateState } from '../private-state/private-state.ts'
import { Reconciler } from './reconcile.ts'

export interface RepairParts {
  writer: IndexWriter
  collections: Collections
  directory: Directory
  fetch: Fetch
  metrics: Metrics
  log: Log
}

const ATTEMPTS_MAX = 8
/** The largest repo that is fetched; the greatest known are around a third of it. */
const REPO_BYTES_MAX = 1_000_000_000
const REPO_TIMEOUT_MS = 600_000
/** Answers of a host that will not change by asking again. */
const FINAL_ERRORS = new Set(['RepoNotFound', 'RepoTakendown', 'RepoSuspended', 'RepoDeactivated'])

/** The jobs that keep single accounts in step: fetching a repo, emptying an account. */
export function repairJobs(parts: RepairParts): Record<string, JobKind> {
  return {
    [REPAIR_JOB]: { maxAttempts: ATTEMPTS_MAX, run: (job) => repairRepo(parts, job) },
    [PURGE_JOB]: { run: (job) => purgeAccount(parts, parseDid(job.key)) },
  }
}

/**
 * Fetches the repo of an account from its host, checks it whole (hashes, tree, signature) and makes
 * the index equal to it. Given up after some tries: the next gap asks again.
 */
async function repairRepo(parts: RepairParts, job: JobRun): Promise<void> {
  const [did, rev] = job.key.split('#') as [Did, Tid]
  const author = await parts.writer.write((batch) => batch.author(did))
  if (author.repair === undefined) return
  try {
    await fetchAndReconcile(parts, did, rev, job.signal)
  } catch (error) {
    if (job.attempt >= ATTEMPTS_MAX) await endRepair(parts, did, rev)
    throw error
  }
}

async function fetchAndReconcile(
  parts: RepairParts,
  did: Did,
  wanted: Tid,
  signal: AbortSignal,
): Promise<void> {
  const document = await parts.directory.document(did, { fresh: true })
  const identity = document && identityOf(document)
  if (identity?.pds === undefined || identity.signingKey === undefined)
    throw new Error('the account has no host or no key')
  const body = await fetchRepo(parts, identity.pds, did, signal)
  if (body === undefined) return endRepair(parts, did, wanted)
  const keys = [parseDidKey(identity.signingKey)]
  const { head, records } = await readRepo(body, { did, keys, maxBytes: REPO_BYTES_MAX })
  if (head.rev < wanted) throw new Error(`the host's copy is at ${head.rev}, wanted is ${wanted}`)
  const reconciler = new Reconciler(parts, did, head.rev)
  for await (const some of records) await reconciler.add(some)
  await reconciler.finish()
  reconciler.tally.report(parts.metrics)
  await endRepair(parts, did, head.rev, { isReached: true })
  parts.log.info('repo fetched', { did, rev: head.rev })
}

/** The repo as its host sends it; undefined when the host says that there is none to send. */
async function fetchRepo(
  { fetch }: RepairParts,
  pds: string,
  did: Did,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const url = `${pds}/xrpc/com.atproto.sync.getRepo?did=${encodeURIComponent(did)}`
  const limits = { maxResponseBytes: REPO_BYTES_MAX, timeoutMs: REPO_TIMEOUT_MS }
  const response = await fetch(url, { signal, ...limits })
  if (response.ok && response.body !== null) return response.body
  const answer = (await response.json().catch(() => ({}))) as { error?: string }
  if (answer.error !== undefined && FINAL_ERRORS.has(answer.error)) return undefined
  throw new Error(
    `the host answered ${response.status} ${answer.error ?? errorName(response.status)}`,
  )
}

/** Ends the wishes up to a rev: the account is in step with it, or it is given up. */
async function endRepair(
  { writer }: RepairParts,
  did: Did,
  rev: Tid,
  { isReached = false } = {},
): Promise<void> {
  await writer.write(async (batch) => {
    const author = await batch.author(did)
    if (isReached && rev > (author.rev ?? '')) batch.setAuthor(author, { rev })
    const newer = await batch.sql.get(
      `select 1 from jobs where kind = ? and state = 'waiting' and key > ? and key < ?`,
      [REPAIR_JOB, repairKey(did, rev), `${did}$`],
    )
    if (newer !== undefined) return
    batch.setAuthor(author, { repair: undefined })
    await batch.sql.run('delete from fresh_path where aid = ?', [author.aid])
  })
}

/**
 * Takes everything of a deleted account out of the index; edges of others to it stay. When it is
 * there again meanwhile, what is new of it stays, and the event that said so asks for the rest.
 */
async function purgeAccount(parts: RepairParts, did: Did): Promise<void> {
  const { writer, metrics } = parts
  await writer.write(async (batch) => {
    const { aid } = await batch.author(did)
    // What the stream brought while its repo was being fetched goes like everything else.
    if (await isDeleted(batch, aid))
      await batch.sql.run('delete from fresh_path where aid = ?', [aid])
  })
  const reconciler = new Reconciler(parts, did, '', { only: isDeleted })
  await reconciler.finish()
  reconciler.tally.report(metrics)
  await writer.write(async (batch) => {
    const author = await batch.author(did)
    if (!(await isDeleted(batch, author.aid))) return
    await batch.sql.run('delete from dead_letter where aid = ?', [author.aid])
    // Its rev stays: what it said before must not come again with an event that does.
    batch.setAuthor(author, { repair: undefined })
  })
  await forgetPrivately(writer, did)
}

/** What is known here alone of a deleted account goes, a few rows at a time. */
async function forgetPrivately(writer: IndexWriter, did: Did): Promise<void> {
  const some = async (batch: Batch) => {
    const { aid } = await batch.author(did)
    return !(await isDeleted(batch, aid)) || forgetPrivateState(batch, aid)
  }
  while (!(await writer.write(some)));
}

async function isDeleted(batch: Batch, aid: number): Promise<boolean> {
  const row = await batch.sql.get<{ status: string | null }>(
    'select status from actor where aid = ?',
    [aid],
  )
  return row?.status === 'deleted'
}
