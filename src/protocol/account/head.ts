/** The signed head of a repository at a host, from its CAR. */
import { ComAtprotoSyncGetRepo } from '@atcute/atproto'
import { verifyCid } from '#protocol/crypto'
import { cidText, equalBytes, readCarStream } from '#protocol/data'
import { decodeCommit } from '#protocol/repo'
import { type Did, ProtocolError, type Tid } from '#protocol/syntax'
import type { XrpcClient } from '#protocol/xrpc'

export interface HostedHead {
  rev: Tid
  commit: string
  /** Root of the tree: equal roots, equal records. */
  data: string
}

/**
 * Reads no further than the commit: the first block of most hosts, and of the reference one of those that
 * the newest write made, in no order. Throws InvalidCar, InvalidCommit.
 */
export async function readHead(client: XrpcClient, did: Did): Promise<HostedHead> {
  const { body } = await client.getStream(ComAtprotoSyncGetRepo.mainSchema, { did })
  const { roots, blocks } = await readCarStream(body)
  const root = roots[0]
  for await (const batch of blocks) {
    const block = root && batch.find(({ cid }) => equalBytes(cid, root))
    if (!block) continue
    if (!verifyCid(root, block.bytes)) break
    const commit = decodeCommit(block.bytes)
    return { rev: commit.rev, commit: cidText(root), data: cidText(commit.data) }
  }
  throw new ProtocolError('InvalidCar', 'the repository has no commit')
}
