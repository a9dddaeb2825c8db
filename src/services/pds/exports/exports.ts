import { type SqliteReader, StorageError } from '#platform/storage'
import {
  ByteMap,
  type CidBytes,
  carBlock,
  carHeader,
  cidText,
  concatBytes,
  equalBytes,
} from '#protocol/data'
import { BlockMap, Tree } from '#protocol/repo'
import type { Tid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile, AccountFiles, FileHead } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import type { HotRepos } from '../repos/index.ts'
import { CarChunks } from './car-chunks.ts'
import { scannedTree } from './tree-scan.ts'

/** Bytes gathered before they are handed on. */
const CHUNK_BYTES = 128 * 1024
/** Exports at once: each holds a connection and keeps its file's log from being folded. */
/** How often, and how far apart, an export looks whether a change has settled: half a second. */
const SETTLE_TRIES = 100
const SETTLE_PAUSE_MS = 5
const AT_ONCE_MAX = 64
const CID_BYTES = 36
/** Rows looked through before others get their turn. */
const SCAN_ROWS = 2_000

interface Head {
  rev: Tid
  cid: CidBytes
  data: CidBytes
  bytes: Uint8Array
  nodes_root: CidBytes | null
}

/** Repositories and parts of them as CARs. */
export class Exports {
  readonly #files: AccountFiles
  readonly #hot: HotRepos
  readonly #sleep: (ms: number) => Promise<void>
  #openCount = 0

  constructor(options: {
    files: AccountFiles
    hot: HotRepos
    sleep: (ms: number) => Promise<void>
  }) {
    this.#files = options.files
    this.#hot = options.hot
    this.#sleep = options.sleep
  }

  /**
   * The whole repository in the order of a walk of its tree: each node, then what is below it and
   * its records in order of key. With `since`, the blocks of later commits (a superset where nodes
   * were stored later than made), in any order. One consistent view on a connection of its own,
   * closed at the end, on abort, and by its deadline: a slow reader never holds back the writer.
   * Throws RepoNotFound, NotEnoughResources.
   */
  async repo(
    account: Account,
    { since, signal }: { since?: Tid | undefined; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    await this.#applied(account)
    if (this.#openCount >= AT_ONCE_MAX) {
      const headers = { 'retry-after': '10' }
      throw new XrpcError(503, 'NotEnoughResources', 'Too many exports at once', { headers })
    }
    return this.#chunks(account, since, signal)
  }

  /** Nothing is opened before the first chunk is asked for. */
  async *#chunks(
    { did, generation }: Account,
    since: Tid | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    this.#openCount++
    let reader: SqliteReader | undefined
    try {
      this.#hot.storeNow(did)
      reader = this.#files.openSnapshot(did, generation)
      for (const chunk of repoChunks(reader, since)) {
        if (signal.aborted) return
        yield chunk
      }
    } catch (error) {
      const isDamage = error instanceof StorageError && error.code === 'Corrupt'
      throw isDamage ? this.#files.damaged(did, generation, error) : error
    } finally {
      this.#openCount--
      reader?.close()
    }
  }

  /** What an export would hold now, counted: what two records share counts twice. */
  async counts(account: Account) {
    const { head, file } = await this.#applied(account)
    // Nodes are written lazily: before that, those of an older tree would be counted.
    this.#hot.storeNow(account.did)
    return { head, ...file.counts(), ...file.blobs.counts() }
  }

  /** Commit, the nodes that prove what the path holds or that it holds nothing, and the record. */
  async proof(account: Account, path: string): Promise<Uint8Array> {
    const { head, tree, file } = await this.#applied(account)
    const blocks = tree.proof([path], new BlockMap())
    const record = file.record(path)
    const parts = [carHeader([head.commit]), carBlock(head.commit, head.bytes)]
    for (const [cid, bytes] of blocks.entries()) parts.push(carBlock(cid, bytes))
    if (record) parts.push(carBlock(record.cid, record.value))
    return concatBytes(parts)
  }

  /** Throws BlockNotFound naming what is missing. */
  async blocks(account: Account, cids: readonly CidBytes[]): Promise<Uint8Array> {
    const { head, file } = await this.#applied(account)
    this.#hot.storeNow(account.did)
    const wanted = new ByteMap<true>()
    const found: Uint8Array[] = [carHeader([])]
    for (const cid of cids) {
      const bytes = equalBytes(cid, head.commit) ? head.bytes : file.nodes.get(cid)
      if (bytes) found.push(carBlock(cid, bytes))
      else wanted.set(cid, true)
    }
    if (wanted.size > 0) await this.#findRecords(account, wanted, found)
    if (wanted.size > 0) {
      const missing = Array.from(wanted.entries(), ([cid]) => cidText(cid)).join(', ')
      throw new XrpcError(400, 'BlockNotFound', `Could not find blocks: ${missing}`)
    }
    return concatBytes(found)
  }

  /** Records have no index by CID: one pass over all of them, in slices, for this rare question. */
  async #findRecords(
    { did, generation }: Account,
    wanted: ByteMap<true>,
    found: Uint8Array[],
  ): Promise<void> {
    const reader = this.#files.openSnapshot(did, generation)
    try {
      let after = ''
      while (wanted.size > 0) {
        const rows = reader.all<{ path: string; block: Uint8Array }>(
          'SELECT path, block FROM records WHERE path > ? ORDER BY path LIMIT ?',
          [after, SCAN_ROWS],
        )
        for (const { block } of rows) {
          const cid = block.subarray(0, CID_BYTES)
          if (wanted.delete(cid)) found.push(carBlock(cid, block.subarray(CID_BYTES)))
        }
        if (rows.length < SCAN_ROWS) return
        after = rows.at(-1)!.path
        await this.#sleep(0)
      }
    } finally {
      reader.close()
    }
  }

  /** The applied head with its tree. Throws RepoNotFound, NotEnoughResources. */
  async #applied(account: Account): Promise<{ file: AccountFile; head: FileHead; tree: Tree }> {
    const { did } = account
    for (let tries = 0; tries < SETTLE_TRIES; tries++) {
      const file = this.#files.open(did, account.generation)
      const head = file.head()
      if (!head) throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${did}`)
      const known = this.#hot.peek(did)?.applied
      if (known && equalBytes(known.head.commit, head.commit)) {
        return { file, head, tree: known.tree }
      }
      const root = file.nodesRoot()
      if (root && equalBytes(root, head.data)) {
        return { file, head, tree: Tree.open(head.data, file.nodes) }
      }
      // Left behind by a crash: built once, for whoever comes next as well.
      await this.#hot.use(did, (repo) => this.#hot.storeTree(repo))
      // Or a change is half applied, in the file and not yet in memory. What finishes it needs the
      // event loop: waiting for it in promises alone would keep it from ever coming.
      if (tries > 0) await this.#sleep(SETTLE_PAUSE_MS)
    }
    const headers = { 'retry-after': '1' }
    throw new XrpcError(503, 'NotEnoughResources', `${did} is changing too fast`, { headers })
  }
}

/** The blocks of an export, in chunks. */
function* repoChunks(reader: SqliteReader, since: Tid | undefined): Generator<Uint8Array> {
  const head = reader.get<Head>('SELECT rev, cid, data, bytes, nodes_root FROM head WHERE id = 0')
  if (!head?.cid) throw new Error('the repository is gone')
  const out = new CarChunks()
  out.raw(carHeader([head.cid]))
  out.block(head.cid, head.bytes)
  if (since === undefined && isStored(head)) {
    yield out.take(1)!
    yield* scannedTree(reader, head.data)
    return
  }
  const steps =
    since === undefined ? walkedTree(reader, out) : changesSince(reader, head, since, out)
  for (const _ of steps) {
    const chunk = out.take(CHUNK_BYTES)
    if (chunk) yield chunk
  }
  const rest = out.take(1)
  if (rest) yield rest
}

/** The whole tree where its nodes are not stored. Yields after each block that it put out. */
function* walkedTree(reader: SqliteReader, out: CarChunks): Generator<void> {
  // Rows come in the order in which the walk meets the records.
  const rows = reader.iterate<{ block: Uint8Array }>('SELECT block FROM records ORDER BY path')
  for (const step of Tree.build(paths(reader)).walk()) {
    if (step.bytes) out.block(step.cid, step.bytes)
    else {
      const block = rows.next().value?.block
      if (!block || !equalBytes(block.subarray(0, CID_BYTES), step.cid)) {
        throw new Error(`the record ${step.path} is not what the tree says`)
      }
      out.whole(block)
    }
    yield
  }
}

/** What changed after a rev lies below nodes that were stored after it: the others are passed by. */
function* changesSince(
  reader: SqliteReader,
  head: Head,
  since: Tid,
  out: CarChunks,
): Generator<void> {
  const isNewer = (cid: CidBytes) =>
    reader.get('SELECT 1 FROM nodes WHERE cid = ? AND rev > ?', [cid, since]) !== undefined
  const tree = treeOf(reader, head)
  for (const step of tree.walk(isStored(head) ? isNewer : undefined)) {
    if (step.bytes) out.block(step.cid, step.bytes)
    else {
      const sql = 'SELECT block FROM records WHERE path = ? AND rev > ?'
      const row = reader.get<{ block: Uint8Array }>(sql, [step.path, since])
      if (row) out.whole(row.block)
    }
    yield
  }
}

const isStored = ({ nodes_root, data }: Head) => nodes_root !== null && equalBytes(nodes_root, data)

function treeOf(reader: SqliteReader, head: Head): Tree {
  if (!isStored(head)) return Tree.build(paths(reader))
  return Tree.open(head.data, {
    get: (cid) =>
      reader.get<{ bytes: Uint8Array }>('SELECT bytes FROM nodes WHERE cid = ?', [cid])?.bytes,
  })
}

function* paths(reader: SqliteReader): Iterable<[string, CidBytes]> {
  const rows = reader.iterate<{ path: string; cid: CidBytes }>(
    `SELECT path, substr(block, 1, ${CID_BYTES}) AS cid FROM records ORDER BY path`,
  )
  for (const { path, cid } of rows) yield [path, cid]
}
