import { type BlobRef, type CidBytes, cidText, equalBytes } from '#protocol/data'
import { commitEvent, planCommit, type RepoHead } from '#protocol/repo'
import { type AtUri, type Did, formatAtUri, type Tid, type TidClock } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import { type Change, type Journal, Kind } from '../journal/index.ts'
import { applyChange, changeOfPlan } from './commit-change.ts'
import type { HotRepo, HotRepos } from './hot-repos.ts'
import type { PlannedWrite } from './planned-write.ts'

/** What a write came to. */
export interface Written {
  commit: { cid: string; rev: Tid }
  results: { uri: AtUri; cid: string | undefined; action: 'create' | 'update' | 'delete' }[]
}

/** 200 operations a commit, from the specification of `subscribeRepos`. */
const WRITES_MAX = 200
/** Writes under way for one account; more are refused until some settle. */
const PENDING_MAX = 512

/** Makes uploaded bytes durable before a record refers to them. */
export type SyncBlobs = (did: Did, cids: readonly CidBytes[]) => Promise<void>

/**
 * The only write path of every record of the host. A write is decided and signed in memory against
 * the account's in-memory head, appended to the journal, applied to the account's file once
 * durable, and only then answered. Writes of one account pipeline: the next is decided while the
 * one before is still on its way to the disk.
 */
export class Repos {
  readonly #hot: HotRepos
  readonly #journal: Journal
  readonly #clock: TidClock
  readonly #now: () => number
  readonly #syncBlobs: SyncBlobs

  constructor(options: {
    hot: HotRepos
    journal: Journal
    clock: TidClock
    now: () => number
    syncBlobs: SyncBlobs
  }) {
    this.#hot = options.hot
    this.#journal = options.journal
    this.#clock = options.clock
    this.#now = options.now
    this.#syncBlobs = options.syncBlobs
  }

  /**
   * Writes records of an active account as one commit. Throws InvalidSwap, InvalidRequest,
   * BlobNotFound, RepoFrozen (503 with Retry-After).
   */
  async write(
    account: Account,
    writes: readonly PlannedWrite[],
    { swapCommit }: { swapCommit?: CidBytes | undefined } = {},
  ): Promise<Written> {
    if (writes.length > WRITES_MAX) {
      throw new XrpcError(400, 'InvalidRequest', `Too many writes. Max: ${WRITES_MAX}`)
    }
    const blobs = writes.flatMap((write) => write.blobs)
    if (blobs.length > 0)
      await this.#syncBlobs(
        account.did,
        [...new Set(blobs)].map((b) => b.cid),
      )
    const repo = await this.#hot.get(account)
    return this.#commit(repo, writes, blobs, swapCommit)
  }

  /** Synchronous up to the append, so that the writes of one account never interleave. */
  #commit(
    repo: HotRepo,
    writes: readonly PlannedWrite[],
    blobs: readonly BlobRef[],
    swapCommit: CidBytes | undefined,
  ): Promise<Written> {
    this.#refuseWhenBusy(repo)
    if (!repo.head) throw new XrpcError(400, 'RepoNotFound', 'The repository has no commit yet')
    if (swapCommit && !equalBytes(swapCommit, repo.head.commit)) {
      throw new XrpcError(400, 'InvalidSwap', `Commit was at ${cidText(repo.head.commit)}`)
    }
    const file = this.#hot.file(repo)
    requireBlobs(file, blobs)
    const settled = resolveWrites(repo, writes)
    if (settled.length === 0) return this.#unchanged(repo, repo.head)
    const change = this.#plan(repo, settled, Kind.commit)
    return this.#append(repo, [change]).then(() => written(repo.did, change.head, settled))
  }

  /** Nothing to write; still an answer about writes under way, so it waits for them. */
  async #unchanged(repo: HotRepo, head: RepoHead): Promise<Written> {
    await repo.settled
    if (repo.failed) throw new XrpcError(500, 'InternalServerError', 'An earlier write failed')
    return written(repo.did, head, [])
  }

  #refuseWhenBusy(repo: HotRepo): void {
    if (repo.pendingCount >= PENDING_MAX) {
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many writes under way for this account')
    }
    if (repo.frozenUntilMs > this.#now()) {
      throw new XrpcError(503, 'RepoFrozen', 'The account is moving to another host', {
        headers: { 'retry-after': '2' },
      })
    }
  }

  /** Plans a commit on the in-memory head and advances the head. Not yet in the journal. */
  #plan(
    repo: HotRepo,
    writes: readonly ResolvedWrite[],
    kind: typeof Kind.commit | typeof Kind.quietCommit,
  ): Change & { head: RepoHead } {
    const before = repo.head
    const rev = this.#clock.next(before?.rev)
    const plan = planCommit({
      did: repo.did,
      tree: repo.tree,
      head: before,
      writes,
      rev,
      key: repo.key,
    })
    const since = repo.announcedRev
    const announced = kind === Kind.commit
    const time = new Date(this.#now()).toISOString()
    const blobs = writes.flatMap((write) => write.blobs.map((blob) => blob.cid))
    const change = changeOfPlan(plan, before?.data, writes, announced)
    repo.head = plan.head
    repo.tree = plan.tree
    if (announced) repo.announcedRev = rev
    return {
      did: repo.did,
      kind,
      head: plan.head,
      make: (seq) =>
        commitEvent({ plan, since: since ?? null, prevData: before?.data, blobs, seq, time }),
      file: {
        generation: repo.generation,
        apply: (file) => applyChange(file, change),
      },
    }
  }

  /** Appends changes that belong together as one batch, counting them against the repository. */
  #append(repo: HotRepo, changes: readonly Change[]): Promise<void> {
    repo.pendingCount++
    let applied: Promise<void>
    try {
      applied = this.#journal.append(changes).applied
    } catch (error) {
      applied = Promise.reject(error)
    }
    const settled = applied
      .catch((error) => {
        // The head in memory was a promise that the disk did not keep.
        repo.failed = true
        throw error
      })
      .finally(() => {
        repo.pendingCount--
      })
    const before = repo.settled
    repo.settled = settled.then(
      () => before,
      () => before,
    )
    return settled
  }

  /**
   * The first commit of a new repository (empty tree), with `others` before it in the same atomic
   * batch. Quiet for an account that is not active yet.
   */
  async create(account: Account, others: readonly Change[], quiet: boolean): Promise<RepoHead> {
    const repo = await this.#hot.get(account)
    if (repo.head) {
      await this.#append(repo, others)
      return repo.head
    }
    const change = this.#plan(repo, [], quiet ? Kind.quietCommit : Kind.commit)
    await this.#append(repo, [...others, change])
    return change.head
  }

  /**
   * Events of an account that comes alive here, in one batch: `others` (`#identity`, `#account`),
   * then an empty commit signed by this host's key that follows what the network knows.
   */
  async announce(account: Account, others: readonly Change[]): Promise<RepoHead> {
    const repo = await this.#hot.get(account)
    const change = this.#plan(repo, [], Kind.commit)
    await this.#append(repo, [...others, change])
    return change.head
  }

  /** Refuses writes for a while; the in-memory head then only settles. Returns when settled. */
  async freeze(account: Account, untilMs: number): Promise<RepoHead | undefined> {
    const repo = await this.#hot.get(account)
    repo.frozenUntilMs = untilMs
    await repo.settled
    return repo.head
  }
}

export interface ResolvedWrite extends PlannedWrite {
  action: 'create' | 'update' | 'delete'
}

/**
 * Turns puts into creates or updates and checks `swapRecord` against the in-memory head. Deletes of
 * what does not exist and puts that change nothing fall away, as the lexicons say.
 */
function resolveWrites(repo: HotRepo, writes: readonly PlannedWrite[]): ResolvedWrite[] {
  return writes.flatMap((write) => {
    const current = write.action === 'create' ? undefined : repo.tree.get(write.path)
    if (write.swapRecord !== undefined) refuseSwap(write.swapRecord, current)
    if (write.action === 'put') {
      if (current && write.cid && equalBytes(current, write.cid)) return []
      return [{ ...write, action: current ? 'update' : 'create' } as ResolvedWrite]
    }
    if (write.action === 'delete' && !current && write.optional) return []
    return [write as ResolvedWrite]
  })
}

function refuseSwap(swap: CidBytes | null, current: CidBytes | undefined): void {
  const same = swap === null ? current === undefined : current && equalBytes(swap, current)
  if (!same) {
    const was = current ? cidText(current) : 'null'
    throw new XrpcError(400, 'InvalidSwap', `Record was at ${was}`)
  }
}

function requireBlobs(file: AccountFile, blobs: readonly BlobRef[]): void {
  for (const ref of blobs) {
    const blob = file.blob(ref.cid)
    if (!blob) {
      throw new XrpcError(400, 'BlobNotFound', `Could not find blob: ${cidText(ref.cid)}`)
    }
    if (blob.mimeType !== ref.mimeType) {
      throw new XrpcError(
        400,
        'InvalidMimeType',
        `Referenced MIME type does not match: ${ref.mimeType}, expected ${blob.mimeType}`,
      )
    }
  }
}

function written(did: Did, head: RepoHead, writes: readonly ResolvedWrite[]): Written {
  return {
    commit: { cid: cidText(head.commit), rev: head.rev },
    results: writes.map(({ action, collection, rkey, cid }) => ({
      uri: formatAtUri(did, collection, rkey),
      cid: cid && cidText(cid),
      action,
    })),
  }
}
