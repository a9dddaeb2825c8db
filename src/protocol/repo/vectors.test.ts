import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type CidBytes, cidText, parseCid } from '#protocol/data'
import { vectorPath } from '../../../network/vectors.ts'
import { commonPrefix, keyHeight } from './keys.ts'
import { Tree } from './tree.ts'

interface ProofFixture {
  comment: string
  leafValue: string
  keys: string[]
  adds: string[]
  dels: string[]
  rootBeforeCommit: string
  rootAfterCommit: string
  blocksInProof: string[]
}

function readVectors<T>(name: string): T[] {
  const path = vectorPath(name)
  return path === undefined ? [] : JSON.parse(readFileSync(path, 'utf8'))
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('the tree against the shared vectors', () => {
  it('gives each key its height', () => {
    for (const { key, height } of readVectors<{ key: string; height: number }>(
      'atproto-interop/mst/key_heights.json',
    )) {
      assert.equal(keyHeight(ascii(key)), height, key)
    }
  })

  it('measures common prefixes in bytes', () => {
    for (const { left, right, len } of readVectors<{ left: string; right: string; len: number }>(
      'atproto-interop/mst/common_prefix.json',
    )) {
      assert.equal(commonPrefix(ascii(left), ascii(right)), len, `${left} ${right}`)
    }
  })

  it('holds the example keys on the layer their name says, whatever the order', () => {
    const path = vectorPath('atproto-interop/mst/example_keys.txt')
    if (path === undefined) return
    const keys = readFileSync(path, 'utf8').trim().split('\n')
    const cid = parseCid('bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454')
    for (const key of keys) assert.equal(keyHeight(ascii(key)), Number(key[1]), key)
    const pairs = keys.toSorted().map((key): [string, CidBytes] => [key, cid])
    const up = keys.reduce((tree, key) => tree.put(key, cid), Tree.empty())
    const down = keys.reduceRight((tree, key) => tree.put(key, cid), Tree.empty())
    assert.deepEqual([...up.entries()], pairs)
    assert.equal(cidText(up.root()), cidText(Tree.build(pairs).root()))
    assert.equal(cidText(up.root()), cidText(down.root()))
  })

  for (const name of [
    'repo/commit-proof-fixtures.json',
    'atproto-interop/firehose/commit-proof-fixtures.json',
    'indigo/repo/commit-proof-fixtures.json',
  ]) {
    for (const fixture of readVectors<ProofFixture>(name)) {
      it(`proves and undoes: ${fixture.comment} (${name.split('/')[0]})`, () => {
        checkProof(fixture)
      })
    }
  }
})

function checkProof(fixture: ProofFixture): void {
  const { keys, adds, dels } = fixture
  const value = parseCid(fixture.leafValue)
  const before = keys.reduce((tree, key) => tree.put(key, value), Tree.empty())
  assert.equal(cidText(before.root()), fixture.rootBeforeCommit)
  const added = adds.reduce((tree, key) => tree.put(key, value), before)
  const after = dels.reduce((tree, key) => tree.delete(key), added)
  assert.equal(cidText(after.root()), fixture.rootAfterCommit)
  const proof = after.proof([...adds, ...dels])
  const proved = Array.from(proof, ([cid]) => cidText(cid))
  assert.deepEqual(proved.toSorted(), fixture.blocksInProof.toSorted())
  let undone = Tree.open(after.root(), proof)
  for (const key of adds) undone = undone.delete(key)
  for (const key of dels) undone = undone.put(key, value)
  assert.equal(cidText(undone.root()), fixture.rootBeforeCommit)
}
