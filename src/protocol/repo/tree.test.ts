import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor, sha256 } from '#protocol/crypto'
import { bytesKey, type CidBytes, cidText, decodeCbor, encodeCbor } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import {
  contentAfter,
  pathAt,
  recordOf,
  runSteps,
  STEEP_PATHS,
  type Step,
} from './samples.test-support.ts'
import { type Block, Tree } from './tree.ts'

/** Steps on a small set of paths: set to a record, or delete. */
const steps = (maxLength = 60): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      path: fc.constantFrom(...STEEP_PATHS),
      text: fc.option(fc.nat(5), { nil: null, freq: 3 }),
    }),
    { maxLength },
  )

const A = recordOf('a').cid
const B = recordOf('b').cid

function rootText(tree: Tree): string {
  return cidText(tree.root())
}

/** All blocks of a tree, as a source to open it from. */
function stored(tree: Tree): BlockMap {
  const blocks = new BlockMap()
  for (const [cid, bytes] of tree.blocks()) blocks.add(cid, bytes)
  return blocks
}

function large(count: number): Tree {
  const paths = Array.from({ length: count }, (_, i) => pathAt(i)).toSorted()
  return Tree.build(paths.map((path) => [path, recordOf('a').cid]))
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code
}

describe('an empty tree', () => {
  it('has the root that every empty repository has', () => {
    assert.equal(
      rootText(Tree.empty()),
      'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm',
    )
  })

  it('is what building from nothing and deleting everything give', () => {
    assert.equal(rootText(Tree.build([])), rootText(Tree.empty()))
    assert.equal(rootText(Tree.empty().put('a/b', A).delete('a/b')), rootText(Tree.empty()))
    assert.ok(Tree.empty().put('a/b', A).delete('a/b').isEmpty)
  })

  it('holds nothing', () => {
    assert.deepEqual([...Tree.empty().entries()], [])
    assert.equal(Tree.empty().get('a/b'), undefined)
    assert.equal([...Tree.empty().blocks()].length, 1)
  })
})

describe('a tree', () => {
  it('keeps the tree before an edit as it was', () => {
    const before = large(200)
    const root = rootText(before)
    const content = [...before.entries()]
    before.put(pathAt(1000), B).put(pathAt(3), B).delete(pathAt(7)).root()
    assert.equal(rootText(before), root)
    assert.deepEqual([...before.entries()], content)
  })

  it('is itself after an edit that changes nothing', () => {
    const tree = large(50)
    assert.equal(tree.put(pathAt(4), A), tree)
    assert.equal(tree.delete(pathAt(1000)), tree)
    assert.equal(tree.apply([]), tree)
  })

  it('refuses paths that are none and CIDs of another length', () => {
    assert.throws(() => Tree.empty().put('nope', A), hasCode('InvalidPath'))
    assert.throws(() => Tree.empty().get('a/b/c'), hasCode('InvalidPath'))
    assert.throws(() => Tree.empty().delete(''), hasCode('InvalidPath'))
    assert.throws(() => Tree.empty().put('a/b', A.subarray(1)), hasCode('InvalidCid'))
    const edits: [string, CidBytes][] = [
      ['a/b', A],
      ['a/c', A.subarray(1)],
    ]
    assert.throws(() => Tree.empty().apply(edits), hasCode('InvalidCid'))
  })

  it('is built only from entries in order', () => {
    const entry = (path: string): [string, CidBytes] => [path, A]
    assert.throws(() => Tree.build([entry('a/c'), entry('a/b')]), hasCode('InvalidTree'))
    assert.throws(() => Tree.build([entry('a/b'), entry('a/b')]), hasCode('InvalidTree'))
    assert.throws(() => Tree.build([entry('a')]), hasCode('InvalidPath'))
  })

  it('does not let a CID that it gave out be changed under it', () => {
    const tree = Tree.empty().put('a/b', A)
    const root = rootText(tree)
    tree.get('a/b')!.fill(0)
    for (const [, cid] of tree.entries()) cid.fill(0)
    assert.deepEqual(tree.get('a/b'), A)
    assert.equal(rootText(Tree.build([...tree.entries()])), root)
  })

  it('has one shape for one content, whatever led to it', () => {
    fc.assert(
      fc.property(steps(), (taken) => {
        const content = contentAfter(taken)
        const tree = runSteps(Tree.empty(), taken)
        assert.deepEqual([...tree.entries()], content)
        assert.equal(rootText(tree), rootText(Tree.build(content)))
        for (const [path, cid] of content) assert.deepEqual(tree.get(path), cid)
      }),
      { numRuns: 300 },
    )
  })

  it('hashes the same whether after each edit or at the end', () => {
    fc.assert(
      fc.property(steps(30), (taken) => {
        let hashed = Tree.empty()
        for (const step of taken) {
          hashed = runSteps(hashed, [step])
          hashed.root()
        }
        assert.equal(rootText(hashed), rootText(runSteps(Tree.empty(), taken)))
      }),
    )
  })

  it('keeps trees apart that branch off from one not hashed yet', () => {
    fc.assert(
      fc.property(steps(20), steps(10), steps(10), fc.boolean(), (common, left, right, swap) => {
        const trunk = runSteps(Tree.empty(), common)
        const branches = [runSteps(trunk, left), runSteps(trunk, right)]
        const roots = swap
          ? branches.toReversed().map(rootText).toReversed()
          : branches.map(rootText)
        assert.equal(roots[0], rootText(Tree.build(contentAfter([...common, ...left]))))
        assert.equal(roots[1], rootText(Tree.build(contentAfter([...common, ...right]))))
        assert.equal(rootText(trunk), rootText(Tree.build(contentAfter(common))))
      }),
    )
  })

  it('applies many edits at once as it would one after the other', () => {
    fc.assert(
      fc.property(steps(60), steps(40), fc.boolean(), (first, then, isStored) => {
        const built = runSteps(Tree.empty(), first)
        const before = isStored ? Tree.open(built.root(), stored(built)) : built
        const last = new Map(then.map((step) => [step.path, step]))
        const edits = Array.from(last.values(), ({ path, text }): [string, CidBytes | null] => [
          path,
          text === null ? null : recordOf(text).cid,
        ])
        const after = before.apply(edits)
        assert.equal(rootText(after), rootText(runSteps(built, then)))
        assert.deepEqual([...after.entries()], contentAfter([...first, ...then]))
      }),
      { numRuns: 400 },
    )
  })

  it('applies many edits to many thousand entries', () => {
    const tree = large(5000)
    const edits: [string, CidBytes | null][] = []
    for (let i = 0; i < 10_000; i += 37) edits.push([pathAt(i), i % 2 ? B : null])
    let slow = tree
    for (const [path, cid] of edits) slow = cid === null ? slow.delete(path) : slow.put(path, cid)
    assert.equal(rootText(tree.apply(edits)), rootText(slow))
    const undone = slow.apply(edits.map(([path]) => [path, tree.get(path) ?? null]))
    assert.equal(rootText(undone), rootText(tree))
  })
})

describe('a tree on its layer', () => {
  it('is every tree that was put together here', () => {
    assert.ok(Tree.empty().isLevel())
    fc.assert(fc.property(steps(30), (taken) => runSteps(Tree.empty(), taken).isLevel()))
  })
})

describe('listing a tree', () => {
  it('begins at a path or after it, and stops before another', () => {
    const tree = large(300)
    const all = [...tree.entries()].map(([path]) => path)
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), (i, j) => {
        const [from, to] = [pathAt(i), pathAt(j)]
        assert.deepEqual(
          Array.from(tree.entries(from, to), ([path]) => path),
          all.filter((path) => path >= from && path < to),
        )
        assert.deepEqual(
          Array.from(tree.entries(from), ([path]) => path),
          all.filter((path) => path >= from),
        )
      }),
    )
  })

  it('gives one collection', () => {
    const paths = ['com.example.a/1', 'com.example.ab/1', 'com.example.b/1', 'com.example.b/2']
    const tree = Tree.build([...paths, 'com.example.bb/1'].map((path) => [path, A]))
    const listed = Array.from(tree.entries('com.example.b/', 'com.example.b0'), ([path]) => path)
    assert.deepEqual(listed, ['com.example.b/1', 'com.example.b/2'])
  })

  it('survives edits of the tree it came from while it runs', () => {
    const tree = large(100)
    const expected = [...tree.entries()]
    const listed: [string, CidBytes][] = []
    for (const pair of tree.entries()) {
      listed.push(pair)
      tree.put(pathAt(5000 + listed.length), B).root()
      tree.get(pathAt(3))
    }
    assert.deepEqual(listed, expected)
  })

  it('walks nodes before what is below them, and records in between in order', () => {
    const tree = large(300)
    const known = new Set([bytesKey(tree.root())])
    const paths: string[] = []
    for (const step of tree.walk()) {
      if (step.path !== undefined) {
        paths.push(step.path)
        assert.deepEqual(tree.get(step.path), step.cid)
        continue
      }
      assert.deepEqual(cidForCbor(step.bytes), step.cid)
      assert.ok(known.delete(bytesKey(step.cid)), 'a node that nothing before led to')
      for (const child of childrenOf(step.bytes)) known.add(bytesKey(child))
    }
    assert.equal(known.size, 0)
    assert.deepEqual(
      paths,
      Array.from(tree.entries(), ([path]) => path),
    )
  })
})

describe('a walk of a tree that is loaded', () => {
  const whole = large(2000)
  const blocks = stored(whole)
  const reading = () => {
    let readCount = 0
    const tree = Tree.open(whole.root(), {
      get(cid) {
        readCount++
        return blocks.get(cid)
      },
    })
    return { tree, reads: () => readCount }
  }

  it('reads each node once and keeps none', () => {
    const { tree, reads } = reading()
    assert.deepEqual([...tree.walk()], [...whole.walk()])
    assert.equal(reads(), blocks.size)
    assert.equal([...tree.walk()].length, [...whole.walk()].length)
    assert.ok(reads() > 2 * blocks.size - 10, 'the second walk reads them again')
  })

  it('leaves out what it is told to, with all below, and does not read it', () => {
    const { tree, reads } = reading()
    const hasEntries = (bytes: Uint8Array) => (decodeCbor(bytes) as NodeShape).e.length > 0
    const [, first] = [...whole.walk()].filter(({ bytes }) => bytes && hasEntries(bytes))
    const below = new Set(
      Array.from(Tree.open(first!.cid, blocks).walk(), ({ path, cid }) => path ?? cidText(cid)),
    )
    const nameOf = ({ path, cid }: { path?: string; cid: CidBytes }) => path ?? cidText(cid)
    const expected = Array.from(whole.walk(), nameOf).filter((name) => !below.has(name))
    const isOther = (cid: CidBytes) => cidText(cid) !== cidText(first!.cid)
    assert.deepEqual(Array.from(tree.walk(isOther), nameOf), expected)
    assert.ok(reads() < blocks.size)
    assert.deepEqual(
      Array.from(whole.walk(isOther), nameOf),
      expected,
      'also where nodes are in memory',
    )
  })
})

interface NodeShape {
  l: { bytes: Uint8Array } | null
  e: { t: { bytes: Uint8Array } | null }[]
}

function childrenOf(bytes: Uint8Array): Uint8Array[] {
  const { l, e } = decodeCbor(bytes) as NodeShape
  return [l, ...e.map(({ t }) => t)].flatMap((link) => (link ? [link.bytes] : []))
}

describe('blocks of a tree', () => {
  it('are what a generic encoder makes of the same nodes', () => {
    for (const [cid, bytes] of large(500).blocks()) {
      assert.deepEqual(encodeCbor(decodeCbor(bytes)), bytes)
      assert.deepEqual(cid.subarray(4), sha256(bytes))
    }
  })

  it('give the same tree when opened, with as many reads as a path is long', () => {
    const tree = large(5000)
    const blocks = stored(tree)
    let reads = 0
    const source = {
      get(cid: CidBytes) {
        reads++
        return blocks.get(cid)
      },
    }
    const opened = Tree.open(tree.root(), source)
    assert.equal(reads, 0)
    assert.deepEqual(opened.get(pathAt(77)), tree.get(pathAt(77)))
    assert.ok(reads <= 12, `${reads} reads`)
    const again = reads
    opened.get(pathAt(77))
    assert.equal(reads, again)
    assert.equal(rootText(opened.put(pathAt(9999), B)), rootText(tree.put(pathAt(9999), B)))
    assert.ok(reads <= 40, `${reads} reads`)
    assert.deepEqual([...opened.entries()], [...tree.entries()])
  })

  it('are told apart when they are missing or are not what their CID says', () => {
    const tree = large(500)
    const nothing = Tree.open(tree.root(), new BlockMap())
    assert.throws(() => nothing.get(pathAt(1)), hasCode('MissingBlock'))
    assert.equal(rootText(nothing), rootText(tree))
    const wrong = Tree.open(tree.root(), { get: () => new Uint8Array(10) })
    assert.throws(() => wrong.get(pathAt(1)), hasCode('InvalidTree'))
  })
})

describe('the difference between two trees', () => {
  function sets(before: Tree, after: Tree): { added: string[]; removed: string[] } {
    const text = ([cid]: Block) => cidText(cid)
    const [old, now] = [
      new Set(Array.from(before.blocks(), text)),
      Array.from(after.blocks(), text),
    ]
    const left = new Set(now)
    return {
      added: now.filter((cid) => !old.has(cid)).toSorted(),
      removed: [...old].filter((cid) => !left.has(cid)).toSorted(),
    }
  }

  function checkChanges(before: Tree, after: Tree): void {
    const expected = sets(before, after)
    const added = after.newBlocks(before)
    assert.deepEqual(added.map(([cid]) => cidText(cid)).toSorted(), expected.added)
    assert.deepEqual(after.removed(before).map(cidText).toSorted(), expected.removed)
    for (const [cid, bytes] of added) assert.deepEqual(cidForCbor(bytes), cid)
  }

  it('is exactly the nodes that only one of them has', () => {
    fc.assert(
      fc.property(steps(60), steps(30), (first, then) => {
        const before = runSteps(Tree.empty(), first)
        checkChanges(before, runSteps(before, then))
      }),
      { numRuns: 300 },
    )
  })

  it('is found also between trees that share nothing in memory', () => {
    fc.assert(
      fc.property(steps(60), steps(30), (first, then) => {
        const before = Tree.build(contentAfter(first))
        const after = Tree.build(contentAfter([...first, ...then]))
        checkChanges(
          Tree.open(before.root(), stored(before)),
          Tree.open(after.root(), stored(after)),
        )
      }),
    )
  })

  it('is found where more changed than the comparison looks ahead', () => {
    const before = large(3000)
    let after = before
    for (let i = 0; i < 3000; i += 3) after = after.delete(pathAt(i))
    for (let i = 0; i < 500; i++) after = after.put(pathAt(7000 + i * 3), B)
    checkChanges(before, after)
    checkChanges(after, before)
    checkChanges(Tree.empty(), after)
    checkChanges(after, Tree.empty())
    checkChanges(after, after)
  })

  it('reads only what differs', () => {
    const before = large(5000)
    const blocks = stored(before)
    const after = before.put(pathAt(9999), B)
    for (const [cid, bytes] of after.newBlocks(before)) blocks.add(cid, bytes)
    let reads = 0
    const source = {
      get(cid: CidBytes) {
        reads++
        return blocks.get(cid)
      },
    }
    const changes = Tree.open(after.root(), source).changes(Tree.open(before.root(), source))
    assert.equal(reads, changes.added.length + changes.removed.length)
  })
})

describe('a covering proof', () => {
  it('tells what its paths hold and undoes writes to them, with nothing else', () => {
    fc.assert(
      fc.property(steps(60), steps(15), (first, then) => {
        const before = runSteps(Tree.empty(), first)
        const after = runSteps(before, then)
        const paths = [...new Set(then.map(({ path }) => path))]
        const proved = Tree.open(after.root(), after.proof(paths))
        for (const path of paths) assert.deepEqual(proved.get(path), after.get(path))
        const edits = paths.map((path): [string, CidBytes | null] => [
          path,
          before.get(path) ?? null,
        ])
        assert.equal(rootText(proved.apply(edits)), rootText(before))
        let undone = proved
        for (const [path, cid] of edits) {
          undone = cid === null ? undone.delete(path) : undone.put(path, cid)
        }
        assert.equal(rootText(undone), rootText(before))
      }),
      { numRuns: 400 },
    )
  })

  it('undoes many writes among many records, in any order', () => {
    const before = large(2000)
    const paths = Array.from({ length: 200 }, (_, i) => pathAt(i * 17))
    const edits = paths.map((path, i): [string, CidBytes | null] => [
      path,
      before.get(path) === undefined || i % 3 > 0 ? B : null,
    ])
    const after = before.apply(edits)
    const proved = () => Tree.open(after.root(), after.proof(paths))
    const back = paths.map((path): [string, CidBytes | null] => [path, before.get(path) ?? null])
    fc.assert(
      fc.property(fc.shuffledSubarray(back, { minLength: back.length }), (shuffled) => {
        let undone = proved()
        for (const [path, cid] of shuffled) {
          undone = cid === null ? undone.delete(path) : undone.put(path, cid)
        }
        assert.equal(rootText(undone), rootText(before))
      }),
      { numRuns: 10 },
    )
    assert.equal(rootText(proved().apply(back)), rootText(before))
  })

  it('is as long as the tree is high, not as wide', () => {
    const tree = large(5000)
    assert.ok(tree.proof([pathAt(1234)]).size <= 14)
    assert.ok(tree.proof([pathAt(99_999)]).size <= 14)
  })

  it('comes beside the new nodes when changes are asked with it', () => {
    const before = large(1000)
    const after = before.delete(pathAt(500)).put(pathAt(2000), B)
    const paths = [pathAt(500), pathAt(2000)]
    const { added, proof } = after.changes(before, paths)
    const both = new Set([...added, ...proof].map(([cid]) => cidText(cid)))
    assert.equal(both.size, added.length + proof.length)
    for (const [cid] of after.proof(paths)) assert.ok(both.has(cidText(cid)))
  })
})
