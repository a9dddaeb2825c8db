import type { SigningKey } from '#protocol/crypto'
import { equalBytes } from '#protocol/data'
import { type RepoHead, Tree } from '#protocol/repo'
import type { Did, Tid } from '#protocol/syntax'
import type { AccountFile, AccountFiles } from '../account-files/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'

/**
 * The in-memory head of one repository: ahead of the file by the writes that are under way.
 * Visible only to the account's own writers; everybody else reads the file.
 */
export interface HotRepo {
  readonly did: Did
  readonly generation: number
  readonly key: SigningKey
  head: RepoHead | undefined
  announcedRev: Tid | undefined
  tree: Tree
  /** The tree that the file's `nodes` hold. */
  stored: Tree | undefined
  /** Writes appended and not yet settled. */
  pendingCount: number
  /** Set when an append failed: the head is a guess, and is loaded again once all is settled. */
  failed: boolean
  settled: Promise<void>
  /** Writes are refused until this instant: the last step of a move. */
  frozenUntilMs: number
}

/** Repositories whose head is kept; each keeps the tree nodes that its writes touched. */
const HOT_MAX = 2_000

/** The bounded set of hot repositories. */
export class HotRepos {
  readonly #accounts: Accounts
  readonly #files: AccountFiles
  readonly #recover: (did: Did) => Promise<void>
  readonly #hot = new Map<Did, HotRepo>()
  readonly #loading = new Map<Did, Promise<HotRepo>>()

  constructor(options: {
    accounts: Accounts
    files: AccountFiles
    /** Replays the journal for a stopped account; rejects while it cannot be repaired. */
    recover: (did: Did) => Promise<void>
  }) {
    this.#accounts = options.accounts
    this.#files = options.files
    this.#recover = options.recover
  }

  async get(account: Account): Promise<HotRepo> {
    for (;;) {
      const known = this.#hot.get(account.did)
      if (!known) return this.#load(account)
      if (!known.failed && known.generation === account.generation) return known
      // Pending writes are ahead of the file; what they leave behind is loaded afresh.
      await known.settled
      if (this.#hot.get(account.did) === known) this.#hot.delete(account.did)
    }
  }

  /** The hot repository if it is in memory. */
  peek(did: Did): HotRepo | undefined {
    return this.#hot.get(did)
  }

  file(repo: { did: Did; generation: number }): AccountFile {
    return this.#files.open(repo.did, repo.generation)
  }

  #load(account: Account): Promise<HotRepo> {
    const loading = this.#loading.get(account.did)
    if (loading) return loading
    const load = this.#read(account).finally(() => this.#loading.delete(account.did))
    this.#loading.set(account.did, load)
    return load
  }

  async #read(account: Account): Promise<HotRepo> {
    await this.#recover(account.did)
    const current = (await this.#accounts.getPending(account.did)) ?? account
    const { did, generation, signingKey: key } = current
    const file = this.#files.open(did, generation)
    const head = file.head()
    const { tree, stored } = openTree(file, head?.data)
    const repo: HotRepo = {
      did,
      generation,
      key,
      head: head && { did, rev: head.rev, commit: head.commit, data: head.data },
      announcedRev: head?.announcedRev,
      tree,
      stored,
      pendingCount: 0,
      failed: false,
      settled: Promise.resolve(),
      frozenUntilMs: 0,
    }
    this.#hot.set(did, repo)
    if (this.#hot.size > HOT_MAX) this.#makeRoom(did)
    return repo
  }

  #makeRoom(keep: Did): void {
    for (const [did, repo] of this.#hot) {
      if (this.#hot.size <= HOT_MAX) return
      if (did !== keep) this.evict(repo)
    }
  }

  /** Writes the tree to the file and forgets the head; false while writes are under way. */
  evict(repo: HotRepo): boolean {
    if (repo.pendingCount > 0) return false
    this.storeTree(repo)
    this.#hot.delete(repo.did)
    return true
  }

  /** Called by the open files before one is closed. */
  release(did: Did): boolean {
    const repo = this.#hot.get(did)
    return repo ? this.evict(repo) : true
  }

  /**
   * Brings the file's `nodes` up to the applied head. Skipped while writes are under way: then
   * the file's head is behind the tree in memory.
   */
  storeTree(repo: HotRepo): void {
    if (repo.pendingCount > 0 || repo.failed || !repo.head || repo.stored === repo.tree) return
    const file = this.#files.open(repo.did, repo.generation)
    const { rev, data } = repo.head
    if (repo.stored) {
      file.writeNodes(data, rev, repo.tree.newBlocks(repo.stored), repo.tree.removed(repo.stored))
    } else {
      file.writeNodes(data, rev, repo.tree.blocks(), 'all')
    }
    // Opened afresh, the tree holds no node in memory until one is asked for.
    repo.tree = Tree.open(data, file.nodes)
    repo.stored = repo.tree
  }

  /** Stores one account's tree if it is in memory and at rest. */
  storeNow(did: Did): void {
    const repo = this.#hot.get(did)
    if (repo) this.storeTree(repo)
  }

  /** An append failed: every head with writes under way was built on what the disk refused. */
  fail(): void {
    for (const repo of this.#hot.values()) if (repo.pendingCount > 0) repo.failed = true
  }

  /** Forgets the head without storing: the file was replaced. */
  forget(did: Did): void {
    this.#hot.delete(did)
  }

  all(): Iterable<HotRepo> {
    return this.#hot.values()
  }
}

/** The tree of the applied head: from the stored nodes when they are current, else from the rows. */
export function openTree(
  file: AccountFile,
  data: Uint8Array | undefined,
): { tree: Tree; stored: Tree | undefined } {
  if (!data) return { tree: Tree.empty(), stored: undefined }
  const root = file.nodesRoot()
  if (root && equalBytes(root, data)) {
    const tree = Tree.open(data, file.nodes)
    return { tree, stored: tree }
  }
  const tree = Tree.build(paths(file))
  if (!equalBytes(tree.root(), data)) {
    throw new Error(`the records of ${file.path} do not give the signed tree`)
  }
  return { tree, stored: undefined }
}

function* paths(file: AccountFile): Iterable<[string, Uint8Array]> {
  for (const { path, cid } of file.entries()) yield [path, cid]
}
