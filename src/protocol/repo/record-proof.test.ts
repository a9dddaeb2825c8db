import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cidForCbor, generateKey } from '#protocol/crypto'
import { type CidBytes, encodeCar, encodeCbor } from '#protocol/data'
import type { Did, Tid } from '#protocol/syntax'
import { encodeCommit } from './commit.ts'
import { readRecordProof } from './record-proof.ts'
import { Tree } from './tree.ts'

const did: Did = 'did:plc:ann222222222222222222222'
const key = generateKey('k256')
const rev = '3jzfcijpj2z2a' as Tid
const records = new Map(
  Array.from({ length: 300 }, (_, i) => {
    const bytes = encodeCbor({ text: `record ${i}` })
    return [`app.test.note/${String(i).padStart(4, '0')}`, { cid: cidForCbor(bytes), bytes }]
  }),
)
const tree = Tree.build([...records].map(([path, { cid }]) => [path, cid]))

function proofOf(path: string, { by = key, of = did } = {}): [CidBytes, Uint8Array][] {
  const commit = encodeCommit({ did: of, rev, data: tree.root() }, by)
  const record = records.get(path)
  return [
    [cidForCbor(commit), commit],
    ...[...tree.proof([path]).entries()].map(([cid, bytes]): [CidBytes, Uint8Array] => [
      cid,
      bytes,
    ]),
    ...(record ? [[record.cid, record.bytes] as [CidBytes, Uint8Array]] : []),
  ]
}

const read = (blocks: [CidBytes, Uint8Array][], path: string) =>
  readRecordProof(encodeCar([blocks[0]![0]], blocks), { did, path, key: key.publicKey })

test('a proof tells what is at a path, and that nothing is', () => {
  for (const path of ['app.test.note/0000', 'app.test.note/0123', 'app.test.note/0299']) {
    const { record, rev: proven } = read(proofOf(path), path)
    assert.deepEqual([record?.bytes, proven], [records.get(path)!.bytes, rev])
  }
  for (const path of ['app.test.note/0123x', 'app.test.other/1', 'zzz.test.note/1'])
    assert.equal(read(proofOf(path), path).record, undefined)
})

test('nothing is believed that the account did not sign, or that was changed or left out on the way', () => {
  const path = 'app.test.note/0123'
  const other = 'did:plc:bob222222222222222222222' as Did
  assert.throws(() => read(proofOf(path, { by: generateKey('k256') }), path), /did not sign/)
  assert.throws(() => read(proofOf(path, { of: other }), path), /somebody else/)
  const whole = proofOf(path)
  for (let left = 1; left < whole.length; left++) {
    const blocks = whole.filter((_, i) => i !== left)
    // A node beside the path proves nothing about it.
    const seen = (() => {
      try {
        return read(blocks, path).record?.bytes
      } catch (error) {
        return error as Error
      }
    })()
    if (!(seen instanceof Error)) assert.deepEqual(seen, records.get(path)!.bytes)
  }
  const forged = encodeCbor({ text: 'forged' })
  const record = whole.at(-1)!
  assert.throws(() => read([...whole.slice(0, -1), [record[0], forged]], path), /another hash/)
  assert.throws(() => read(whole.slice(0, -1), path), /no record/)
  const cut = whole.map(([cid, bytes], i): [CidBytes, Uint8Array] => [
    cid,
    i === 1 ? tree.proof(['app.test.note/0000']).entries().next().value![1].slice(0, -1) : bytes,
  ])
  assert.throws(() => read(cut, path))
  assert.throws(
    () => readRecordProof(encodeCar([], []), { did, path, key: key.publicKey }),
    /no commit/,
  )
  assert.throws(() => readRecordProof(Uint8Array.of(1, 2), { did, path, key: key.publicKey }))
})

test('a byte changed anywhere makes it no proof, or one of the same', () => {
  const path = 'app.test.note/0123'
  const blocks = proofOf(path)
  const car = encodeCar([blocks[0]![0]], blocks)
  for (let at = 0; at < car.length; at += 7) {
    const changed = car.slice()
    changed[at]! ^= 1 << (at % 8)
    try {
      const { record } = readRecordProof(changed, { did, path, key: key.publicKey })
      assert.deepEqual(record?.bytes, records.get(path)!.bytes, `byte ${at}`)
    } catch (error) {
      if ((error as Error).name === 'AssertionError') throw error
    }
  }
})
