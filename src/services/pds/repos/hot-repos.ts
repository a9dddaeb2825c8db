import type { SigningKey } from '#protocol/crypto'
import { type CidBytes, equalBytes } from '#protocol/data'
import { type NodeSource, type RepoHead, Tree } from '#protocol/repo'
import type { Did, Tid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile, AccountFiles } from '../account-files/index.ts'
import type { Account, AccountStatus, Accounts } from '../accounts/index.ts'
import { SubjectsUnderWay } from './doubles.ts'
import type { TreeEdits } from './tree-edits.ts'

/** A state of a repository: the head of its newest commit and its tree. */
export interface RepoState {
  head: RepoHead
  tree: Tree
}

/**
 * One repository in memory. Its state is ahead of the file by the writes that are under way, and
 * visible only to the account's own writers; everybody else reads the file.
 */
export class HotRepo {
  readonly did: Did
  readonly generation: number
  /** Signs its commits. */
  key: SigningKey
  /** What the next write builds on; undefined before the first commit. */
  state: RepoState | undefined
  /** Rev of the newest commit that the network was, or is about to be, told of. */
  announcedRev: Tid | undefined
  /** The network knows another tree than this one's: the next that it hears is a `#sync`. */
  diverged = false
  /** The account's standing, ahead of the directory by what is under way. */
  status: AccountStatus
  /** What the file reflects. */
  applied: RepoState | undefined
  /** The tree that the file's `nodes` hold; undefined when they are of another one, or none. */
  stored: Tree | undefined
  /** What its writes under way are about. */
  readonly subjects = new SubjectsUnderWay()
  /** Changes appended and not yet settled. */
  pendingCount = 0
  /** Set when a change failed: the state is a guess, and is loaded again once all is settled. */
  failed = false
  /** Settles with the newest change; it implies those before it. */
  newest: Promise<void> = Promise.resolve()
  /** Set while the file is being replaced: everybody else waits for it. */
  replacing: Promise<void> | undefined
  /** Writes are refused until this instant: the last step of a move. */
  frozenUntilMs: number
  /** The stored nodes of its tree; whoever closes the file releases the repository first. */
  readonly nodes: NodeSource
  #whenSettled: (() => void)[] = []

  constructor(account: Account, file: AccountFile, nodes: NodeSource, edits: TreeEdits) {
    this.nodes = nodes
    this.did = account.did
    this.generation = account.generation
    this.key = account.signingKey
    this.status = account.status
    this.frozenUntilMs = account.frozenUntilMs
    const head = file.head()
    if (!head) return
    const { tree, stored } = openTree(account, file, head.data, { nodes, edits })
    const { rev, commit, data } = head
    this.state = { head: { did: account.did, rev, commit, data }, tree }
    this.applied = this.state
    this.stored = stored
    this.announcedRev = head.announcedRev
    this.diverged = head.diverged
  }

  /** Notes that a change left the way, whatever came of it. */
  settle(): void {
    this.pendingCount--
    if (this.pendingCount > 0) return
    for (const resolve of this.#whenSettled.splice(0)) resolve()
  }

  /** Resolves when no change is under way. */
  settled(): Promise<void> {
    if (this.pendingCount === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenSettled.push(resolve))
  }
}

/** Repositories kept in memory; each keeps the tree nodes that its writes, and proofs, touched. */
const HOT_MAX = 2_000
/** Bytes of nodes that all of them have read from their files; beyond, those that can be read again are let go. */
const NODE_BYTES_MAX = 8 * 1024 * 1024

/** The bounded set of hot repositories, least recently used first. One writer's turn at a time. */
export class HotRepos {
  readonly #accounts: Accounts
  readonly #files: AccountFiles
  readonly #recover: (did: Did) => Promise<void>
  readonly #edits: TreeEdits
  readonly #hot = new Map<Did, HotRepo>()
  readonly #loading = new Map<Did, Promise<void>>()
  readonly #nodeBytesMax: number
  /** Read since nodes were let go. */
  #nodeBytes = 0

  constructor(options: {
    accounts: Accounts
    files: AccountFiles
    /** Replays the journal for a stopped account; rejects while it cannot be repaired. */
    recover: (did: Did) => Promise<void>
    /** What the replay saw. */
    edits: TreeEdits
    nodeBytesMax?: number
  }) {
    this.#nodeBytesMax = options.nodeBytesMax ?? NODE_BYTES_MAX
    this.#edits = options.edits
    this.#accounts = options.accounts
    this.#files = options.files
    this.#recover = options.recover
  }

  /**
   * Runs `work` on the account's repository, synchronously, when it is in memory and sound. All
   * that changes an account's file or standing goes through here, so that it happens in one order.
   * Rejects with AccountStopped while the account cannot be repaired.
   */
  async use<T>(did: Did, work: (repo: HotRepo) => T | Promise<T>): Promise<T> {
    for (;;) {
      const repo = this.#hot.get(did)
      if (!repo) await this.#load(did)
      else if (repo.replacing) await repo.replacing
      else if (repo.failed) {
        // Changes under way are ahead of the file; what they leave behind is loaded afresh.
        await repo.settled()
        if (this.#hot.get(did) === repo) this.#hot.delete(did)
      } else {
        this.#hot.delete(did)
        this.#hot.set(did, repo)
        this.#letNodesGo()
        return work(repo)
      }
    }
  }

  /**
   * Runs `work`, which puts another generation in the file's place, alone: writers that come wait.
   * Afterwards the repository is loaded afresh.
   */
  async replace<T>(did: Did, work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const repo = await this.use(did, (repo) => {
      repo.replacing = promise
      return repo
    })
    try {
      await repo.settled()
      return await work()
    } finally {
      if (this.#hot.get(did) === repo) this.#hot.delete(did)
      resolve()
    }
  }

  /** Runs `work` on the files of an account whose repository cannot be loaded; writers wait. */
  async alone<T>(did: Did, work: () => Promise<T>): Promise<T> {
    while (this.#loading.has(did)) await this.#loading.get(did)!.catch(() => {})
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#loading.set(did, promise)
    try {
      await this.#hot.get(did)?.settled()
      this.#hot.delete(did)
      return await work()
    } finally {
      this.#loading.delete(did)
      resolve()
    }
  }

  /** The repository if it is in memory and sound. */
  peek(did: Did): HotRepo | undefined {
    this.#letNodesGo()
    const repo = this.#hot.get(did)
    return repo?.failed ? undefined : repo
  }

  file(repo: HotRepo): AccountFile {
    return this.#files.open(repo.did, repo.generation)
  }

  /** The same, and it stays open until `release` is called. */
  hold({ did, generation }: HotRepo): { file: AccountFile; release(): void } {
    return this.#files.hold(did, generation)
  }

  #load(did: Did): Promise<void> {
    let loading = this.#loading.get(did)
    if (!loading) {
      loading = this.#read(did).finally(() => this.#loading.delete(did))
      this.#loading.set(did, loading)
    }
    return loading
  }

  async #read(did: Did): Promise<void> {
    await this.#recover(did)
    const account = await this.#accounts.getAny(did)
    if (!account) throw new Error(`no account ${did}`)
    // Its files are erased, or about to be: opening them would make them again.
    if (account.status === 'deleted') throw repoGone(did)
    this.#files.openToRepair(did, account.generation)
    // Opening it may have shown that it is behind.
    await this.#recover(did)
    const file = this.#files.open(did, account.generation)
    this.#hot.set(did, new HotRepo(account, file, this.#nodesOf(file), this.#edits))
    if (this.#hot.size > HOT_MAX) this.#makeRoom(did)
  }

  #makeRoom(keep: Did): void {
    for (const [did, repo] of this.#hot) {
      if (this.#hot.size <= HOT_MAX) return
      if (did !== keep) this.evict(repo)
    }
  }

  /** Writes the tree to the file and forgets the repository; false while changes are under way. */
  evict(repo: HotRepo): boolean {
    if (repo.pendingCount > 0 || repo.replacing) return false
    this.#hot.delete(repo.did)
    try {
      this.storeTree(repo)
    } catch {
      // Its trouble is not that of whoever needs the room: nodes are built again from the records.
    }
    return true
  }

  /** Called by the open files before one is closed. */
  release(did: Did): boolean {
    const repo = this.#hot.get(did)
    return repo ? this.evict(repo) : true
  }

  /** Brings the file's `nodes` up to the tree of its head. */
  storeTree(repo: HotRepo): void {
    const { applied, stored } = repo
    if (repo.failed || !applied || stored === applied.tree) return
    const file = this.file(repo)
    const { rev, data } = applied.head
    if (stored) {
      const { added, removed } = applied.tree.changes(stored)
      file.writeNodes(data, rev, added, removed)
    } else {
      file.writeNodes(data, rev, applied.tree.blocks(), 'all')
    }
    repo.stored = applied.tree
    openAfresh(repo)
  }

  #nodesOf({ nodes }: AccountFile): NodeSource {
    return {
      ...nodes,
      get: (cid) => {
        const bytes = nodes.get(cid)
        this.#nodeBytes += bytes?.length ?? 0
        return bytes
      },
    }
  }

  /** Keeps what trees hold in memory within its bound; before a tree is handed out, not while one is used. */
  #letNodesGo(): void {
    if (this.#nodeBytes < this.#nodeBytesMax) return
    this.#nodeBytes = 0
    for (const repo of this.#hot.values()) openAfresh(repo)
  }

  /** Stores one account's tree if it is in memory, or what the replay saw of it is. */
  storeNow(did: Did): void {
    const repo = this.#hot.get(did)
    if (repo) this.storeTree(repo)
    else this.#storeEdited(did)
  }

  /** Once the replay point has passed these commits, nobody else will know of them. */
  #storeEdited(did: Did): void {
    const generation = this.#edits.generation(did)
    if (generation === undefined || this.#accounts.peek(did)?.generation !== generation) return
    const file = this.#files.open(did, generation)
    const head = file.head()
    const known = head && this.#edits.take(did, generation, head.data, file.nodes)
    if (!known) return
    const { added, removed } = known.tree.changes(known.stored)
    file.writeNodes(head.data, head.rev, added, removed)
  }

  /** An append failed: every state with changes under way was built on what the disk refused. */
  failAll(): void {
    for (const repo of this.#hot.values()) if (repo.pendingCount > 0) repo.failed = true
  }

  /** The account's file or row does not follow: its state is loaded again, once it does. */
  fail(did: Did): void {
    const repo = this.#hot.get(did)
    if (repo) repo.failed = true
  }

  /** Forgets a repository that is gone. */
  forget(did: Did): void {
    this.#hot.delete(did)
  }

  all(): Iterable<HotRepo> {
    return this.#hot.values()
  }
}

/** Opened afresh, a tree that is stored holds no node in memory until one is asked for. */
function openAfresh(repo: HotRepo): void {
  const { applied, stored, state } = repo
  if (repo.failed || !applied || state !== applied || stored !== applied.tree) return
  const tree = Tree.open(applied.head.data, repo.nodes)
  repo.state = { head: applied.head, tree }
  repo.applied = repo.state
  repo.stored = tree
}

/**
 * The tree of the applied head: from the stored nodes, by the commits since then where the replay saw
 * them, else from the rows. With it the tree that the nodes are of.
 */
function openTree(
  { did, generation }: Account,
  file: AccountFile,
  data: CidBytes,
  { nodes, edits }: { nodes: NodeSource; edits: TreeEdits },
): { tree: Tree; stored: Tree | undefined } {
  const root = file.nodesRoot()
  if (root && equalBytes(root, data)) {
    const tree = Tree.open(data, nodes)
    return { tree, stored: tree }
  }
  const known = edits.take(did, generation, data, nodes)
  if (known) return known
  const tree = Tree.build(paths(file))
  if (!equalBytes(tree.root(), data)) throw file.damaged('the records do not give the signed tree')
  return { tree, stored: undefined }
}

function* paths(file: AccountFile): Iterable<[string, CidBytes]> {
  for (const { path, cid } of file.entries()) yield [path, cid]
}

const repoGone = (did: Did) => new XrpcError(400, 'RepoNotFound', `Could not find repo: ${did}`)
