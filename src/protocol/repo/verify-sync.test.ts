import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cidForCbor } from '#protocol/crypto'
import type { CidBytes } from '#protocol/data'
import { formatTid } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import { encodeCommit } from './commit.ts'
import type { SyncEvent } from './parse-event.ts'
import {
  DID,
  KEY,
  NOW_MS,
  OTHER_KEY,
  recordOf,
  revOf,
  SampleRepo,
  TIME,
} from './samples.test-support.ts'
import { type VerifyOptions, verifySyncEvent } from './verify-commit.ts'

function blockMap(blocks: Iterable<readonly [CidBytes, Uint8Array]>): BlockMap {
  const map = new BlockMap()
  for (const [cid, bytes] of blocks) map.add(cid, bytes)
  return map
}

describe('verifying a sync', () => {
  const plan = SampleRepo.of(30).plan([])
  const event: SyncEvent = {
    seq: 1,
    did: DID,
    rev: plan.head.rev,
    commit: plan.head.commit,
    blocks: blockMap([[plan.head.commit, plan.commitBytes]]),
    time: TIME,
  }

  function reason(changes: Partial<SyncEvent> = {}, options: Partial<VerifyOptions> = {}): string {
    const verdict = verifySyncEvent(
      { ...event, ...changes },
      { key: KEY.publicKey, nowMs: NOW_MS, ...options },
    )
    return verdict.ok ? 'ok' : verdict.reason
  }

  it('gives the head that the commit states, whatever was known', () => {
    const previous = { rev: revOf(0), data: recordOf('other').cid }
    const verdict = verifySyncEvent(event, { key: KEY.publicKey, nowMs: NOW_MS, previous })
    assert.deepEqual(verdict, { ok: true, head: plan.head })
  })

  it('refuses what a commit is refused for', () => {
    assert.equal(reason({ did: 'did:web:example.com' }), 'bad-commit')
    assert.equal(reason({ rev: revOf(5) }), 'bad-commit')
    assert.equal(reason({}, { key: OTHER_KEY.publicKey }), 'bad-signature')
    assert.equal(reason({ blocks: new BlockMap() }), 'missing-block')
    const previous = { rev: revOf(2), data: plan.head.data }
    assert.equal(reason({}, { previous }), 'rev-not-newer')
    assert.equal(reason({}, { nowMs: NOW_MS - 86_400_000 }), 'future-rev')
    const [cid, bytes] = [recordOf(1).cid, recordOf(2).bytes]
    const blocks = blockMap([
      [plan.head.commit, plan.commitBytes],
      [cid, bytes],
    ])
    assert.equal(reason({ blocks }), 'bad-hash')
  })

  it('reads the rev of a far future without harm', () => {
    const rev = formatTid(Number.MAX_SAFE_INTEGER, 1023)
    const bytes = encodeCommit({ did: DID, rev, data: plan.head.data }, KEY)
    const commit = cidForCbor(bytes)
    assert.equal(reason({ rev, commit, blocks: blockMap([[commit, bytes]]) }), 'future-rev')
  })
})
