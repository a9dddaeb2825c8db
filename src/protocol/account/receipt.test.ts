import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import type { Did, Handle, Tid } from '#protocol/syntax'
import { signReceipt, verifyReceipt } from './receipt.ts'

const head = { rev: '3kexample2222' as Tid, commit: 'c', data: 'd' }
const receipt = {
  did: 'did:plc:abc' as Did,
  handle: 'alice.test' as Handle,
  from: 'https://old.test',
  to: 'https://new.test',
  sourceHead: head,
  destinationHead: head,
  sameRoot: true,
  records: 3,
  blobs: 1,
  missingBlobs: [],
  preferences: 2,
  operation: undefined,
  sameBlobs: true,
  privateParts: [],
  sightings: [],
  warnings: [],
  startedMs: 1,
  finishedMs: 2,
}

test('a receipt holds as long as nobody changes a word of it', () => {
  const key = generateKey('k256')
  const signed = JSON.parse(JSON.stringify(signReceipt(receipt, key)))
  assert.equal(verifyReceipt(signed, key.publicKey), true)
  assert.equal(verifyReceipt({ ...signed, records: 4 }, key.publicKey), false)
  assert.equal(verifyReceipt({ ...signed, sig: 'nonsense!' }, key.publicKey), false)
  assert.equal(verifyReceipt(signed, generateKey('k256').publicKey), false)
})
