/** A process that indexes the frames of a file until it is killed: `node … FRAMES DATABASE`. */
import { readFileSync } from 'node:fs'
import { World } from '../world.test-support.ts'
import { readFrames } from './frames.test-support.ts'

const [framesPath, database] = process.argv.slice(2) as [string, string]
const world = new World({ path: database, startMs: Date.UTC(2026, 0, 2) })
for (const frame of readFrames(readFileSync(framesPath))) world.relay.emit(() => frame)
await world.start()
process.stdout.write('started\n')
await world.settle()
process.stdout.write('done\n')
await world.close()
