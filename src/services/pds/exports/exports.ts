import type { SqliteReader } from '#platform/storage'
import { type CidBytes, carBlock, carHeader, cidText, concatBytes } from '#protocol/data'
import { BlockMap, Tree } from '#protocol/repo'
import type { Tid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFiles } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import { type HotRepos, openTree } from '../repos/index.ts'

/** Bytes gathered before they are handed on. */
const CHUNK_BYTES = 128 * 1024

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

  constructor({ files, hot }: { files: AccountFiles; hot: HotRepos }) {
    this.#files = files
    this.#hot = hot
  }

  /**
   * The whole repository, or with `since` the blocks of later commits (a superset where nodes were
   * stored later than made). One consistent view on a connection of its own, closed at the end, on
   * abort, and by its deadline: a slow reader never holds back the writer.
   */
  async repo(
    account: Account,
    { since, signal }: { since?: Tid | undefined; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    const repo = this.#hot.peek(account.did)
    if (repo) this.#hot.storeTree(repo)
    const reader = this.#files.openSnapshot(account.did, account.generation)
    const head = reader.get<Head>(
      'SELECT rev, cid, data, bytes, nodes_root FROM head WHERE id = 0 AND cid IS NOT NULL',
    )
    if (!head) {
      reader.close()
      throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${account.did}`)
    }
    return inChunks(reader, signal, repoBlocks(reader, head, since))
  }

  /** Commit, the nodes that prove what the path holds or that it holds nothing, and the record. */
  async proof(account: Account, path: string): Promise<Uint8Array> {
    const { head, tree, file } = this.#applied(account)
    const blocks = tree.proof([path], new BlockMap())
    const record = file.record(path)
    const parts = [carHeader([head.commit]), carBlock(head.commit, head.bytes)]
    for (const [cid, bytes] of blocks.entries()) parts.push(carBlock(cid, bytes))
    if (record) parts.push(carBlock(record.cid, record.value))
    return concatBytes(parts)
  }

  /** Throws BlockNotFound naming what is missing. */
  async blocks(account: Account, cids: readonly CidBytes[]): Promise<Uint8Array> {
    const { head, tree, file } = this.#applied(account)
    const wanted = new Map(cids.map((cid) => [cidText(cid), cid]))
    const found: Uint8Array[] = [carHeader([])]
    const take = (cid: CidBytes, bytes: Uint8Array) => {
      if (wanted.delete(cidText(cid))) found.push(carBlock(cid, bytes))
    }
    take(head.commit, head.bytes)
    if (wanted.size > 0) for (const [cid, bytes] of tree.blocks()) take(cid, bytes)
    for (const [text, cid] of wanted) {
      const record = file.recordByCid(cid)
      if (!record) continue
      found.push(carBlock(cid, record))
      wanted.delete(text)
    }
    if (wanted.size > 0) {
      const missing = [...wanted.keys()].join(', ')
      throw new XrpcError(400, 'BlockNotFound', `Could not find blocks: ${missing}`)
    }
    return concatBytes(found)
  }

  /** The applied head with its tree: the one in memory when no write is under way. */
  #applied(account: Account) {
    const file = this.#files.open(account.did, account.generation)
    const head = file.head()
    if (!head) throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${account.did}`)
    const repo = this.#hot.peek(account.did)
    const isCurrent = repo && repo.pendingCount === 0 && !repo.failed
    return { file, head, tree: isCurrent ? repo.tree : openTree(file, head.data).tree }
  }
}

function* repoBlocks(
  reader: SqliteReader,
  head: Head,
  since: Tid | undefined,
): Iterable<Uint8Array> {
  yield carHeader([head.cid])
  yield carBlock(head.cid, head.bytes)
  if (since === undefined) {
    for (const [cid, bytes] of treeOf(reader, head).blocks()) yield carBlock(cid, bytes)
  } else {
    const nodes = reader.iterate<{ cid: CidBytes; bytes: Uint8Array }>(
      'SELECT cid, bytes FROM nodes WHERE rev > ?',
      [since],
    )
    for (const { cid, bytes } of nodes) yield carBlock(cid, bytes)
  }
  const records = reader.iterate<{ cid: CidBytes; value: Uint8Array }>(
    since === undefined
      ? 'SELECT cid, value FROM records ORDER BY path'
      : 'SELECT cid, value FROM records WHERE rev > ? ORDER BY path',
    since === undefined ? [] : [since],
  )
  for (const { cid, value } of records) yield carBlock(cid, value)
}

function treeOf(reader: SqliteReader, head: Head): Tree {
  const nodes = {
    get: (cid: CidBytes) =>
      reader.get<{ bytes: Uint8Array }>('SELECT bytes FROM nodes WHERE cid = ?', [cid])?.bytes,
  }
  if (head.nodes_root && cidText(head.nodes_root) === cidText(head.data)) {
    return Tree.open(head.data, nodes)
  }
  return Tree.build(paths(reader))
}

function* paths(reader: SqliteReader): Iterable<[string, CidBytes]> {
  const rows = reader.iterate<{ path: string; cid: CidBytes }>(
    'SELECT path, cid FROM records ORDER BY path',
  )
  for (const { path, cid } of rows) yield [path, cid]
}

/** Large chunks out of small blocks; closes the reader whatever happens. */
async function* inChunks(
  reader: SqliteReader,
  signal: AbortSignal,
  blocks: Iterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    let parts: Uint8Array[] = []
    let size = 0
    for (const block of blocks) {
      parts.push(block)
      size += block.byteLength
      if (size < CHUNK_BYTES) continue
      if (signal.aborted) return
      yield concatBytes(parts)
      parts = []
      size = 0
    }
    if (size > 0) yield concatBytes(parts)
  } finally {
    reader.close()
  }
}
