/** What a node of the tree leads to, in the order of a walk. */
import type { CidBytes } from '#protocol/data'
import { isRepoPath, pathOf } from './keys.ts'
import {
  CID_BYTES,
  entriesStart,
  entry,
  leftPointer,
  linkAt,
  type Node,
  readEntry,
} from './node.ts'
import { invalid, parseNode } from './node-parse.ts'

/** A node below, with the layer it must be of, or a record. CIDs are views of the node's bytes. */
export type TreeLink =
  | { kind: 'node'; cid: CidBytes; layer: number }
  | { kind: 'record'; cid: CidBytes; path: string }

/**
 * What the node of a block leads to, in the order of a walk. Throws ProtocolError 'InvalidTree' unless
 * it is a node by every rule; of a layer, where that is known. Its hash is not looked at.
 */
export function linksOf(bytes: Uint8Array, cid: CidBytes, layer?: number): TreeLink[] {
  return linksOfNode(parseNode(bytes, cid, { layer }))
}

/** As `linksOf`, of a node that was parsed. */
export function linksOfNode(node: Node): TreeLink[] {
  const { bytes, count } = node
  const layer = node.layer - 1
  const links: TreeLink[] = []
  addNode(links, node, 0, leftPointer(bytes), layer)
  let key = new Uint8Array(0)
  let at = entriesStart(count)
  for (let i = 1; i <= count; i++) {
    readEntry(bytes, at)
    const { suffix, suffixLength, prefix, pointer, value } = entry
    at = entry.end
    const next = new Uint8Array(prefix + suffixLength)
    next.set(key.subarray(0, prefix))
    next.set(bytes.subarray(suffix, suffix + suffixLength), prefix)
    key = next
    const path = pathOf(key)
    if (!isRepoPath(path)) throw invalid(`a record at ${path.slice(0, 100)}`)
    links.push({ kind: 'record', cid: bytes.subarray(value, value + CID_BYTES), path })
    addNode(links, node, i, pointer, layer)
  }
  return links
}

function addNode(
  into: TreeLink[],
  node: Node,
  index: number,
  pointer: number,
  layer: number,
): void {
  const cid = linkAt(node, index, pointer)
  if (cid !== null) into.push({ kind: 'node', cid: cid as CidBytes, layer })
}
