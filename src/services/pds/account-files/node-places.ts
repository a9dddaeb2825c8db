/** Where tree nodes stand in a file: in the order of a walk, so that an export is one scan. */
import { ByteMap, type CidBytes } from '#protocol/data'
import { firstBelow } from '#protocol/repo'

/**
 * A walk meets a node right before the first record below it, whose path this is; of several nodes
 * before one record, it meets the one of the lowest rank first. Ranks are below zero. Both follow
 * from what the node holds, so that a node that an edit leaves alone stays where it is.
 */
export interface NodePlace {
  path: string
  rank: number
}

export type PlacedNode = [cid: CidBytes, bytes: Uint8Array, place: NodePlace]

/** Places nodes that come in the order of a walk. */
export class WalkPlaces {
  /** Nodes whose first record is yet to be known: each is the first below the one before. */
  #run: [cid: CidBytes, bytes: Uint8Array][] = []

  /** Takes the next node, and gives those whose place it settles. */
  add(cid: CidBytes, bytes: Uint8Array): PlacedNode[] {
    const run = this.#run
    run.push([cid, bytes])
    const path = firstBelow(bytes)
    if (typeof path !== 'string') return []
    this.#run = []
    return run.map((node, index) => [...node, { path, rank: index - run.length }])
  }
}

/** Places nodes in any order; `stored` tells where one stands that is not among them. */
export function placeNodes(
  nodes: Iterable<readonly [cid: CidBytes, bytes: Uint8Array]>,
  stored: (cid: CidBytes) => NodePlace | undefined,
): PlacedNode[] {
  const all = new ByteMap<{ bytes: Uint8Array; place?: NodePlace }>()
  for (const [cid, bytes] of nodes) all.set(cid, { bytes })
  const placeOf = (cid: CidBytes): NodePlace => {
    const node = all.get(cid)
    if (node === undefined) {
      const place = stored(cid)
      if (!place) throw new Error('a node is missing below one that is to be stored')
      return place
    }
    if (node.place) return node.place
    const first = firstBelow(node.bytes)
    if (typeof first === 'string') node.place = { path: first, rank: -1 }
    else {
      const { path, rank } = placeOf(first)
      node.place = { path, rank: rank - 1 }
    }
    return node.place
  }
  return Array.from(all.entries(), ([cid, { bytes }]) => [cid, bytes, placeOf(cid)])
}
