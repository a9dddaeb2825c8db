import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { generateKey } from '#protocol/crypto'
import { cidLink, decodeCbor, encodeCbor, toBytes } from '#protocol/data'
import { type Did, ProtocolError } from '#protocol/syntax'
import { decodeCommit, encodeCommit, verifyCommitSignature } from './commit.ts'
import { DID, KEY, OTHER_KEY, recordOf, revOf } from './samples.test-support.ts'

const unsigned = { did: DID, rev: revOf(1), data: recordOf('a').cid }
const signed = encodeCommit(unsigned, KEY)

function refuses(value: unknown, options = {}): void {
  const bytes = value instanceof Uint8Array ? value : encodeCbor(value)
  assert.throws(
    () => decodeCommit(bytes, options),
    (error) => error instanceof ProtocolError && error.code === 'InvalidCommit',
  )
}

/** The fields of a right commit, some of them changed. */
function fields(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...(decodeCbor(signed) as Record<string, unknown>), ...changes }
}

describe('a commit', () => {
  it('says what it was made of, and is signed', () => {
    const commit = decodeCommit(signed)
    const { sig, ...rest } = commit
    assert.deepEqual(rest, { ...unsigned, version: 3, prev: null })
    assert.equal(sig.length, 64)
    assert.ok(verifyCommitSignature(commit, KEY.publicKey))
  })

  it('is what a generic encoder makes of it', () => {
    assert.deepEqual(encodeCbor(decodeCbor(signed)), signed)
  })

  it('is signed over itself without the signature', () => {
    const { sig: _, ...rest } = fields()
    assert.ok(KEY.publicKey.verify(encodeCbor(rest), decodeCommit(signed).sig))
  })

  it('verifies with keys of both curves, and with no other key', () => {
    for (const curve of ['k256', 'p256'] as const) {
      const key = generateKey(curve)
      const commit = decodeCommit(encodeCommit(unsigned, key))
      assert.ok(verifyCommitSignature(commit, key.publicKey))
      assert.ok(!verifyCommitSignature(commit, OTHER_KEY.publicKey))
    }
  })

  it('does not verify with any field changed', () => {
    const commit = decodeCommit(signed)
    const changes = [
      { did: 'did:web:example.com' as Did },
      { rev: revOf(2) },
      { data: recordOf('b').cid },
      { prev: recordOf('b').cid },
      { version: 2 as const },
      { sig: new Uint8Array(64) },
      { sig: new Uint8Array(0) },
      { sig: commit.sig.subarray(1) },
    ]
    for (const change of changes) {
      assert.ok(!verifyCommitSignature({ ...commit, ...change }, KEY.publicKey))
    }
  })

  it('may carry a link to the one before, as old ones do', () => {
    const prev = recordOf('b').cid
    const commit = decodeCommit(encodeCbor(fields({ prev: cidLink(prev) })))
    assert.deepEqual(commit.prev, prev)
  })

  it('takes a long DID', () => {
    const did = `did:web:${'a'.repeat(2040)}` as Did
    const commit = decodeCommit(encodeCommit({ ...unsigned, did }, KEY))
    assert.equal(commit.did, did)
    assert.ok(verifyCommitSignature(commit, KEY.publicKey))
  })

  const wrong: [string, Record<string, unknown>][] = [
    ['another version', { version: 4 }],
    ['version 2', { version: 2 }],
    ['a version as text', { version: '3' }],
    ['no DID', { did: 'alice.example' }],
    ['no rev', { rev: undefined }],
    ['a rev that is not a TID', { rev: 'yesterday' }],
    ['an empty rev', { rev: '' }],
    ['a root as text', { data: 'bafy' }],
    ['no root', { data: null }],
    ['no prev', { prev: undefined }],
    ['a prev that is no link', { prev: 'bafy' }],
    ['no signature', { sig: undefined }],
    ['a signature as text', { sig: 'abc' }],
    ['a field more', { extra: 1 }],
  ]
  for (const [what, change] of wrong) {
    it(`is refused with ${what}`, () => refuses(fields(change)))
  }

  it('is refused when it is no map at all', () => {
    for (const value of [null, 1, 'x', [], toBytes(new Uint8Array(3)), cidLink(unsigned.data)]) {
      refuses(value)
    }
    refuses(new Uint8Array(0))
    refuses(new Uint8Array(5000))
  })

  it('of version 2 is read when that is asked for, with or without a rev', () => {
    const version2 = { version2: true }
    assert.equal(decodeCommit(encodeCbor(fields({ version: 2 })), version2).version, 2)
    const old = decodeCommit(encodeCbor(fields({ version: 2, rev: undefined })), version2)
    assert.equal(old.rev, '')
    assert.equal(decodeCommit(signed, version2).version, 3)
    refuses(fields({ rev: undefined }), version2)
  })

  it('of version 2 verifies over the fields it has', () => {
    const { rev: _, sig: __, ...rest } = fields({ version: 2 })
    const sig = KEY.sign(encodeCbor(rest))
    const commit = decodeCommit(encodeCbor({ ...rest, sig: toBytes(sig) }), { version2: true })
    assert.ok(verifyCommitSignature(commit, KEY.publicKey))
    assert.ok(!verifyCommitSignature({ ...commit, rev: revOf(1) }, KEY.publicKey))
  })

  it('is never believed after a change of any byte', () => {
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = signed.slice()
        bytes[at]! ^= change
        try {
          assert.ok(!verifyCommitSignature(decodeCommit(bytes), KEY.publicKey))
        } catch (error) {
          assert.ok(error instanceof ProtocolError && error.code === 'InvalidCommit')
        }
      }),
      { numRuns: 500 },
    )
  })

  it('survives any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => refuses(bytes)))
  })
})
