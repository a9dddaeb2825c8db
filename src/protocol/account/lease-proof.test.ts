import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLeaseProof, leaseProof } from './lease-proof.ts'

const SECRET = 'a secret that two hosts share'
const FIELDS = { hostname: 'pds.example', claim: 'c'.repeat(32), after: 3, former: undefined }

test('a proof is of all fields, in any order, and of nothing else', () => {
  const proof = leaseProof(SECRET, 'take', FIELDS)
  const same = { after: 3, claim: FIELDS.claim, hostname: 'pds.example', proof: 'ignored' }
  assert.ok(isLeaseProof(SECRET, 'take', same, proof))
  const others: [string, string, Record<string, string | number>][] = [
    ['another secret that is wrong', 'take', same],
    [SECRET, 'renew', same],
    [SECRET, 'take', { ...same, after: 4 }],
    [SECRET, 'take', { ...same, after: '3' }],
    [SECRET, 'take', { ...same, hostname: 'other.example' }],
    [SECRET, 'take', { ...same, former: 'x' }],
  ]
  for (const [secret, use, fields] of others) {
    assert.equal(isLeaseProof(secret, use, fields, proof), false, JSON.stringify([use, fields]))
  }
})

test('what is no proof at all is refused, not thrown over', () => {
  for (const proof of ['', 'f'.repeat(63), 'F'.repeat(64), 'ü'.repeat(64), '0'.repeat(64)]) {
    assert.equal(isLeaseProof(SECRET, 'take', FIELDS, proof), false)
  }
})
