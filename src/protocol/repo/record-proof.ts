import { cidForCbor, type PublicKey } from '#protocol/crypto'
import { type CidBytes, equalBytes, readCar } from '#protocol/data'
import { type Did, ProtocolError, type Tid } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import { decodeCommit, verifyCommitSignature } from './commit.ts'
import { Tree } from './tree.ts'

/** What a repository holds at a path, as its owner signed it. */
export interface ProvenRecord {
  /** Of the commit that says so. */
  rev: Tid
  /** Undefined where nothing is at the path, which is proven as well. */
  record: { cid: CidBytes; bytes: Uint8Array } | undefined
}

/**
 * Reads what `com.atproto.sync.getRecord` answers: a commit, the tree nodes on the way to a path, and
 * the record. Throws ProtocolError 'InvalidProof', or that of the block that is wrong, unless the
 * commit is of the account and signed by its key and every block is what the one above it names.
 */
export function readRecordProof(
  car: Uint8Array,
  { did, path, key }: { did: Did; path: string; key: PublicKey },
): ProvenRecord {
  const { roots, blocks } = readCar(car)
  const map = new BlockMap()
  for (const { cid, bytes } of blocks) map.add(cid, bytes)
  const signed = roots[0] && map.get(roots[0])
  if (signed === undefined) throw invalid('no commit')
  const commit = decodeCommit(signed)
  if (commit.did !== did) throw invalid('a commit of somebody else')
  if (!verifyCommitSignature(commit, key)) throw invalid('a commit that the account did not sign')
  // Nodes are checked against their hashes as they are loaded; records are not.
  const cid = Tree.open(commit.data, map).get(path)
  if (cid === undefined) return { rev: commit.rev, record: undefined }
  const bytes = map.get(cid)
  if (bytes === undefined) throw invalid('no record')
  if (!equalBytes(cidForCbor(bytes), cid)) throw invalid('a record with another hash')
  return { rev: commit.rev, record: { cid, bytes } }
}

function invalid(what: string): ProtocolError {
  return new ProtocolError('InvalidProof', `not a proof of a record: ${what}`)
}
