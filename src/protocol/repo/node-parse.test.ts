import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor, cidForRaw } from '#protocol/crypto'
import {
  BytesWrapper,
  bytesKey,
  type CidBytes,
  cidLink,
  decodeCbor,
  encodeCbor,
  equalBytes,
} from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import { keyHeight, keyOf } from './keys.ts'
import { MAX_NODE_KEYS, type Node } from './node.ts'
import { singleNode } from './node-edit.ts'
import { parseNode, type Surroundings } from './node-parse.ts'
import { pathAt, recordOf, STEEP_PATHS } from './samples.test-support.ts'
import { Tree } from './tree.ts'

const VALUE = recordOf('value').cid
const CHILD = recordOf('some node').cid

/** Paths of one layer, in order. */
function pathsOf(layer: number, count: number): string[] {
  const paths: string[] = []
  for (let i = 0; paths.length < count; i++) {
    if (keyHeight(keyOf(pathAt(i))) === layer) paths.push(pathAt(i))
  }
  return paths.toSorted()
}

interface RawEntry {
  k: string
  p: number
  t?: CidBytes | null
  v?: CidBytes
}

/** A node by a generic encoder, right or wrong. */
function encodeNode(entries: readonly RawEntry[], left: CidBytes | null = null): Uint8Array {
  return encodeCbor({
    l: left && cidLink(left),
    e: entries.map(({ k, p, t = null, v = VALUE }) => ({
      k: new BytesWrapper(new TextEncoder().encode(k)),
      p,
      t: t && cidLink(t),
      v: cidLink(v),
    })),
  })
}

/** Entries of paths with the prefixes they have. */
function compressed(paths: readonly string[]): RawEntry[] {
  return paths.map((path, i) => {
    const before = paths[i - 1] ?? ''
    let p = 0
    while (p < before.length && before[p] === path[p]) p++
    return { k: path.slice(p), p }
  })
}

function parse(bytes: Uint8Array, around: Surroundings = {}): Node {
  return parseNode(bytes, cidForCbor(bytes), around)
}

function refuses(bytes: Uint8Array, around: Surroundings = {}): void {
  assert.throws(
    () => parse(bytes, around),
    (error) => error instanceof ProtocolError && error.code === 'InvalidTree',
  )
}

const [first, second, third] = pathsOf(0, 3) as [string, string, string]
const upper = pathsOf(1, 2)
const key = (path: string): Uint8Array => keyOf(path)

describe('reading a node', () => {
  it('takes what a generic encoder makes of a right one', () => {
    const node = parse(encodeNode(compressed([first, second, third])))
    assert.equal(node.count, 3)
    assert.equal(node.layer, 0)
    const above = parse(encodeNode(compressed(upper), CHILD))
    assert.equal(above.layer, 1)
  })

  it('takes every node of a real tree in its place', () => {
    const paths = STEEP_PATHS.toSorted()
    const tree = Tree.build(paths.map((path) => [path, VALUE]))
    let count = 0
    for (const [, bytes] of tree.blocks()) {
      // A step down has no key to tell its layer by.
      const isStep = (decodeCbor(bytes) as { e: unknown[] }).e.length === 0
      count += parse(bytes, isStep ? { layer: 1 } : {}).count
    }
    assert.equal(count, paths.length)
  })

  it('takes an empty node as a root and nowhere else', () => {
    assert.equal(parse(encodeNode([])).count, 0)
    refuses(encodeNode([]), { layer: 0 })
    refuses(encodeNode([]), { layer: 1 })
  })

  it('takes a node with a subtree and no keys below the root and nowhere else', () => {
    assert.equal(parse(encodeNode([], CHILD), { layer: 2 }).layer, 2)
    refuses(encodeNode([], CHILD))
    refuses(encodeNode([], CHILD), { layer: 0 })
  })

  it('refuses subtrees below the lowest layer', () => {
    refuses(encodeNode(compressed([first]), CHILD))
    refuses(encodeNode([{ k: first, p: 0, t: CHILD }]))
  })

  it('refuses keys of another height than the layer', () => {
    refuses(encodeNode(compressed([first])), { layer: 1 })
    refuses(encodeNode(compressed(upper)), { layer: 0 })
    refuses(encodeNode(compressed([first, upper[0]!].toSorted())))
  })

  it('looks at the height of a root even where keys are known to be on their layers', () => {
    const bytes = encodeNode(compressed(upper))
    assert.equal(parse(bytes, { leveled: true }).layer, 1)
    assert.equal(parse(bytes, { leveled: true, layer: 4 }).layer, 4)
  })

  it('refuses keys out of order or twice', () => {
    refuses(encodeNode(compressed([second, first])))
    refuses(encodeNode(compressed([first, first])))
  })

  it('refuses keys outside the range of the node', () => {
    const bytes = encodeNode(compressed([first, second, third]))
    const around = (above?: string, below?: string): Surroundings => {
      const nodeOf = (path?: string) =>
        path === undefined ? undefined : singleNode(1, key(path), VALUE, null, null)
      return {
        range: { aboveNode: nodeOf(above), aboveIndex: 0, belowNode: nodeOf(below), belowIndex: 0 },
      }
    }
    assert.equal(parse(bytes, around('a/a', 'z/z')).count, 3)
    assert.equal(parse(bytes, around()).count, 3)
    for (const path of [first, second, third, 'z/z']) refuses(bytes, around(path))
    for (const path of [first, second, third, 'a/a']) refuses(bytes, around(undefined, path))
  })

  it('refuses prefixes that are not exactly what two keys share', () => {
    const [one, two] = compressed([first, second]) as [RawEntry, RawEntry]
    for (const p of [0, two.p - 1]) refuses(encodeNode([one, { k: second.slice(p), p }]))
    refuses(encodeNode([one, { k: 'x', p: 1000 }]))
    refuses(encodeNode([{ k: first, p: 1 }]))
    refuses(encodeNode([one, { k: '', p: first.length }]))
  })

  it('refuses keys that are not paths', () => {
    for (const path of ['', 'a', '/a', 'a/', 'a//b', 'a/b/c', '/a/b', 'a b/c', 'a/\u0000', 'é/b']) {
      const around = { layer: undefined, leveled: true }
      refuses(encodeNode([{ k: path, p: 0 }]), around)
    }
    refuses(encodeNode([{ k: `${'a'.repeat(1023)}/b`, p: 0 }]), { leveled: true })
    // A slash in what is shared counts, and one that is no longer shared does not.
    refuses(encodeNode(compressed(['a/b', 'a/b/c'])), { leveled: true, layer: 0 })
    refuses(encodeNode(compressed(['a/b', 'b'])), { leveled: true, layer: 0 })
    assert.equal(
      parse(encodeNode(compressed(['a/b', 'ab/c'])), { leveled: true, layer: 0 }).count,
      2,
    )
  })

  it('refuses links that are not to blocks of DAG-CBOR', () => {
    const raw = cidForRaw(new Uint8Array(3))
    refuses(encodeNode([{ k: first, p: 0, v: raw }]))
    refuses(encodeNode(compressed(upper), raw))
    refuses(encodeNode([{ k: upper[0]!, p: 0, t: raw }]))
  })

  it('refuses other shapes', () => {
    const entry = { k: new BytesWrapper(key(first)), p: 0, t: null, v: cidLink(VALUE) }
    const shapes: unknown[] = [
      null,
      0,
      [],
      {},
      { e: [] },
      { l: null },
      { e: [], l: null, x: 1 },
      { e: null, l: null },
      { e: {}, l: null },
      { e: [], l: 'x' },
      { e: [null], l: null },
      { e: [[]], l: null },
      { e: [{ ...entry, x: 1 }], l: null },
      { e: [{ ...entry, k: first }], l: null },
      { e: [{ ...entry, p: -1 }], l: null },
      { e: [{ ...entry, v: null }], l: null },
      { e: [{ ...entry, v: 'x' }], l: null },
      { e: [{ ...entry, t: 0 }], l: null },
      { e: [{ k: entry.k, p: 0, v: entry.v }], l: null },
    ]
    for (const shape of shapes) refuses(encodeCbor(shape))
    assert.equal(parse(encodeCbor({ e: [entry], l: null })).count, 1)
  })

  it('refuses lengths not in their shortest form', () => {
    const bytes = encodeNode(compressed([first]))
    // the array of one entry, as a head of two bytes
    refuses(Uint8Array.from([...bytes.subarray(0, 3), 0x98, 1, ...bytes.subarray(4)]))
    // the prefix of zero, as a head of two bytes
    const prefix = bytes.indexOf(0x70) + 1
    const after = bytes.subarray(prefix + 1)
    refuses(Uint8Array.from([...bytes.subarray(0, prefix), 0x18, 0, ...after]))
    // an array of indefinite length
    refuses(Uint8Array.from([...bytes.subarray(0, 3), 0x9f, ...bytes.subarray(4), 0xff]))
  })

  it('refuses what goes on behind a node, or ends within it', () => {
    const bytes = encodeNode(compressed([first, second]))
    refuses(Uint8Array.from([...bytes, 0]))
    for (let end = 0; end < bytes.length; end++) refuses(bytes.subarray(0, end))
  })

  it('refuses nodes larger than any honest one', () => {
    refuses(new Uint8Array(300 * 1024))
    const many = pathsOf(0, MAX_NODE_KEYS + 1)
    refuses(encodeNode(compressed(many)))
    assert.equal(parse(encodeNode(compressed(many.slice(1)))).count, MAX_NODE_KEYS)
  })

  it('reads long keys and long prefixes', () => {
    const long = Array.from({ length: 400 }, (_, i) => `${'c'.repeat(700)}/${'d'.repeat(250)}${i}`)
    const layer0 = long.filter((path) => keyHeight(keyOf(path)) === 0).toSorted()
    const tree = Tree.build(layer0.map((path) => [path, VALUE]))
    const [[, bytes]] = [...tree.blocks()] as [[CidBytes, Uint8Array]]
    assert.deepEqual(encodeNode(compressed(layer0)), bytes)
    assert.equal(parse(bytes).count, layer0.length)
    const opened = Tree.open(tree.root(), { get: () => bytes })
    for (const path of layer0) assert.ok(opened.get(path))
    assert.deepEqual(
      Array.from(opened.entries(), ([path]) => path),
      layer0,
    )
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => refuses(bytes)),
      { numRuns: 2000 },
    )
  })

  it('refuses or understands every node with a byte changed, and never as another encoding', () => {
    const paths = STEEP_PATHS.toSorted()
    const blocks = [...Tree.build(paths.map((path) => [path, VALUE])).blocks()]
    fc.assert(
      fc.property(fc.nat(blocks.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), check),
      { numRuns: 5000 },
    )
    function check(index: number, at: number, change: number): void {
      const bytes = blocks[index]![1].slice()
      bytes[at % bytes.length]! ^= change
      let node: Node
      try {
        node = parse(bytes)
      } catch (error) {
        assert.ok(error instanceof ProtocolError && error.code === 'InvalidTree')
        return
      }
      // What is taken is canonical: a generic encoder gives the same bytes.
      assert.ok(equalBytes(encodeCbor(decodeCbor(bytes)), bytes))
      assert.ok(node.count > 0)
    }
  })
})

describe('opening a tree of strangers', () => {
  /** A tree of two layers whose lower node holds what it should not. */
  function withChild(childPaths: readonly string[]): Tree {
    const child = encodeNode(compressed(childPaths))
    const root = encodeNode([{ k: upper[0]!, p: 0, t: cidForCbor(child) }])
    const blocks = new BlockMap()
    blocks.add(cidForCbor(child), child)
    blocks.add(cidForCbor(root), root)
    return Tree.open(cidForCbor(root), blocks)
  }

  const after = pathsOf(0, 400).filter((path) => path > upper[0]!)
  const before = pathsOf(0, 400).filter((path) => path < upper[0]!)

  it('finds keys that are on the wrong side of their parent', () => {
    assert.equal([...withChild(after.slice(0, 2)).entries()].length, 3)
    const tree = withChild([...before.slice(-1), ...after.slice(0, 1)])
    assert.throws(() => [...tree.entries()], /range/)
    assert.throws(() => tree.get(after[0]!), /range/)
  })

  it('finds a subtree on the wrong layer', () => {
    const paths = pathsOf(1, 50).filter((path) => path > upper[0]!)
    assert.throws(() => [...withChild(paths.slice(0, 1)).entries()], /layer/)
  })

  it('finds keys outside the range of a grandparent when it proves a path', () => {
    const top = pathsOf(2, 3)[1]!
    const middle = pathsOf(1, 400).filter((path) => path > top)
    const astray = pathsOf(0, 400).filter((path) => path < top)
    const leaf = encodeNode(compressed(astray.slice(-1)))
    const step = encodeNode([{ k: middle.at(-1)!, p: 0 }], cidForCbor(leaf))
    const root = encodeNode([{ k: top, p: 0, t: cidForCbor(step) }])
    const blocks = new BlockMap()
    for (const bytes of [leaf, step, root]) blocks.add(cidForCbor(bytes), bytes)
    const wanted = pathsOf(0, 400).find((path) => path > top && path < middle.at(-1)!)!
    const tree = Tree.open(cidForCbor(root), blocks)
    assert.throws(() => tree.loadProof([wanted]), /range/)
  })

  it('does not take one block for another', () => {
    const tree = Tree.build(pathsOf(0, 50).map((path) => [path, VALUE]))
    const lookup = new Map(Array.from(tree.blocks(), ([cid, bytes]) => [bytesKey(cid), bytes]))
    const opened = Tree.open(tree.root(), { get: (cid) => lookup.get(bytesKey(cid))?.slice(0, -1) })
    assert.throws(() => [...opened.entries()], /not the one of its CID/)
  })
})
