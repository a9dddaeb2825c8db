/** Checkpoints by themselves: where a replay may start while files are being synced. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'
import { Checkpoints } from './checkpoints.ts'

const [alice, bob] = ['did:plc:alice', 'did:plc:bob'] as [Did, Did]

/** Checkpoints of files whose syncs the test ends itself. */
function rig() {
  const syncs: { did: Did; sync: PromiseWithResolvers<void> }[] = []
  const points: number[] = []
  const fatal: unknown[] = []
  const fileOf = (did: Did) =>
    ({
      head: () => undefined,
      appliedSeq: () => 0,
      sync() {
        const sync = Promise.withResolvers<void>()
        syncs.push({ did, sync })
        return sync.promise
      },
    }) as unknown as AccountFile
  const checkpoints = new Checkpoints({
    savedPoint: 0,
    hold: (did) => ({ file: fileOf(did), release() {} }),
    before() {},
    save: async (point) => void points.push(point),
    waiting: () => undefined,
    onFatal: (error) => void fatal.push(error),
  })
  const begun = async (count: number) => {
    while (syncs.length < count) await new Promise((resolve) => setImmediate(resolve))
    return syncs[count - 1]!
  }
  return { checkpoints, points, fatal, begun }
}

test('a write during the sync of its file keeps the replay point before itself', async () => {
  const { checkpoints, points, begun } = rig()
  checkpoints.changed(alice, 1, 5)
  checkpoints.applied(7)
  const running = checkpoints.run()
  const { sync } = await begun(1)
  checkpoints.changed(alice, 1, 8)
  checkpoints.changed(bob, 1, 9)
  checkpoints.applied(9)
  sync.resolve()
  await running
  assert.deepEqual(points, [7])
})

test('a file that cannot be synced keeps the replay point before it, and nobody else waiting', async () => {
  const { checkpoints, points, begun } = rig()
  checkpoints.changed(alice, 1, 5)
  checkpoints.changed(bob, 1, 6)
  checkpoints.applied(6)
  const running = checkpoints.run()
  ;(await begun(1)).sync.reject(new StorageError('NoSpace', 'full'))
  ;(await begun(2)).sync.resolve()
  await assert.rejects(running, { code: 'NoSpace' })
  assert.deepEqual(points, [4])
  assert.equal(checkpoints.unsyncedCount, 1)
  const again = checkpoints.run()
  ;(await begun(3)).sync.resolve()
  await again
  assert.deepEqual(points, [4, 6])
})

test('after a failed fsync the replay point never passes that file again', async () => {
  const { checkpoints, points, fatal, begun } = rig()
  checkpoints.changed(alice, 1, 5)
  checkpoints.applied(6)
  const running = checkpoints.run()
  ;(await begun(1)).sync.reject(new StorageError('Fatal', 'fsync failed'))
  await assert.rejects(running, { code: 'Fatal' })
  assert.equal(fatal.length, 1)
  await checkpoints.run()
  assert.deepEqual(new Set(points), new Set([4]))
})
