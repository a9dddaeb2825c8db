import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cidForCbor } from '#protocol/crypto'
import { type CidBytes, concatBytes } from '#protocol/data'
import { Tree } from './tree.ts'
import { firstBelow, WalkOrder } from './walk-order.ts'

const recordAt = (rkey: number) => cidForCbor(Uint8Array.of(rkey & 0xff, rkey >> 8))

function treeOf(rkeys: readonly number[]): Tree {
  const paths = [...new Set(rkeys)].map((rkey) => [`com.example.note/${rkey}`, rkey] as const)
  paths.sort(([left], [right]) => (left < right ? -1 : 1))
  return Tree.build(paths.map(([path, rkey]) => [path, recordAt(rkey)]))
}

/** Blocks of a walk; those of records hold nothing but their CID. */
const blocksOf = (tree: Tree) =>
  Array.from(tree.walk(), ({ cid, bytes }) => concatBytes(bytes ? [cid, bytes] : [cid]))

function takes(root: CidBytes, blocks: readonly Uint8Array[]): boolean {
  const order = new WalkOrder(root)
  return blocks.every((block) => order.take(block, 0, block.length)) && order.isAtEnd()
}

const rkeys = fc.array(fc.nat(5_000), { maxLength: 150 })

test('a walk is taken as one, and only whole and in its order', () => {
  fc.assert(
    fc.property(rkeys, fc.nat(), fc.nat(), (list, one, other) => {
      const tree = treeOf(list)
      const blocks = blocksOf(tree)
      assert.ok(takes(tree.root(), blocks))
      const i = one % blocks.length
      const j = other % blocks.length
      assert.ok(!takes(tree.root(), blocks.toSpliced(i, 1)))
      assert.ok(!takes(tree.root(), blocks.toSpliced(i, 0, blocks[j]!)))
      if (i !== j) assert.ok(!takes(tree.root(), blocks.with(i, blocks[j]!).with(j, blocks[i]!)))
    }),
    { numRuns: 60 },
  )
})

test('a block is taken from the middle of others', () => {
  const tree = treeOf([1, 2, 3, 4, 5, 6, 7, 8, 9])
  const order = new WalkOrder(tree.root())
  for (const block of blocksOf(tree)) {
    const among = concatBytes([Uint8Array.of(1, 2, 3), block, Uint8Array.of(4)])
    assert.ok(order.take(among, 3, 3 + block.length))
  }
  assert.ok(order.isAtEnd())
})

test('what comes right after a node is its first record, or the node that one is below', () => {
  fc.assert(
    fc.property(rkeys, (list) => {
      const steps = [...treeOf(list).walk()]
      for (const [index, { bytes }] of steps.entries()) {
        if (!bytes) continue
        const next = steps[index + 1]
        assert.deepEqual(firstBelow(bytes), next ? (next.path ?? next.cid) : '')
      }
    }),
    { numRuns: 60 },
  )
})
