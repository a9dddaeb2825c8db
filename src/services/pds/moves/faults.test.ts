/** What goes wrong on a move: each fault with a source and an owner, so that every pair is there. The rest: the long test. */
import { after, before, test } from 'node:test'
import { FaultyWorld, nameOf, someRows } from './faults.test-support.ts'

const world = new FaultyWorld()
before(() => world.open())
after(() => world.close())

for (const row of someRows) test(nameOf(row), () => world.run(row))
