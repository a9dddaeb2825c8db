/** Either host is killed at every step of a move; the move ends well each time. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { moveSteps } from '#protocol/account'
import { MovingNetwork } from '../moving.test-support.ts'

describe('a move whose hosts are killed', () => {
  const network = new MovingNetwork()
  before(() => network.start())
  after(() => network.stop())

  for (const killed of ['old', 'new'] as const) {
    for (const step of moveSteps.filter((one) => one !== 'account' && one !== 'done')) {
      test(`goes on when the ${killed} host dies at ${step}`, async () => {
        const mover = await network.person(`${killed}-${step}`, { records: 300, blobs: 30 })
        const { state, problem, receipt } = await network.moveThrough(mover, step, killed)
        assert.equal(state, 'done', problem ?? '')
        assert.deepEqual([receipt!.records, receipt!.blobs, receipt!.sameRoot], [330, 30, true])
        assert.deepEqual(receipt!.missingBlobs, [])
      })
    }
  }
})
