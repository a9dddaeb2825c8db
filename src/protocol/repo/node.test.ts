import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CidBytes, type CidLink, decodeCbor, linkBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { commonPrefix, compareKeys, keyHeight, keyOf, pathOf } from './keys.ts'
import {
  ALL_KEYS,
  CID_BYTES,
  CID_IN_LINK,
  entriesStart,
  entry,
  find,
  firstKey,
  gapRange,
  isBlank,
  isWithin,
  leftPointer,
  linkAt,
  MAX_NODE_KEYS,
  type Node,
  NULL,
  readEntry,
  seek,
} from './node.ts'
import { fillLink, leaflessNode, nodeOf, setDigest, withoutKeeping } from './node-edit.ts'
import { pathAt, recordOf } from './samples.test-support.ts'
import { Tree } from './tree.ts'

const VALUE = recordOf('value').cid

/** CIDs of all kinds of ends, among them bytes that also mean something in CBOR. */
const cid: fc.Arbitrary<CidBytes> = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0xf6, 0x61, 0x6c, 0xd8, 0x2a)),
    {
      minLength: 32,
      maxLength: 32,
    },
  )
  .map((digest) => Uint8Array.from([1, 0x71, 0x12, 32, ...digest]))

const path = fc
  .tuple(
    fc.constantFrom('a/', 'com.example.note/', `${'n'.repeat(300)}/`),
    fc.string({ unit: fc.constantFrom('a', 'b', '~', '-'), minLength: 1, maxLength: 20 }),
  )
  .map(([collection, rkey]) => collection + rkey)

const link = fc.option(cid, { nil: null })

/** Keys in order, and a node of them whose gaps lead anywhere. */
const sample = fc
  .tuple(
    fc.uniqueArray(path, { maxLength: 40 }),
    fc.array(link, { minLength: 41, maxLength: 41 }),
    fc.array(cid, { minLength: 40, maxLength: 40 }),
  )
  .map(([paths, gaps, values]) => {
    const keys = paths.toSorted().map(keyOf)
    const node = nodeOf(1, keys, values.slice(0, keys.length), gaps.slice(0, keys.length + 1))
    return { keys, values, gaps, node }
  })

interface RawNode {
  l: CidLink | null
  e: { v: CidLink; t: CidLink | null }[]
}

describe('a node', () => {
  it('is read in place as a generic decoder reads it', () => {
    fc.assert(
      fc.property(sample, ({ node, keys, values, gaps }) => {
        const { bytes, count } = node
        const raw = decodeCbor(bytes) as RawNode
        assert.equal(raw.e.length, keys.length)
        const textOf = (to: CidLink | null) => to && linkBytes(to)
        assert.deepEqual(linkAt(node, 0, leftPointer(bytes)), gaps[0])
        assert.deepEqual(textOf(raw.l), gaps[0])
        let at = entriesStart(count)
        raw.e.forEach((one, i) => {
          readEntry(bytes, at)
          assert.deepEqual(bytes.subarray(entry.value, entry.value + CID_BYTES), values[i])
          assert.deepEqual(linkBytes(one.v), values[i])
          assert.deepEqual(linkAt(node, i + 1, entry.pointer), gaps[i + 1])
          assert.deepEqual(textOf(one.t), gaps[i + 1])
          assert.equal(bytes[entry.pointer] === NULL, gaps[i + 1] === null)
          at = entry.end
        })
        assert.equal(at, leftPointer(bytes) - 2)
      }),
    )
  })

  it('is searched as a list of its keys is', () => {
    fc.assert(
      fc.property(sample, path, ({ node, keys }, wanted) => {
        for (const key of [keyOf(wanted), ...keys]) {
          const found = find(node, key)
          const at = keys.findIndex((one) => compareKeys(one, key) >= 0)
          const expected = at < 0 ? keys.length : at
          assert.equal(seek.at, expected)
          const [before, after] = [keys[expected - 1], keys[expected]]
          assert.equal(found, after !== undefined && compareKeys(after, key) === 0)
          assert.equal(seek.before, before ? commonPrefix(before, key) : 0)
          assert.equal(seek.after, after ? commonPrefix(after, key) : 0)
        }
      }),
    )
  })

  it('tells which keys are within the range of a gap', () => {
    fc.assert(
      fc.property(sample, path, fc.nat(40), ({ node, keys }, wanted, chance) => {
        const gap = chance % (keys.length + 1)
        const key = keyOf(wanted)
        const [above, below] = [keys[gap - 1], keys[gap]]
        const expected =
          (!above || compareKeys(above, key) < 0) && (!below || compareKeys(key, below) < 0)
        assert.equal(isWithin(gapRange(node, gap, ALL_KEYS), key, key), expected)
        assert.ok(isWithin(ALL_KEYS, key, key))
        if (keys.length > 0) assert.equal(pathOf(firstKey(node)), pathOf(keys[0]!))
      }),
    )
  })

  it('hands an inherited bound down to its outermost gaps', () => {
    const outer = nodeOf(2, ['m/b', 'm/y'].map(keyOf), [VALUE, VALUE], [null, null, null])
    const inner = nodeOf(1, ['m/k'].map(keyOf), [VALUE], [null, null])
    const middle = gapRange(outer, 1, ALL_KEYS)
    const isIn = (gap: number, path: string) =>
      isWithin(gapRange(inner, gap, middle), keyOf(path), keyOf(path))
    assert.deepEqual(
      ['m/a', 'm/b', 'm/c', 'm/k', 'm/x'].map((one) => isIn(0, one)),
      [false, false, true, false, false],
    )
    assert.deepEqual(
      ['m/c', 'm/k', 'm/x', 'm/y', 'm/z'].map((one) => isIn(1, one)),
      [false, false, true, false, false],
    )
  })

  it('leaves the link to a node without a CID blank until that is known', () => {
    const child = nodeOf(0, [keyOf('a/b')], [VALUE], [null, null])
    const parent = leaflessNode(1, child)
    const pointer = leftPointer(parent.bytes)
    assert.ok(isBlank(parent.bytes, pointer))
    setDigest(child, new Uint8Array(32).fill(9))
    fillLink(parent, pointer, child.cid)
    assert.ok(!isBlank(parent.bytes, pointer))
    const written = parent.bytes.subarray(pointer + CID_IN_LINK, pointer + CID_IN_LINK + CID_BYTES)
    assert.deepEqual(written, child.cid)
    assert.deepEqual([...child.cid.subarray(0, 4)], [1, 0x71, 0x12, 32])
  })

  it('keeps its bytes when others are made, but where nobody was to keep it', () => {
    const make = (text: string): Node => nodeOf(3, [keyOf(`a/${text}`)], [VALUE], [null, null])
    const kept = Array.from({ length: 200 }, (_, i) => make(`x${i}`))
    const before = kept.map(({ bytes }) => [...bytes])
    withoutKeeping(() => Array.from({ length: 200 }, (_, i) => make(`y${i}`)).length)
    withoutKeeping(() => withoutKeeping(() => make('z')).count)
    assert.deepEqual(
      kept.map(({ bytes }) => [...bytes]),
      before,
    )
  })

  it('is not made larger than it may be read', () => {
    const paths: string[] = []
    for (let i = 0; paths.length <= MAX_NODE_KEYS; i++) {
      if (keyHeight(keyOf(pathAt(i))) === 0) paths.push(pathAt(i))
    }
    paths.sort()
    const isRefused = (error: unknown) =>
      error instanceof ProtocolError && error.code === 'InvalidTree'
    const entries = paths.map((one): [string, CidBytes] => [one, VALUE])
    assert.throws(() => Tree.build(entries), isRefused)
    const full = Tree.build(entries.slice(1))
    assert.throws(() => full.put(paths[0]!, VALUE), isRefused)
    assert.throws(() => full.apply(entries.slice(0, 2)), isRefused)
    const long = Array.from({ length: 500 }, (_, i) => `${String(i).padEnd(900, 'c')}/x`)
    const wide = long.filter((one) => keyHeight(keyOf(one)) === 0).toSorted()
    assert.throws(() => Tree.build(wide.map((one) => [one, VALUE])), isRefused)
  })
})
