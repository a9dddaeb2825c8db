/** For a state before and operations there is one tree after; no other that looks alike may pass. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor } from '#protocol/crypto'
import {
  type Bytes,
  BytesWrapper,
  type CidBytes,
  type CidLink,
  cidLink,
  cidText,
  decodeCbor,
  encodeCbor,
  fromBytes,
  linkBytes,
} from '#protocol/data'
import { BlockMap } from './block-map.ts'
import { encodeCommit } from './commit.ts'
import { keyOf, pathOf } from './keys.ts'
import type { CommitEvent } from './parse-event.ts'
import type { CommitPlan } from './plan.ts'
import {
  create,
  DID,
  KEY,
  NOW_MS,
  recordOf,
  remove,
  SampleRepo,
  STEEP_PATHS,
  TIME,
  update,
} from './samples.test-support.ts'
import { Tree } from './tree.ts'
import { verifyCommitEvent } from './verify-commit.ts'

/** A node as plain values; one more gap than keys. */
interface Shape {
  keys: string[]
  values: CidBytes[]
  gaps: (Shape | null)[]
}

interface RawNode {
  l: CidLink | null
  e: { k: Bytes; p: number; t: CidLink | null; v: CidLink }[]
}

function shapeOf(cid: CidBytes, blocks: BlockMap): Shape {
  const { l, e } = decodeCbor(blocks.get(cid)!) as RawNode
  const down = (link: CidLink | null) => link && shapeOf(linkBytes(link), blocks)
  const keys: string[] = []
  for (const { k, p } of e) keys.push((keys.at(-1) ?? '').slice(0, p) + pathOf(fromBytes(k)))
  return {
    keys,
    values: e.map(({ v }) => linkBytes(v)),
    gaps: [l, ...e.map(({ t }) => t)].map(down),
  }
}

/** Encodes a shape as it is, right or wrong, and says its CID. */
function encodeShape(shape: Shape, into: BlockMap): CidBytes {
  const links = shape.gaps.map((gap) => gap && cidLink(encodeShape(gap, into)))
  const e = shape.keys.map((key, i) => {
    const before = shape.keys[i - 1] ?? ''
    let p = 0
    while (p < before.length && before[p] === key[p]) p++
    const k = new BytesWrapper(keyOf(key).subarray(p))
    return { k, p, t: links[i + 1], v: cidLink(shape.values[i]!) }
  })
  const bytes = encodeCbor({ e, l: links[0] })
  const cid = cidForCbor(bytes)
  into.add(cid, bytes)
  return cid
}

/** Every shape that one change of structure, without one of content, makes of a shape. */
function* deformed(shape: Shape): Generator<Shape> {
  // one step more above it
  yield { keys: [], values: [], gaps: [shape] }
  // one step less
  if (shape.keys.length === 0 && shape.gaps[0]) yield shape.gaps[0]
  for (let i = 0; i < shape.keys.length; i++) yield pushedDown(shape, i)
  for (let i = 0; i < shape.gaps.length; i++) {
    const gap = shape.gaps[i]
    if (!gap) continue
    yield pulledUp(shape, i, gap)
    for (const child of deformed(gap)) yield { ...shape, gaps: shape.gaps.with(i, child) }
  }
}

/** A key moves to the layer below, with what is on both sides of it. */
function pushedDown(shape: Shape, index: number): Shape {
  const { keys, values, gaps } = shape
  const child = {
    keys: [keys[index]!],
    values: [values[index]!],
    gaps: [gaps[index]!, gaps[index + 1]!],
  }
  return {
    keys: keys.toSpliced(index, 1),
    values: values.toSpliced(index, 1),
    gaps: gaps.toSpliced(index, 2, child),
  }
}

/** The keys of a subtree move to the layer above. */
function pulledUp(shape: Shape, gap: number, child: Shape): Shape {
  return {
    keys: shape.keys.toSpliced(gap, 0, ...child.keys),
    values: shape.values.toSpliced(gap, 0, ...child.values),
    gaps: shape.gaps.toSpliced(gap, 1, ...child.gaps),
  }
}

/** The event of a plan, but over another tree, all of whose blocks it brings. */
function eventOver(plan: CommitPlan, data: CidBytes, nodes: BlockMap): CommitEvent {
  const { rev } = plan.head
  const commitBytes = encodeCommit({ did: DID, rev, data }, KEY)
  const commit = cidForCbor(commitBytes)
  const blocks = new BlockMap()
  blocks.add(commit, commitBytes)
  for (const [cid, bytes] of [...nodes, ...plan.blocks.slice(1)]) blocks.add(cid, bytes)
  return {
    seq: 1,
    repo: DID,
    rev,
    since: plan.since,
    commit,
    prevData: plan.prevData ?? Tree.empty().root(),
    ops: plan.ops,
    blocks,
    tooBig: false,
    time: TIME,
  }
}

describe('a forged tree', () => {
  const paths = fc.uniqueArray(fc.constantFrom(...STEEP_PATHS), { maxLength: 12 })

  it('is refused, be the state before known or not', () => {
    fc.assert(
      fc.property(paths, paths, fc.nat(3), (held, touched, chance) => {
        const repo = new SampleRepo()
        repo.commit(held.map((path) => create(path, 'held')))
        const writes = touched.slice(0, 4).map((path, i) => {
          if (!held.includes(path)) return create(path, 'new')
          return (i + chance) % 2 ? remove(path) : update(path, 'new')
        })
        const { rev, data } = repo.head!
        const plan = repo.plan(writes)
        checkAll(plan, { rev, data })
      }),
      { numRuns: 150 },
    )
  })

  it('is refused when all that is left of it undone stands on a wrong layer', () => {
    // One key above all others: below it, steps are what tells their layer.
    const repo = new SampleRepo()
    repo.commit(STEEP_PATHS.slice(0, 3).map((path) => create(path, 'held')))
    const { rev, data } = repo.head!
    checkAll(repo.plan([create(STEEP_PATHS.at(-1)!, 'new')]), { rev, data })
  })
})

function checkAll(plan: CommitPlan, previous: { rev: string; data: CidBytes }): void {
  const honest = new BlockMap()
  for (const [cid, bytes] of plan.tree.blocks()) honest.add(cid, bytes)
  const options = { key: KEY.publicKey, nowMs: NOW_MS }
  const root = plan.tree.root()
  const event = eventOver(plan, root, honest)
  assert.ok(verifyCommitEvent(event, options).ok)
  assert.ok(verifyCommitEvent(event, { ...options, previous }).ok)
  if (plan.ops.length === 0) return
  for (const shape of deformed(shapeOf(root, honest))) {
    const nodes = new BlockMap()
    const forged = encodeShape(shape, nodes)
    if (cidText(forged) === cidText(root)) continue
    const event = eventOver(plan, forged, nodes)
    assert.ok(!verifyCommitEvent(event, options).ok, JSON.stringify(shape.keys))
    assert.ok(!verifyCommitEvent(event, { ...options, previous }).ok, JSON.stringify(shape.keys))
  }
}

describe('a shape', () => {
  it('is encoded as the tree itself is, so that forgeries differ only in what they mean to', () => {
    const tree = Tree.build(STEEP_PATHS.toSorted().map((path) => [path, recordOf('a').cid]))
    const blocks = new BlockMap()
    for (const [cid, bytes] of tree.blocks()) blocks.add(cid, bytes)
    const again = encodeShape(shapeOf(tree.root(), blocks), new BlockMap())
    assert.equal(cidText(again), cidText(tree.root()))
  })
})
