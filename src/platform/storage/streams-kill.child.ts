/** Appends as fast as it can and prints each seq once it is durable, until it is killed. See streams-kill.slow.test.ts. */
import { writeSync } from 'node:fs'
import { openLocalStreams } from './streams-local.ts'

const [directory, round] = process.argv.slice(2)
const streams = await openLocalStreams(directory!, { reserveBytes: 0 })
const stream = await streams.open('s', { segmentBytes: 256 * 1024 })
writeSync(1, 'open\n')

async function caller(name: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const size = (name * 7919 + turn * 104_729) % 3000
    const make = (seq: number) => Buffer.from(`${seq} ${round} ${'x'.repeat(size)}`)
    const { first, last, durable } = stream.append(
      Array.from({ length: 1 + (turn % 3) }, () => ({ key: `caller-${name}`, kind: 1, make })),
    )
    await durable
    // Synchronous: what is printed was acknowledged, whatever happens next.
    writeSync(1, `${first} ${last}\n`)
    if (name === 0 && turn % 50 === 49) {
      await stream.blank(({ seq, key }) => seq < first && key === 'caller-1')
    }
  }
}

for (let name = 0; name < 8; name++) void caller(name)
