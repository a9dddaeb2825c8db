/** Recovery by itself: what must not happen between two steps that other tests cannot part. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '#platform/runtime'
import type { Entry } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'
import type { Journal } from './journal.ts'
import { Recovery } from './recovery.ts'

const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' as Did

/** A journal of the entries 1 to `count`, and a file that notes what it was given. */
function rig({ first = 1 } = {}) {
  let count = 3
  let reading: ((seq: number) => void) | undefined
  const applied: number[] = []
  const file = {
    path: 'memory',
    appliedSeq: () => applied.at(-1) ?? 0,
    head: () => undefined,
    applying: (_seq: number, work: () => void) => work(),
  } as unknown as AccountFile
  const entry = (seq: number): Entry => ({
    seq,
    key: did,
    kind: 17,
    timeMs: 0,
    payload: new Uint8Array(),
    blanked: false,
  })
  const journal = {
    stream: { bounds: () => ({ first, last: count, durable: count }), release() {} },
    async *replay(after: number) {
      const upTo = count
      for (let seq = after + 1; seq <= upTo; seq++) {
        yield [entry(seq)]
        reading?.(seq)
      }
    },
  } as unknown as Journal
  const recovery = new Recovery({
    replay: async () => ({
      file: { generation: 1, apply: (_file, seq) => void applied.push(seq) },
    }),
    file: () => file,
    changed() {},
    log: silentLog,
  })
  return {
    recovery,
    journal,
    applied,
    /** Runs when an entry has been read. */
    onRead: (run: (seq: number) => void) => void (reading = run),
    arrive: () => ++count,
  }
}

test('what becomes durable while an account is repaired is applied before it goes on', async () => {
  const { recovery, journal, applied, onRead, arrive } = rig()
  await recovery.start(journal, 3)
  recovery.stop(did, 2, new Error('broken'))
  // The pass has read the end of the journal when the next entry comes, and is not applied.
  let isLate = false
  onRead((seq) => {
    if (seq !== 3 || isLate) return
    isLate = true
    recovery.stop(did, arrive(), new Error('stopped'))
  })
  await recovery.recover(did)
  assert.deepEqual(applied, [2, 3, 4])
  assert.equal(recovery.isStopped(did), false)
})

test('a repair that several ask for runs once', async () => {
  const { recovery, journal, applied } = rig()
  await recovery.start(journal, 3)
  recovery.stop(did, 1, new Error('broken'))
  await Promise.all([recovery.recover(did), recovery.recover(did), recovery.recover(did)])
  assert.deepEqual(applied, [1, 2, 3])
})

test('an account that needs what the journal no longer has stays stopped', async () => {
  const { recovery, journal, applied } = rig({ first: 2 })
  await recovery.start(journal, 3)
  recovery.stop(did, 1, new Error('older'))
  await assert.rejects(recovery.recover(did), /AccountStopped|is being repaired/)
  assert.equal(recovery.isStopped(did), true)
  const [told, ...more] = recovery.stopped(10)
  assert.deepEqual([told!.did, more], [did, []])
  assert.match(told!.reason, /older|journal/)
  assert.equal(recovery.lowestSeq(), 1)
  assert.deepEqual(applied, [])
})
