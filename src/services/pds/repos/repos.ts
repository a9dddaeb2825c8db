import type { SigningKey } from '#protocol/crypto'
import { type BlobRef, ByteMap, type CidBytes, cidText, equalBytes } from '#protocol/data'
import { commitEvent, planCommit, type RepoHead, syncEvent, Tree } from '#protocol/repo'
import {
  type AtUri,
  type Did,
  formatAtUri,
  ProtocolError,
  type Tid,
  type TidClock,
} from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile } from '../account-files/index.ts'
import type { Account, AccountStatus, Accounts } from '../accounts/index.ts'
import { type Change, type Journal, Kind } from '../journal/index.ts'
import { applyChange, changeOfPlan } from './commit-change.ts'
import { doublesOf } from './doubles.ts'
import type { HotRepo, HotRepos, RepoState } from './hot-repos.ts'
import type { PlannedWrite } from './planned-write.ts'

/** What a write came to. */
export interface Written {
  commit: { cid: string; rev: Tid }
  results: { uri: AtUri; cid: string | undefined; action: 'create' | 'update' | 'delete' }[]
}

/** 200 operations a commit, from the specification of `subscribeRepos`. */
const WRITES_MAX = 200
/** Changes under way for one account; more are refused until some settle. */
const PENDING_MAX = 512
/** Records looked at for their subjects before others have their turn: some milliseconds. */
const NOTED_AT_ONCE = 2_000

/** Makes uploaded bytes durable before a record refers to them. */
export type SyncBlobs = (account: Account, cids: readonly CidBytes[]) => Promise<void>

/** A commit that is decided and signed, and not yet in the journal. */
interface Planned {
  change: Change
  state: RepoState
  announcedRev: Tid | undefined
  commitBytes: Uint8Array
}

/**
 * The only write path of every record of the host. A write is decided and signed in memory against
 * the account's in-memory head, appended to the journal, applied to the account's file once
 * durable, and only then answered. Writes of one account pipeline: the next is decided while the
 * one before is still on its way to the disk.
 */
export class Repos {
  readonly #accounts: Accounts
  readonly #hot: HotRepos
  readonly #journal: Journal
  readonly #clock: TidClock
  readonly #now: () => number
  readonly #syncBlobs: SyncBlobs

  constructor(options: {
    accounts: Accounts
    hot: HotRepos
    journal: Journal
    clock: TidClock
    now: () => number
    syncBlobs: SyncBlobs
  }) {
    this.#accounts = options.accounts
    this.#hot = options.hot
    this.#journal = options.journal
    this.#clock = options.clock
    this.#now = options.now
    this.#syncBlobs = options.syncBlobs
  }

  /**
   * Writes records of an active account as one commit. Throws InvalidSwap, InvalidRequest,
   * BlobNotFound, InvalidMimeType, RepoDeactivated, RateLimitExceeded (429); RepoFrozen,
   * NotEnoughResources, AccountStopped (503 with Retry-After).
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
    if (blobs.length > 0) {
      await this.#syncBlobs(account, cidsOf(blobs))
    }
    if (writes.some(({ onlyOne }) => onlyOne)) await this.#noteSubjects(account.did)
    return this.#hot.use(account.did, (repo) => this.#commit(repo, writes, blobs, swapCommit))
  }

  /** Once for each account: its file learns what its likes, reposts, follows and blocks are about. */
  async #noteSubjects(did: Did): Promise<void> {
    const note = async (repo: HotRepo): Promise<boolean> => {
      const { file, release } = this.#hot.hold(repo)
      try {
        if (file.noteSubjects(NOTED_AT_ONCE)) return true
        // Others have their turn, and the file's log is folded as it grows.
        await file.sync()
        return false
      } finally {
        release()
      }
    }
    while (!(await this.#hot.use(did, note)));
  }

  /** Synchronous up to the append, so that the writes of one account never interleave. */
  #commit(
    repo: HotRepo,
    writes: readonly PlannedWrite[],
    blobs: readonly BlobRef[],
    swapCommit: CidBytes | undefined,
  ): Promise<Written> {
    refuseInactive(repo)
    this.#refuseWhenBusy(repo)
    const { head } = requireState(repo)
    const resolved = resolveWrites(repo, this.#withoutDoubles(repo, writes))
    if (writes.length > 0 && resolved.length === 0) return unchanged(repo, head)
    if (swapCommit && !equalBytes(swapCommit, head.commit)) {
      throw new XrpcError(400, 'InvalidSwap', `Commit was at ${cidText(head.commit)}`)
    }
    if (resolved.length === 0) return unchanged(repo, head)
    if (blobs.length > 0) requireBlobs(this.#hot.file(repo), blobs)
    const planned = this.#plan(repo, resolved, Kind.commit)
    const applied = this.#append(repo, [planned.change], planned)
    return applied.then(() => written(repo.did, planned.state.head, resolved))
  }

  #withoutDoubles(repo: HotRepo, writes: readonly PlannedWrite[]): readonly PlannedWrite[] {
    if (!writes.some(({ onlyOne }) => onlyOne)) return writes
    const { tree } = requireState(repo)
    const file = this.#hot.file(repo)
    return writes.flatMap((write) =>
      write.onlyOne ? [...doublesOf(write, tree, file, repo.subjects), write] : [write],
    )
  }

  #refuseWhenBusy(repo: HotRepo): void {
    refuseWhenFull(repo)
    if (repo.frozenUntilMs <= this.#now()) repo.frozenUntilMs = 0
    else {
      throw new XrpcError(503, 'RepoFrozen', 'The account is moving to another host', {
        headers: { 'retry-after': '2' },
      })
    }
  }

  /** Plans a commit on the in-memory state. It becomes the state when it is appended. */
  #plan(
    repo: HotRepo,
    writes: readonly ResolvedWrite[],
    kind: typeof Kind.commit | typeof Kind.quietCommit,
    follows?: Tid,
  ): Planned {
    const { did, generation, key, state: before } = repo
    const newest = follows && !(before && before.head.rev > follows) ? follows : before?.head.rev
    const rev = this.#clock.next(newest)
    const tree = before?.tree ?? Tree.empty()
    const plan = planCommit({ did, tree, head: before?.head, writes, rev, key })
    const announced = kind === Kind.commit
    const timeMs = this.#now()
    const known = follows ?? repo.announcedRev
    const change = changeOfPlan(plan, writes, announced, timeMs, announced ? undefined : known)
    const state = { head: plan.head, tree: plan.tree }
    const settleSubjects = repo.subjects.note(writes)
    const frame = {
      plan,
      since: known ?? null,
      blobs: cidsOf(change.ops.flatMap(({ blobs }) => blobs ?? [])),
      time: new Date(timeMs).toISOString(),
    }
    return {
      state,
      announcedRev: announced ? rev : known,
      commitBytes: plan.commitBytes,
      change: {
        did,
        kind,
        make: (seq) => commitEvent({ ...frame, seq }),
        file: {
          generation,
          apply(file) {
            applyChange(file, change)
            repo.applied = state
            settleSubjects()
          },
        },
      },
    }
  }

  /** Appends changes that belong together as one batch, and moves the in-memory state on. */
  #append(
    repo: HotRepo,
    changes: readonly Change[],
    next?: { state: RepoState; announcedRev: Tid | undefined },
  ): Promise<void> {
    const { applied, answered } = this.#journal.append(changes)
    if (next) {
      repo.state = next.state
      repo.announcedRev = next.announcedRev
    }
    repo.pendingCount++
    const settled = applied.then(
      () => repo.settle(),
      (error) => {
        // The state in memory was a promise that the disk did not keep.
        repo.failed = true
        repo.settle()
        throw error
      },
    )
    repo.newest = settled
    settled.catch(() => {})
    // Where a copy elsewhere takes too long, the caller hears that; the change is still on its way.
    return answered === applied ? settled : answered.then(() => settled)
  }

  /**
   * Appends other changes of one account in their turn: of its standing, when `status` says what
   * it becomes, or of its private data. Empty changes append nothing.
   */
  change(
    did: Did,
    changesOf: (repo: HotRepo) => readonly Change[],
    status?: AccountStatus,
  ): Promise<void> {
    return this.#hot.use(did, (repo) => {
      refuseWhenFull(repo)
      const changes = changesOf(repo)
      if (changes.length === 0) return
      const applied = this.#append(repo, changes)
      if (status !== undefined) repo.status = status
      return applied
    })
  }

  /**
   * The first commit of a new repository (empty tree), with `others` before it in the same atomic
   * batch. Quiet for an account that is not active yet. Does nothing when it was made before.
   */
  create(did: Did, others: readonly Change[], status: 'active' | 'deactivated'): Promise<void> {
    return this.#hot.use(did, (repo) => {
      if (repo.state) return
      const planned = this.#plan(repo, [], status === 'active' ? Kind.commit : Kind.quietCommit)
      const applied = this.#append(repo, [...others, planned.change], planned)
      repo.status = status
      return applied
    })
  }

  /**
   * Events of an account that comes alive here, in one batch: `others` (`#identity`, `#account`),
   * then an empty commit signed by this host's key that follows what the network knows, or a
   * `#sync` where it knows another tree. Does nothing when it is active already. Throws
   * InvalidRequest when it is not `from`.
   */
  activate(
    did: Did,
    others: readonly Change[],
    from: AccountStatus = 'deactivated',
  ): Promise<void> {
    return this.#hot.use(did, (repo) => {
      if (repo.status === 'active') return repo.newest
      if (repo.status !== from) throw new XrpcError(400, 'InvalidRequest', 'Not possible')
      requireState(repo)
      const applied = repo.diverged
        ? this.#appendSync(repo, others)
        : this.#appendCommit(repo, others)
      repo.status = 'active'
      return applied
    })
  }

  /** Says to the network what an active repository is now: after a restore it may believe otherwise. */
  announce(did: Did): Promise<void> {
    return this.#hot.use(did, (repo) => {
      refuseInactive(repo)
      requireState(repo)
      return this.#appendSync(repo, [])
    })
  }

  /**
   * Signs by another key from here on. `others` tell of it; an empty commit follows, because the head
   * is signed by the key before. Quiet where the account is not active: it is told when it is.
   */
  rekey(did: Did, key: SigningKey, others: readonly Change[]): Promise<void> {
    return this.#hot.use(did, (repo) => {
      repo.key = key
      if (!repo.state) return repo.newest
      if (repo.status === 'active') {
        return repo.diverged ? this.#appendSync(repo, others) : this.#appendCommit(repo, others)
      }
      const planned = this.#plan(repo, [], Kind.quietCommit)
      return this.#append(repo, [planned.change], planned)
    })
  }

  /**
   * Writes of an account that is still elsewhere, brought here: quiet commits that end in the tree
   * `data`, which the network knows by the rev `follows`. `plan` sees the tree as it is here, its nodes
   * stored. Throws InvalidRequest when the account is not deactivated, MissingBlock when the outcome
   * is another tree.
   */
  async follow(
    did: Did,
    { follows, data }: { follows: Tid; data: CidBytes },
    plan: (tree: Tree, nodes: HotRepo['nodes']) => readonly ResolvedWrite[][],
  ): Promise<void> {
    await (await this.#hot.use(did, (repo) => repo)).settled()
    await this.#hot.use(did, (repo) => {
      if (repo.status !== 'deactivated') {
        throw new XrpcError(
          400,
          'InvalidRequest',
          'Only a deactivated account follows another host',
        )
      }
      this.#hot.storeTree(repo)
      const { tree } = requireState(repo)
      let applied = repo.newest
      for (const writes of plan(tree, repo.nodes)) {
        const planned = this.#plan(repo, writes, Kind.quietCommit, follows)
        applied = this.#append(repo, [planned.change], planned)
      }
      const outcome = requireState(repo).head.data
      return applied.then(() => {
        if (equalBytes(outcome, data)) return
        throw new ProtocolError('MissingBlock', 'the changes do not give the tree that was signed')
      })
    })
  }

  /** Looks at a repository as it is, its nodes stored, in the account's turn. */
  async look<T>(
    did: Did,
    look: (tree: Tree, nodes: HotRepo['nodes'], file: AccountFile) => T,
  ): Promise<T> {
    await (await this.#hot.use(did, (repo) => repo)).settled()
    return this.#hot.use(did, (repo) => {
      this.#hot.storeTree(repo)
      return look(requireState(repo).tree, repo.nodes, this.#hot.file(repo))
    })
  }

  /** Writes of an active account that were decided elsewhere; `plan` as in `look`. Throws RepoDeactivated. */
  async merge(
    did: Did,
    plan: (
      tree: Tree,
      nodes: HotRepo['nodes'],
      file: AccountFile,
    ) => readonly (readonly ResolvedWrite[])[],
  ): Promise<void> {
    await (await this.#hot.use(did, (repo) => repo)).settled()
    await this.#hot.use(did, (repo) => {
      refuseInactive(repo)
      this.#hot.storeTree(repo)
      let applied = repo.newest
      for (const writes of plan(requireState(repo).tree, repo.nodes, this.#hot.file(repo))) {
        const planned = this.#plan(repo, writes, Kind.commit)
        applied = this.#append(repo, [planned.change], planned)
      }
      return applied
    })
  }

  #appendCommit(repo: HotRepo, others: readonly Change[]): Promise<void> {
    const planned = this.#plan(repo, [], Kind.commit)
    return this.#append(repo, [...others, planned.change], planned)
  }

  /** A fresh commit that follows from nothing the network knows, and the `#sync` that tells of it. */
  #appendSync(repo: HotRepo, others: readonly Change[]): Promise<void> {
    const planned = this.#plan(repo, [], Kind.quietCommit)
    const { did, generation } = repo
    const { rev, commit } = planned.state.head
    const time = new Date(this.#now()).toISOString()
    const frame = { did, rev, commit, commitBytes: planned.commitBytes, time }
    const sync = syncChange(frame, generation)
    const next = { state: planned.state, announcedRev: rev }
    const applied = this.#append(repo, [...others, planned.change, sync], next)
    repo.diverged = false
    return applied
  }

  /**
   * Refuses writes until an instant, also after a restart; the head then only settles. Resolves to
   * it when it has.
   */
  async freeze(did: Did, untilMs: number): Promise<RepoHead | undefined> {
    await this.#accounts.setFrozenUntil(did, untilMs)
    const repo = await this.#hot.use(did, (repo) => {
      repo.frozenUntilMs = untilMs
      return repo
    })
    await repo.settled()
    return repo.applied?.head
  }
}

/** `#sync`: the head as it is, whatever the network knew before. */
export function syncChange(
  frame: Omit<Parameters<typeof syncEvent>[0], 'seq'>,
  generation: number,
): Change {
  return {
    did: frame.did,
    kind: Kind.sync,
    make: (seq) => syncEvent({ ...frame, seq }),
    file: { generation, apply: (file) => file.announceHead() },
  }
}

export interface ResolvedWrite extends PlannedWrite {
  action: 'create' | 'update' | 'delete'
}

function requireState(repo: HotRepo): RepoState {
  if (repo.state) return repo.state
  throw new XrpcError(400, 'RepoNotFound', 'The repository has no commit yet')
}

/** The account may have changed its standing since the caller was let in. */
function refuseInactive({ status, did }: HotRepo): void {
  if (status === 'active') return
  throw new XrpcError(400, 'RepoDeactivated', `Not an active account: ${did}`)
}

function refuseWhenFull(repo: HotRepo): void {
  if (repo.pendingCount < PENDING_MAX) return
  const headers = { 'retry-after': '1' }
  const message = 'Too many writes under way for this account'
  throw new XrpcError(429, 'RateLimitExceeded', message, { headers })
}

/** Nothing to write; still an answer about writes under way, so it waits for them. */
async function unchanged(repo: HotRepo, head: RepoHead): Promise<Written> {
  await repo.newest
  return written(repo.did, head, [])
}

/**
 * Turns puts into creates or updates and checks `swapRecord` against the in-memory head. Deletes of
 * what does not exist and puts that change nothing fall away first, as the lexicons say: whoever
 * wanted that has it, whatever they believed was there before.
 */
function resolveWrites(repo: HotRepo, writes: readonly PlannedWrite[]): ResolvedWrite[] {
  const { tree } = requireState(repo)
  return writes.flatMap((write) => {
    if (write.action === 'create') return [write as ResolvedWrite]
    const current = tree.get(write.path)
    if (write.action === 'delete' && !current && write.optional) return []
    if (write.action === 'put' && current && write.cid && equalBytes(current, write.cid)) return []
    if (write.swapRecord !== undefined) refuseSwap(write.swapRecord, current)
    if (write.action !== 'put') return [write as ResolvedWrite]
    return [{ ...write, action: current ? 'update' : 'create' } as ResolvedWrite]
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
    const blob = file.blobs.get(ref.cid)
    if (!blob) {
      throw new XrpcError(400, 'BlobNotFound', `Could not find blob: ${cidText(ref.cid)}`)
    }
    // Of one that other records name, the type they gave it may be another (one that was moved here).
    if (blob.mimeType !== ref.mimeType && !file.blobs.isReferenced(ref.cid)) {
      throw new XrpcError(
        400,
        'InvalidMimeType',
        `Referenced MIME type does not match: ${ref.mimeType}, expected ${blob.mimeType}`,
      )
    }
    if (blob.size !== ref.size) {
      const message = `Referenced size does not match: ${ref.size}, expected ${blob.size}`
      throw new XrpcError(400, 'InvalidSize', message)
    }
  }
}

/** Each CID once. */
function cidsOf(blobs: readonly BlobRef[]): CidBytes[] {
  if (blobs.length < 2) return blobs.map(({ cid }) => cid)
  const found = new ByteMap<true>()
  for (const { cid } of blobs) found.set(cid, true)
  return Array.from(found.entries(), ([cid]) => cid)
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
