import type { CidBytes } from '#protocol/data'
import { compareKeys, keyHeight, keyOf } from './keys.ts'
import type { Node } from './node.ts'
import { leaflessNode, nodeOf } from './node-edit.ts'
import { invalid } from './node-parse.ts'
import { hashNode } from './tree-walk.ts'

/** A node whose end is not known yet: one more gap than keys. */
class OpenNode {
  keys: Uint8Array[] = []
  values: CidBytes[] = []
  gaps: (Node | null)[] = [null]

  add(key: Uint8Array, value: CidBytes): void {
    this.keys.push(key)
    this.values.push(value)
    this.gaps.push(null)
  }

  /** The finished node, hashed; null if there is nothing in it. Ready for the next one. */
  close(layer: number): Node | null {
    if (this.keys.length === 0 && this.gaps[0] === null) return null
    const node = nodeOf(layer, this.keys, this.values, this.gaps)
    hashNode(node)
    this.keys.length = 0
    this.values.length = 0
    this.gaps.length = 1
    this.gaps[0] = null
    return node
  }
}

/** The open nodes, one for each layer, and the way they close. */
class Layers {
  readonly #open: OpenNode[] = []

  add(height: number, key: Uint8Array, value: CidBytes): void {
    while (this.#open.length <= height) this.#open.push(new OpenNode())
    this.#closeBelow(height)
    this.#open[height]!.add(key, value)
  }

  #closeBelow(height: number): void {
    for (let layer = 0; layer < height; layer++) {
      const node = this.#open[layer]!.close(layer)
      const above = this.#open[layer + 1]!
      if (node !== null) above.gaps[above.gaps.length - 1] = node
    }
  }

  root(): Node {
    const top = this.#open.length - 1
    if (top < 0) return leaflessNode(0, null)
    this.#closeBelow(top)
    return this.#open[top]!.close(top)!
  }
}

/**
 * The root of a tree of entries in order, hashed, in one pass: a node is finished when a key of a
 * higher layer comes. Throws 'InvalidTree' when paths are out of order or come twice.
 */
export function buildTree(sorted: Iterable<readonly [path: string, cid: CidBytes]>): Node {
  const layers = new Layers()
  let last: Uint8Array | undefined
  for (const [path, value] of sorted) {
    const key = keyOf(path)
    if (last !== undefined && compareKeys(last, key) >= 0) throw invalid('entries out of order')
    last = key
    layers.add(keyHeight(key), key, value)
  }
  return layers.root()
}
