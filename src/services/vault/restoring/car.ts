import { parseDidKey, verifyCid } from '#protocol/crypto'
import { type CidBytes, carBlock, carHeader, concatBytes } from '#protocol/data'
import { decodeCommit, linksOf, verifyCommitSignature } from '#protocol/repo'
import { type BlockReader, Damaged, type Instant, type KeptAccount } from '../kept/index.ts'

/** What is handed on at once. */
const CHUNK_BYTES = 128 * 1024

/**
 * A repository as it was at an instant, as a CAR in the order of a walk of its tree. Proven while it is
 * read: the commit by the key that signed it then, all below by hash, the tree by its rules. Throws
 * Damaged; its end says that it was whole.
 */
export async function* repoCar(
  reader: BlockReader,
  account: KeptAccount,
  instant: Pick<Instant, 'cid' | 'data' | 'key'>,
): AsyncGenerator<Uint8Array> {
  const { aid } = account
  const commitBytes = await block(reader, aid, instant.cid)
  const commit = decodeCommit(commitBytes)
  if (commit.did !== account.did || !verifyCommitSignature(commit, parseDidKey(instant.key)))
    throw new Damaged('the commit is not one that the account signed', { aid })
  let parts = [carHeader([instant.cid]), carBlock(instant.cid, commitBytes)]
  let length = commitBytes.length
  for await (const { cid, bytes } of walkTree(reader, aid, commit.data)) {
    parts.push(carBlock(cid, bytes))
    length += bytes.length
    if (length < CHUNK_BYTES) continue
    yield concatBytes(parts)
    parts = []
    length = 0
  }
  if (parts.length > 0) yield concatBytes(parts)
}

/** A block of a tree; a node, or the record at a path. */
export interface TreeBlock {
  cid: CidBytes
  bytes: Uint8Array
  /** Of a record. */
  path: string | undefined
}

/** Every block of a tree in the order of a walk, each proven. Throws Damaged, ProtocolError 'InvalidTree'. */
export async function* walkTree(
  reader: BlockReader,
  aid: number,
  root: CidBytes,
  isDone: (node: CidBytes) => boolean = () => false,
): AsyncGenerator<TreeBlock> {
  const stack: { cid: CidBytes; layer?: number; path?: string }[] = [{ cid: root }]
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const { cid, path } = step
    if (path === undefined && isDone(cid)) continue
    const known = reader.peek(cid)
    const bytes = known ?? (await block(reader, aid, cid))
    if (known && !verifyCid(cid, known)) throw new Damaged('a block of another hash', { aid })
    if (path === undefined) {
      const links = linksOf(bytes, cid, step.layer)
      for (let at = links.length - 1; at >= 0; at--) stack.push(links[at]!)
    }
    yield { cid, bytes, path }
  }
}

async function block(reader: BlockReader, aid: number, cid: CidBytes): Promise<Uint8Array> {
  const bytes = await reader.get(cid)
  if (bytes === undefined) throw new Damaged('a block is missing', { aid })
  if (!verifyCid(cid, bytes)) throw new Damaged('a block of another hash', { aid })
  return bytes
}
