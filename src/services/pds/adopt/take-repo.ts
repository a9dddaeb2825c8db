import { cidForCbor, type SigningKey } from '#protocol/crypto'
import { blobRefs, type CidBytes, cidText, decodeCbor, parseCid } from '#protocol/data'
import { encodeCommit, verifyCommitSignature, walkRepo } from '#protocol/repo'
import type { Did, Tid, TidClock } from '#protocol/syntax'
import type { AccountFile, FileHead } from '../account-files/index.ts'
import type { StoreRows } from './reference-rows.ts'

export interface TakenRepo {
  head: FileHead
  records: number
  /** The newest commit bore another key, so that one was made with the account's. */
  isSignedAnew: boolean
}

/**
 * Walks a repository in its store, checking every hash, the tree and the signature, and puts it into `file`
 * where one is given. Commit, records and nodes keep the revs they had. Throws what `walkRepo` throws.
 */
export function takeRepo(
  store: StoreRows,
  file: AccountFile | undefined,
  { did, key, clock }: { did: Did; key: SigningKey; clock: TidClock },
): TakenRepo {
  const root = store.root()
  if (!root) throw new Error('the store has no repository')
  const revs = new Map<string, Tid>()
  const nodes: [cid: CidBytes, bytes: Uint8Array, rev: Tid][] = []
  let commitBytes: Uint8Array | undefined
  const block = (cid: CidBytes) => {
    const text = cidText(cid)
    const row = store.block(text)
    commitBytes ??= row?.content
    if (row) revs.set(text, row.repoRev)
    return row?.content
  }
  const revOf = (cid: CidBytes) => revs.get(cidText(cid)) ?? root.rev
  const onNode = (cid: CidBytes, bytes: Uint8Array) => {
    nodes.push([cid.slice(), bytes.slice(), revOf(cid)])
  }
  const walk = walkRepo(parseCid(root.cid), block, { did, onNode })
  const { head, commit } = walk
  const putNodes = () => {
    for (const [cid, bytes, rev] of nodes.splice(0)) file?.stageNode(cid, bytes, rev)
  }
  const inFile = (work: () => void) => (file ? file.transaction(work) : work())
  let records = 0
  for (const batch of walk.records) {
    inFile(() => {
      putNodes()
      for (const { path, cid, bytes } of batch) {
        const rev = store.recordRev(`at://${did}/${path}`) ?? revOf(cid)
        file?.putRecord({ path, cid, value: bytes }, rev, blobRefs(decodeCbor(bytes)))
      }
    })
    revs.clear()
    records += batch.length
  }
  inFile(putNodes)
  file?.endStaging(head.data)
  const { rev, data } = head
  const found = { rev, commit: head.commit, data, bytes: commitBytes!.slice() }
  // One that came by importRepo and was not written to since still bears its old host's signature.
  const isSignedAnew = !verifyCommitSignature(commit, key.publicKey)
  const own = isSignedAnew
    ? signed({ did, data, key, rev: clock.next(laterOf(rev, root.rev)) })
    : found
  return { head: { ...own, announcedRev: rev, diverged: false }, records, isSignedAnew }
}

const laterOf = (one: Tid, other: Tid): Tid => (one > other ? one : other)

function signed({ did, data, key, rev }: { did: Did; data: CidBytes; key: SigningKey; rev: Tid }) {
  const bytes = encodeCommit({ did, rev, data }, key)
  return { rev, commit: cidForCbor(bytes), data, bytes }
}
