import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blobRefs, cidText, decodeCbor, encodeCbor, fromJson, parseCid } from './index.ts'

const one = 'bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity'
const two = 'bafkreihwsnuregceqh263vgdathcprnbvatyat6h6mu7ipjhhodcdbyhoy'

function blob(link: string, mimeType = 'image/png') {
  return { $type: 'blob', ref: { $link: link }, mimeType, size: 12 }
}

test('blobs are found wherever they stand, decoded or plain, in order', () => {
  const json = {
    $type: 'app.example.post',
    embed: { images: [{ image: blob(one) }, { image: blob(two, 'video/mp4') }] },
    unknown: { deeper: [[blob(one)]] },
  }
  const expected = [
    { cid: parseCid(one), mimeType: 'image/png', size: 12 },
    { cid: parseCid(two), mimeType: 'video/mp4', size: 12 },
    { cid: parseCid(one), mimeType: 'image/png', size: 12 },
  ]
  for (const value of [json, fromJson(json), decodeCbor(encodeCbor(fromJson(json)))]) {
    const found = blobRefs(value)
    const named = (refs: typeof found) => refs.map((ref) => ({ ...ref, cid: cidText(ref.cid) }))
    assert.deepEqual(
      named(found).sort((a, b) => a.mimeType.localeCompare(b.mimeType)),
      named(expected).sort((a, b) => a.mimeType.localeCompare(b.mimeType)),
    )
  }
})

test('objects that only resemble a blob are left out, and looked into', () => {
  const values = [
    undefined,
    null,
    7,
    'blob',
    { $type: 'blob', mimeType: 'a/b', size: 1 },
    { $type: 'blob', ref: { $link: one }, mimeType: 'a/b', size: '1' },
    { cid: one, mimeType: 'image/png' },
    { ref: { $link: one }, mimeType: 'a/b', size: 1 },
  ]
  for (const value of values) assert.deepEqual(blobRefs(value), [])
  assert.equal(blobRefs({ $type: 'blob', inner: blob(one) }).length, 1)
})

test('a blob whose link is not a CID is refused', () => {
  assert.throws(() => blobRefs(blob('bafybad')), { code: 'InvalidCid' })
})
