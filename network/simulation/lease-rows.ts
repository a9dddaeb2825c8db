/** What may happen to two hosts and their witness, as rows and by chance. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LeaseWorld, TERM_MS } from './leases.ts'

/** One after the other; numbers let time go by. */
type Step = number | ((world: LeaseWorld) => void)

const start = (host: number) => (world: LeaseWorld) => world.hosts[host]!.start()
const kill = (host: number) => (world: LeaseWorld) => world.hosts[host]!.kill()
const pause = (host: number, ms: number) => (world: LeaseWorld) => world.hosts[host]!.pause(ms)
/** What a standby does all the time: it has all of the newest epoch that anybody may have begun. */
const follow = (host: number) => (world: LeaseWorld) => {
  const epoch = Math.max(...world.hosts.map(({ note }) => note.epoch))
  world.hosts[host]!.note = { epoch, claim: undefined }
}
const takeOver = (host: number) => (world: LeaseWorld) => {
  follow(host)(world)
  start(host)(world)
}
const release = (host: number) => (world: LeaseWorld) => void world.hosts[host]!.lease?.release()
const network =
  (delayMs: number, lossRate = 0) =>
  (world: LeaseWorld) =>
    void Object.assign(world, { delayMs, lossRate })
const witnessDown = (world: LeaseWorld) => world.stopWitness()
const witnessUp = (world: LeaseWorld) => world.startWitness()
const epochs = (...expected: number[]) => {
  return (world: LeaseWorld) => assert.deepEqual(world.given, expected)
}
/** Who acknowledges within the next two seconds. */
const writer = (host: number | undefined) => async (world: LeaseWorld) => {
  const before = world.acknowledged.length
  await world.run(2_000)
  const hosts = new Set(world.acknowledged.slice(before).map((one) => one.host))
  assert.deepEqual([...hosts], host === undefined ? [] : [host], `at ${world.nowMs}`)
}
const refused = (host: number, reason: string | undefined) => (world: LeaseWorld) =>
  assert.equal(world.hosts[host]!.refusal?.reason, reason)

export const leaseRows: [string, (Step | ReturnType<typeof writer>)[]][] = [
  ['a host alone writes, and renews', [start(0), 60_000, writer(0), epochs(1)]],
  [
    'another waits for the end of the term of a host that was killed',
    [start(0), 10_000, kill(0), takeOver(1), 2_000, epochs(1), 4_000, writer(1), epochs(1, 2)],
  ],
  [
    'a host that lives is not taken over from',
    [start(0), 10_000, takeOver(1), 20_000, writer(0), epochs(1)],
  ],
  [
    'a host that stands still acknowledges nothing when it goes on, and is told why',
    [
      start(0),
      10_000,
      pause(0, 20_000),
      takeOver(1),
      15_000,
      writer(1),
      10_000,
      writer(1),
      epochs(1, 2),
    ],
  ],
  [
    'a host that stood still and was not replaced goes on',
    [start(0), 10_000, pause(0, 20_000), 18_000, writer(undefined), 3_000, writer(0), epochs(1)],
  ],
  [
    'who gives it back is followed at once',
    [start(0), 10_000, release(0), 100, takeOver(1), 500, writer(1), epochs(1, 2)],
  ],
  [
    'a host whose data are older does not begin, even when nobody writes',
    [
      ...[start(0), 10_000, kill(0), takeOver(1), 10_000, kill(1), 10_000],
      ...[start(0), 5_000, refused(0, 'superseded'), writer(undefined), start(1), 5_000, writer(1)],
      epochs(1, 2, 3),
    ],
  ],
  [
    'without a witness writing ends with the term, and goes on when it is back',
    [
      start(0),
      10_000,
      witnessDown,
      TERM_MS,
      writer(undefined),
      witnessUp,
      1_500,
      writer(0),
      epochs(1),
    ],
  ],
  [
    'a witness that starts again hands nothing out twice',
    [
      ...[
        start(0),
        10_000,
        witnessDown,
        pause(0, 9_000),
        10,
        witnessUp,
        takeOver(1),
        4_900,
        epochs(1),
      ],
      ...[2_000, writer(1), 6_000, writer(1), epochs(1, 2)],
    ],
  ],
  [
    'a short absence of the witness is not noticed',
    [
      start(0),
      10_000,
      witnessDown,
      1_500,
      witnessUp,
      writer(0),
      witnessDown,
      1_500,
      witnessUp,
      writer(0),
      epochs(1),
    ],
  ],
  [
    'slow answers shorten what is left of a term, and no more',
    [start(0), 5_000, network(600), 20_000, writer(0), epochs(1)],
  ],
  [
    'a third of messages lost is no trouble',
    [network(50, 0.33), start(0), 30_000, writer(0), epochs(1)],
  ],
  [
    'an answer that was lost is asked for again, and the epoch is not used up',
    [network(10, 1), start(0), 3_000, network(10), 3_000, writer(0), epochs(1)],
  ],
]

/** Plays one row. */
export async function play(steps: (typeof leaseRows)[number][1]): Promise<void> {
  const world = await new LeaseWorld(7).open()
  try {
    for (const step of steps) {
      if (typeof step === 'number') await world.run(step)
      else await step(world)
    }
    assert.deepEqual(world.problems, [])
  } finally {
    await world.close()
  }
}

const host = fc.integer({ min: 0, max: 1 })
const ms = fc.integer({ min: 0, max: 9_000 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ms },
  { weight: 3, arbitrary: host.map(takeOver) },
  { weight: 3, arbitrary: fc.tuple(host, ms).map(([one, time]) => pause(one, time)) },
  { weight: 1, arbitrary: host.map(kill) },
  { weight: 1, arbitrary: host.map(start) },
  { weight: 1, arbitrary: host.map(release) },
  { weight: 1, arbitrary: fc.constant(witnessDown) },
  { weight: 2, arbitrary: fc.constant(witnessUp) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 2_500 }), fc.constantFrom(0, 0.1, 0.5, 1))
      .map(([delay, loss]) => network(delay, loss)),
  },
)

/** Never two hosts may write, epochs only rise, and when all is well again somebody writes. */
export async function playSchedules(numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.tuple(...[0, 1].map(() => fc.constantFrom(0.96, 0.99, 1, 1.01, 1.05))),
      fc.array(step, { minLength: 5, maxLength: 25 }),
      async (seed, rates, steps) => {
        const world = await new LeaseWorld(seed, rates).open()
        try {
          for (const one of steps) {
            if (typeof one === 'number') await world.run(one)
            else one(world)
          }
          // Whatever happened, a host that follows can take over when all is well again.
          network(20)(world)
          witnessUp(world)
          for (const one of world.hosts) one.kill()
          takeOver(0)(world)
          await world.run(4 * TERM_MS)
          const before = world.acknowledged.length
          await world.run(9_000)
          assert.ok(world.acknowledged.length > before, 'it writes in the end')
          assert.deepEqual(world.problems, [])
        } finally {
          await world.close()
        }
      },
    ),
    { numRuns },
  )
}
