import type { LateWrites } from '#protocol/account'
import { cidForCbor, type PublicKey, parseDidKey } from '#protocol/crypto'
import { blobRefs, type CidBytes, cidText, decodeCbor, equalBytes } from '#protocol/data'
import { type Directory, identityOf, type PlcClient, plcState } from '#protocol/identity'
import {
  encodeCommit,
  MAX_REV_AHEAD_MS,
  type NodeSource,
  type RepoHead,
  type RepoRecord,
  readRepo,
  type Tree,
} from '#protocol/repo'
import { type Did, ProtocolError, type Tid, type TidClock, tidMicros } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile, AccountFiles, FileHead } from '../account-files/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import { AccountStopped, type Change, type Journal, Kind, refused } from '../journal/index.ts'
import type { HotRepos, Repos } from '../repos/index.ts'
import { type Merge, planChanges, planMerge, readChanges, readNodes } from './changes.ts'
import { FileSpill } from './file-spill.ts'
import { applySwitch, encodeSwitch } from './switch.ts'

/** Conflicts that a receipt names. */
const CONFLICTS_NAMED = 1_000

/** The host an account was at, read after it left. */
export interface LateSource {
  /** The rev there of what was copied, and the rev here when both had the same tree. */
  since: Tid
  sinceHere: Tid
  /** did:key that signed there. */
  sourceKey: string | undefined
  /** The repository as CAR: what is new since a rev, or all of it. */
  repo(since: Tid | undefined): Promise<AsyncIterable<Uint8Array>>
  /** Copies a blob here; false where it is not to be had. */
  bring(cid: string): Promise<boolean>
}

/** Imports at once: each holds a few megabytes and one staged file. */
const AT_ONCE_MAX = 4

/**
 * Takes in whole repositories. The records go into a new generation of the account's file, which
 * nobody sees; one journal entry then switches to it, with a commit of the same tree signed by the
 * account's key here and a rev above every rev known. A crash before that leaves the old state.
 */
export class Imports {
  readonly #files: AccountFiles
  readonly #hot: HotRepos
  readonly #journal: Journal
  readonly #clock: TidClock
  readonly #now: () => number
  readonly #accounts: Accounts
  readonly #directory: Directory
  readonly #plc: PlcClient
  readonly #repos: () => Repos
  readonly #running = new Set<Did>()

  constructor(options: {
    files: AccountFiles
    hot: HotRepos
    journal: Journal
    clock: TidClock
    now: () => number
    accounts: Accounts
    directory: Directory
    plc: PlcClient
    repos: () => Repos
  }) {
    this.#files = options.files
    this.#hot = options.hot
    this.#journal = options.journal
    this.#clock = options.clock
    this.#now = options.now
    this.#accounts = options.accounts
    this.#directory = options.directory
    this.#plc = options.plc
    this.#repos = options.repos
  }

  /**
   * Any order of blocks, bounded memory. Throws what `readRepo` throws, naming what is wrong with
   * the repository; ImportUnderWay (409), NotEnoughResources (503).
   */
  async run({ did }: Account, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#running.has(did)) {
      throw new XrpcError(409, 'ImportUnderWay', 'An import of this account is under way')
    }
    if (this.#running.size >= AT_ONCE_MAX) {
      const headers = { 'retry-after': '10' }
      throw new XrpcError(503, 'NotEnoughResources', 'Too many imports at once', { headers })
    }
    this.#running.add(did)
    try {
      await this.#run(did, chunks)
    } finally {
      this.#running.delete(did)
    }
  }

  /**
   * Brings what changed at the host the account is still at: a CAR of `getRepo` with the `since` of
   * what came before. Costs what changed, not what there is. Returns the head it is at now. Throws
   * MissingBlock or TooLarge when only a whole import can help; else as `run`.
   */
  async follow(
    account: Account,
    chunks: AsyncIterable<Uint8Array>,
    sourceKey?: string,
  ): Promise<RepoHead> {
    const { did } = account
    if (this.#running.has(did)) {
      throw new XrpcError(409, 'ImportUnderWay', 'An import of this account is under way')
    }
    this.#running.add(did)
    try {
      const keys = await this.#keys(account, sourceKey)
      const changes = await readChanges(chunks, { did, keys })
      requireInTime(changes.head.rev, this.#now())
      const { rev, data } = changes.head
      await this.#repos().follow(did, { follows: rev, data }, (tree, nodes) =>
        planChanges(changes, tree, nodes),
      )
      return changes.head
    } finally {
      this.#running.delete(did)
    }
  }

  /**
   * Brings what was written at the host the account was at, after it came here: ordinary writes, signed
   * here. What changed here since `sinceHere` stays. Repeating it changes nothing.
   */
  async sweep(account: Account, from: LateSource): Promise<LateWrites> {
    const { did } = account
    const keys = await this.#keys(account, from.sourceKey)
    const changes = await readChanges(await from.repo(from.since), { did, keys })
    let nodes: NodeSource | undefined
    const planned = (tree: Tree, stored: NodeSource, file: AccountFile) => {
      const known = nodes ? { get: (cid: CidBytes) => nodes!.get(cid) ?? stored.get(cid) } : stored
      const isChangedHere = (path: string) => (file.revOf(path) ?? '') > from.sinceHere
      return planMerge(changes, tree, known, isChangedHere)
    }
    const plan = () =>
      this.#repos().look(did, (tree, stored, file) => {
        const merge = planned(tree, stored, file)
        const blobs = merge.batches.flat().flatMap((write) => write.blobs)
        return { merge, missing: blobs.filter(({ cid }) => !file.blobs.get(cid)) }
      })
    const { missing } = await plan().catch(async (error: unknown) => {
      if (!(error instanceof ProtocolError) || error.code !== 'MissingBlock') throw error
      // The tree changed here in places where it did not there: the nodes of before are needed.
      nodes = await readNodes(await from.repo(undefined))
      return plan()
    })
    const lost: CidBytes[] = []
    for (const { cid } of missing) if (!(await from.bring(cidText(cid)))) lost.push(cid)
    let merge: Merge | undefined
    await this.#repos().merge(did, (tree, stored, file) => {
      merge = planned(tree, stored, file)
      return merge.batches
    })
    // Missing they are, whatever mentions them.
    if (lost.length > 0) {
      await this.#repos().look(did, (_, __, file) => {
        for (const cid of lost) file.blobs.forget(cid)
      })
    }
    const { rev, commit, data } = changes.head
    return {
      head: { rev, commit: cidText(commit), data: cidText(data) },
      records: merge!.records,
      conflicts: merge!.conflicts.slice(0, CONFLICTS_NAMED),
      conflictCount: merge!.conflicts.length,
    }
  }

  async #run(did: Did, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const account = await requireDeactivated(this.#accounts, did)
    const before = account.generation
    const generation = before + 1
    // Left behind by a crash, if at all.
    for (let other = 1; other <= generation; other++) {
      if (other !== before) this.#files.remove(did, other)
    }
    const { file, release } = this.#files.hold(did, generation)
    let isSwitched = false
    try {
      const source = await this.#stage(account, file, chunks)
      await this.#hot.replace(did, async () => {
        const change = await this.#prepareSwitch(did, file, source)
        isSwitched = true
        await this.#journal.append([change]).applied
        await file.sync()
      })
      release()
      this.#files.remove(did, before)
    } catch (error) {
      release()
      // Durable but not applied: the replay needs the staged file.
      const isKept = isSwitched && error instanceof AccountStopped
      if (!isKept) this.#files.remove(did, generation)
      throw refused(error)
    }
  }

  async #stage(
    account: Account,
    staged: AccountFile,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<RepoHead> {
    const { did } = account
    const spill = new FileSpill(staged)
    const keys = await this.#keys(account)
    const nodes: [CidBytes, Uint8Array][] = []
    const onNode = (cid: CidBytes, bytes: Uint8Array) => void nodes.push([cid, bytes])
    const reading = await readRepo(chunks, { did, keys, spill, onNode })
    const { rev, data } = reading.head
    requireInTime(rev, this.#now())
    const putNodes = () => {
      for (const [cid, bytes] of nodes.splice(0)) staged.stageNode(cid, bytes, rev)
    }
    for await (const batch of reading.records) {
      staged.transaction(() => {
        putNodes()
        for (const record of batch) putRecord(staged, record, rev)
      })
    }
    staged.transaction(putNodes)
    staged.endStaging(data)
    return reading.head
  }

  /** Keys that may have signed what comes in: the account's, now and before, here and elsewhere. */
  async #keys({ did, signingKey }: Account, sourceKey?: string): Promise<PublicKey[]> {
    const keys = new Set([signingKey.publicKey.didKey])
    if (sourceKey !== undefined) keys.add(sourceKey)
    const document = await this.#directory.document(did, { fresh: true })
    const current = document && identityOf(document).signingKey
    if (current) keys.add(current)
    if (did.startsWith('did:plc:')) {
      const log = await this.#plc.log(did)
      for (const { operation } of log?.valid ?? []) {
        const key = plcState(operation)?.verificationMethods.atproto
        if (key) keys.add(key)
      }
    }
    return [...keys].map(parseDidKey)
  }

  /** Alone with the account's file: what only it holds is taken over, and all is on the disk. */
  async #prepareSwitch(did: Did, staged: AccountFile, source: RepoHead): Promise<Change> {
    const account = await requireDeactivated(this.#accounts, did)
    const old = this.#files.open(did, account.generation)
    // All of the account's entries so far went into the old file: none of them is this one's.
    const before = this.#journal.stream.bounds().durable
    staged.applying(before, () => staged.takePrivateState(old))
    await staged.sync()
    const generation = account.generation + 1
    const known = old.head()
    const rev = this.#clock.next(known && known.rev > source.rev ? known.rev : source.rev)
    const bytes = encodeCommit({ did, rev, data: source.data }, account.signingKey)
    const head: FileHead = {
      rev,
      commit: cidForCbor(bytes),
      data: source.data,
      bytes,
      ...announcedBefore(known, source),
    }
    return {
      did,
      kind: Kind.importSwitch,
      make: () => encodeSwitch({ generation, head }),
      file: { generation, apply: applySwitch(head) },
      directory: (seq) => this.#accounts.projectGeneration(did, generation, seq),
    }
  }
}

/**
 * What the network knows of a repository that comes in. Its newest commit, when it comes from where the
 * account was; but one that is older than what was announced here goes back in time.
 */
function announcedBefore(
  known: FileHead | undefined,
  source: RepoHead,
): Pick<FileHead, 'announcedRev' | 'diverged'> {
  if (known?.announcedRev === undefined || source.rev > known.announcedRev) {
    return { announcedRev: source.rev, diverged: false }
  }
  const diverged = known.diverged || !equalBytes(known.data, source.data)
  return { announcedRev: known.announcedRev, diverged }
}

function requireInTime(rev: Tid, nowMs: number): void {
  if (tidMicros(rev) / 1000 <= nowMs + MAX_REV_AHEAD_MS) return
  throw new XrpcError(400, 'InvalidRepo', `The repository's rev is in the future: ${rev}`)
}

async function requireDeactivated(accounts: Accounts, did: Did): Promise<Account> {
  const account = await accounts.get(did)
  if (account?.status === 'deactivated') return account
  throw new XrpcError(400, 'InvalidRequest', 'Only a deactivated account can take an import')
}

function putRecord(file: AccountFile, { path, cid, bytes }: RepoRecord, rev: string): void {
  file.putRecord({ path, cid, value: bytes }, rev, blobRefs(decodeCbor(bytes)))
}
