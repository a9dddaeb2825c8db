import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, testOutside } from '#platform/runtime'
import { type AcknowledgementOptions, Acknowledgements } from './acknowledgements.ts'

const AWAY_MS = 5_000

function rig(options: Partial<AcknowledgementOptions> = {}) {
  const outside = testOutside({ seed: 1 })
  const said: string[] = []
  const log = createLog({
    level: 'error',
    write: (line) => said.push(JSON.parse(line).message),
  })
  const acks = new Acknowledgements({
    mode: 'sync',
    awayMs: AWAY_MS,
    whenAway: 'continue',
    everInStep: false,
    onFirstInStep() {},
    timers: outside.timers,
    now: outside.now,
    log,
    ...options,
  })
  acks.begin(0)
  /** What became of a write: waiting, copied, or what its caller was told. */
  const write = (seq: number) => {
    const state = { is: 'waiting' }
    const wait = acks.durable(seq)
    if (!wait) state.is = 'copied'
    wait?.copied.then(() => void (state.is = 'copied'))
    wait?.told.catch(({ error }) => void (state.is = error))
    return state
  }
  const follow = () => {
    acks.heard('one', 0, true)
    acks.caughtUp('one')
  }
  const settled = () => outside.advance(0)
  return { acks, outside, said, write, follow, settled }
}

test('before a standby has been in step nobody waits for one', async () => {
  const { write } = rig()
  assert.equal(write(1).is, 'copied')
})

test('in sync a write waits until the standby has its seq on its disk, in order', async () => {
  const { acks, write, follow, settled } = rig()
  follow()
  const [one, two] = [write(1), write(2)]
  await settled()
  assert.deepEqual([one.is, two.is], ['waiting', 'waiting'])
  acks.heard('one', 1, true)
  await settled()
  assert.deepEqual([one.is, two.is], ['copied', 'waiting'])
  assert.equal(acks.lagEntries, 1)
  acks.heard('one', 2, true)
  await settled()
  assert.equal(two.is, 'copied')
})

test('what another standby has, or one that is not in step, counts for nothing', async () => {
  const { acks, write, follow, settled } = rig()
  follow()
  const one = write(1)
  acks.heard('another', 1, true)
  acks.heard('one', 1, false)
  await settled()
  assert.equal(one.is, 'waiting')
})

test('in async nobody waits, and the lag is what would be lost', async () => {
  const { acks, outside, write, follow } = rig({ mode: 'async' })
  follow()
  assert.equal(write(1).is, 'copied')
  await outside.advance(700)
  write(2)
  assert.equal(acks.lagEntries, 2)
  assert.equal(acks.lagMs, 700)
  acks.heard('one', 2, true)
  assert.deepEqual([acks.lagEntries, acks.lagMs], [0, 0])
})

test('a standby that stays away lets writes go on, said loudly, until it is in step again', async () => {
  const { acks, outside, said, write, follow, settled } = rig()
  follow()
  const one = write(1)
  await outside.advance(AWAY_MS - 1)
  assert.equal(one.is, 'waiting')
  await outside.advance(2)
  assert.equal(one.is, 'copied')
  assert.equal(acks.state, 'away')
  assert.deepEqual(said, ['the standby is away: writes go on without it'])
  const two = write(2)
  await settled()
  assert.equal(two.is, 'copied')
  acks.heard('one', 2, true)
  acks.caughtUp('one')
  const three = write(3)
  await settled()
  assert.equal(three.is, 'waiting')
})

test('where the operator chose so, writes are refused while it is away; what is under way is told so', async () => {
  const { acks, outside, said, write, follow, settled } = rig({ whenAway: 'refuse' })
  follow()
  const one = write(1)
  acks.requireStandby()
  await outside.advance(AWAY_MS + 1)
  assert.equal(one.is, 'StandbyAway')
  assert.throws(() => acks.requireStandby(), { error: 'NotEnoughResources', status: 503 })
  assert.deepEqual(said, ['the standby is away: writes are refused'])
  acks.heard('one', 1, true)
  acks.caughtUp('one')
  acks.requireStandby()
  const two = write(2)
  await settled()
  assert.equal(two.is, 'waiting')
})

test('a host that starts anew where writes are refused gives its standby the time to find it', async () => {
  const { acks, outside } = rig({ whenAway: 'refuse', everInStep: true })
  acks.requireStandby()
  await outside.advance(AWAY_MS + 1)
  assert.throws(() => acks.requireStandby(), { error: 'NotEnoughResources' })
})
